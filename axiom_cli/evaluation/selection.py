"""The selection gap: the selected model's pass rate on the problems that chose it, and on the test problems."""

from __future__ import annotations

from dataclasses import dataclass

from axiom_cli.evaluation.comparison import problem_counts
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.evaluation.metrics import temperature
from axiom_cli.statistics import newcombe


@dataclass(frozen=True)
class SelectionGap:
    """Shares of 1. `difference` is test - validation, with its 95 % interval as two independent rates."""

    validation: float
    test: float
    difference: float
    interval: tuple[float, float]


def selection_gap(experiment: Experiment, selected: int) -> SelectionGap | None:
    """The gap of the selected model, by its greedy samples (else at the lowest temperature that both splits have); None
    where one of the splits was not evaluated."""
    val, test = (
        {temperature(row): row for row in experiment.evaluations(split=split) if row.iteration == selected and row.n}
        for split in ("val", "test")
    )
    shared = val.keys() & test.keys()
    if not shared:
        return None
    on_val, on_test = val[min(shared)], test[min(shared)]
    interval = newcombe(*problem_counts(on_val), *problem_counts(on_test))
    return SelectionGap(on_val.rate, on_test.rate, on_test.rate - on_val.rate, interval)

"""The coverage ledger: the held-out problems that the selected model solves and the start model fails, and the reverse.

The two models' greedy verdicts are paired by problem, so the two lists are as long as the cells of McNemar's table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from axiom_cli.errors import InputError
from axiom_cli.evaluation.experiment_folder import HELD_OUT, KEPT, Experiment
from axiom_cli.evaluation.metrics import temperature_of
from axiom_cli.evaluation.solve_rates import problem_rates
from axiom_cli.records import Verdict

Change = Literal["newly solved", "lost"]
GREEDY = 0.0


@dataclass(frozen=True)
class Ledger:
    """The problems that changed in one way, in the order of the evaluation: verdicts of the selected model, each with
    the start model's as the field `start`, and what every model did at the problem as `rounds`. `paired` counts the
    problems that both models were judged on."""

    experiment: str
    split: str
    start: int
    selected: int
    change: Change
    paired: int
    verdicts: list[Verdict]


def ledger(experiment: Experiment, change: Change) -> Ledger:
    """The problems of the test split, or else of validation, that changed between the start and the selected model.

    Raises InputError where nothing was evaluated, or the verdicts of the two models were not kept."""
    selected = experiment.best()
    start = experiment.iterations()[0]
    for split in HELD_OUT:
        before, after = _passed(experiment, split, start), _passed(experiment, split, selected)
        if paired := before.keys() & after.keys():
            break
    else:
        both = f"model {start}" if start == selected else f"models {start} and {selected}"
        raise InputError(f"experiment {experiment.name} holds no greedy verdicts of {both} on the same problems", KEPT)
    outcome = (False, True) if change == "newly solved" else (True, False)
    changed = {problem for problem in paired if (before[problem], after[problem]) == outcome}
    earlier = {verdict.sample.problem.id: verdict for verdict in _greedy(experiment, split, start, changed)}
    rounds = {
        rates.problem: [count.to_dict() for count in rates.rounds]
        for rates in (problem_rates(experiment, split) if changed else ())
        if rates.temperature == GREEDY and rates.problem in changed
    }
    verdicts = []
    for verdict in _greedy(experiment, split, selected, changed):
        problem = verdict.sample.problem.id
        beside = {"start": earlier[problem].to_dict(), "rounds": rounds[problem]}
        verdicts.append(replace(verdict, extra={**verdict.extra, **beside}))
    return Ledger(experiment.name, split, start, selected, change, len(paired), verdicts)


def _passed(experiment: Experiment, split: str, iteration: int) -> Mapping[str, bool]:
    """Whether the greedy sample of each judged problem passed; empty where verdicts were not kept."""
    tallies = experiment.tallies(split, iteration).get(GREEDY, ())
    return {tally.problem: tally.passed == tally.judged for tally in tallies if tally.judged}


def _greedy(experiment: Experiment, split: str, iteration: int, problems: Collection[str]) -> Iterator[Verdict]:
    """The greedy verdicts on these problems, one each."""
    left = set(problems)
    for verdict in experiment.verdicts(split, iteration) if left else ():
        problem = verdict.sample.problem.id
        if problem in left and temperature_of(verdict) == GREEDY and verdict.status != "infra":
            left.remove(problem)
            yield verdict

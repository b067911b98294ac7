"""An experiment as rows of plain values, one for each evaluation of a model: what CSV holds, and the rows of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axiom_cli.evaluation.comparison import Comparison
from axiom_cli.evaluation.experiment_folder import arm_name, split_arm
from axiom_cli.evaluation.frontier import Frontier, evaluation_of
from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.records import Metrics
from axiom_cli.report.cells import family_rates, rates_of
from axiom_cli.report.outcome.rounds import rounds_of
from axiom_cli.report.outcome.summary import ExperimentSummary
from axiom_cli.report.sections.coverage import coverage_columns


def plain_rows(summary: ExperimentSummary) -> list[dict[str, Any]]:
    """A row for each overall evaluation, with what the round did that made its model."""
    families, rates = summary.families(), family_rates(summary.experiment.rows)
    made = {
        (arm_name(summary.experiment.name, arm), of.number): of.columns()
        for arm in summary.experiment.arms()
        for of in rounds_of(summary.experiment, arm)
    }
    return [
        {
            "experiment": row.experiment,
            "iteration": row.iteration,
            "selected": row.experiment == summary.experiment.name and row.iteration == summary.selected,
            "split": row.split,
            "temperature": temperature(row),
            "problems": row.extra.get("problems", row.n),
            **{name: getattr(row, name) for name in ("n", "passed", "rate")},
            "low": row.interval[0],
            "high": row.interval[1],
            **{name: row.extra.get(name) for name in ("parsed", "reasoned", "rate_reasoned", "rate_bare", "infra")},
            **{name: getattr(row, name) for name in ("seconds", "tokens")},
            **rates_of(row, families, rates),
            **_frontier_columns(frontiers_of(row, summary), families if summary.frontiers else ()),
            **made[row.experiment, row.iteration],
        }
        for row in summary.rows
    ]


def frontiers_of(row: Metrics, summary: ExperimentSummary) -> dict[str, Frontier]:
    """The frontier of each family in a greedy evaluation; empty for others."""
    return {} if temperature(row) else summary.frontiers.get(evaluation_of(row), {})


def _frontier_columns(reached: Mapping[str, Frontier], families: Sequence[str]) -> dict[str, int | None]:
    """Two columns a family: the levels solved at 0.9 and more, and at 0.5 and more."""
    columns: dict[str, int | None] = {}
    for family in families:
        frontier = reached.get(family)
        columns[f"{family} frontier 0.9"] = frontier.solved if frontier else None
        columns[f"{family} frontier 0.5"] = frontier.half_solved if frontier else None
    return columns


def csv_rows(summary: ExperimentSummary) -> list[dict[str, Any]]:
    """The plain rows with more columns: rates by family and level, pass@k, what the model is compared with, and what
    holds for the whole run."""
    run = summary.experiment
    cells = {
        (row.experiment, row.iteration, row.split, temperature(row), row.family, row.level): row.rate
        for row in run.rows
        if row.extra.get("phase") == "evaluate" and row.level
    }
    kinds = sorted({(family, level) for *_, family, level in cells}, key=lambda of: (of[0] != ALL, *of))
    ks = sorted({int(k) for row in summary.rows for k in row.pass_at})
    evidence = {row.iteration + 1: row.extra["e_value"] for row in run.phases() if row.extra["phase"] == "evidence"}
    planted = {"wrong_labels": run.config["wrong_labels"]} if run.config.get("wrong_labels") else {}
    rows = []
    for row, plain in zip(summary.rows, plain_rows(summary), strict=True):
        place = row.experiment, row.iteration, row.split, temperature(row)
        own = row.experiment == run.name
        rows.append(
            plain
            | {f"{family} level {level}": cells.get((*place, family, level)) for family, level in kinds}
            | {f"pass@{k}": row.pass_at.get(str(k)) for k in ks}
            | (_diversity(row, summary) if own else {})
            | _compared(row, summary)
            | ({"e_value": evidence.get(row.iteration) if own else None} if evidence else {})
            | planted
        )
    return rows


def _diversity(row: Metrics, summary: ExperimentSummary) -> dict[str, float]:
    """How much the samples of this evaluation differ, where it is the one that the report measures it on."""
    of = summary.coverage
    measured = of is not None and (row.split, temperature(row)) == (of.split, of.temperature)
    return coverage_columns(of, row.iteration) if of and measured else {}


def _compared(row: Metrics, summary: ExperimentSummary) -> dict[str, Any]:
    """A model against the one before it (`step_`), the selected model against the start model (`start_`) and, in the
    row of a control's selected model, the run's against it (`control_`); each on the split that it was made on."""
    run, (_, arm) = summary.experiment, split_arm(row.experiment)
    comparisons: dict[str, Comparison | None] = {"step_": None, "start_": None, "control_": None}
    if arm and arm in summary.controls and row.iteration == run.best(arm):
        comparisons["control_"] = summary.controls[arm]
    elif not arm:
        comparisons["step_"] = next((of for of in summary.steps if of.after == f"model {row.iteration}"), None)
        if row.iteration == summary.selected:
            measure = "greedy" if not temperature(row) else "sampled"
            comparisons["start_"] = next((of for of in summary.final if of.measure in (measure, "unpaired")), None)
    columns: dict[str, Any] = {}
    for name, of in comparisons.items():
        fits = of is not None and of.split == row.split and (name == "start_" or not temperature(row))
        columns |= _columns(name, of if fits else None)
    return columns


def _columns(prefix: str, of: Comparison | None) -> dict[str, Any]:
    values = (of.difference, *of.interval, of.p, of.verdict) if of else (None,) * 5
    return dict(zip((f"{prefix}{name}" for name in ("difference", "low", "high", "p", "finding")), values, strict=True))

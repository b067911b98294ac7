"""Experiments in every format: a row for each evaluation, and the sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from axiom_cli.evaluation.experiment_folder import split_arm
from axiom_cli.evaluation.frontier import Frontier, evaluation_of
from axiom_cli.evaluation.metrics import temperature
from axiom_cli.records import Metrics
from axiom_cli.report.cold_start import cold_start_facts, cold_start_table
from axiom_cli.report.coverage import coverage_json, coverage_parts
from axiom_cli.report.formats import Findings, Table
from axiom_cli.report.frontier import frontier_table
from axiom_cli.report.gain import gain_table
from axiom_cli.report.rate_table import family_rates, rate_cells, rate_columns, rates_of
from axiom_cli.report.summary import ExperimentSummary


def experiment_findings(summaries: Sequence[ExperimentSummary]) -> Findings:
    """One or more experiments. As JSON a single one is an object, several are a list."""
    objects = []
    markdown: list[Table | str] = []
    terminal: list[Table | str] = []
    for summary in summaries:
        table, steps = experiment_table(summary), [step.sentence for step in summary.steps]
        if cold_start := cold_start_table(summary.experiment):
            markdown.append(cold_start)
            terminal.append(cold_start)
        markdown += [table, "\\* selected on validation."]
        terminal.append(table)
        if climbed := frontier_table(summary):
            markdown.append(climbed)
            terminal.append(climbed)
        if summary.gain:
            split = gain_table(summary.experiment.name, summary.gain)
            markdown.append(split)
            terminal.append(split)
        if summary.coverage:
            covered = coverage_parts(summary.experiment.name, summary.coverage)
            markdown += covered
            terminal += covered
        markdown.append(summary.sentence)
        said_already = len(steps) == len(summary.final[:1]) == 1  # one step, from the start to the selected model
        terminal += [*([] if said_already else steps), summary.sentence]
        objects.append(_json_object(summary))
    return Findings(
        json_value=objects[0] if len(objects) == 1 else objects,
        csv_rows=[row for summary in summaries for row in _plain_rows(summary)],
        markdown=markdown,
        terminal=terminal,
        records=[row for summary in summaries for row in summary.rows],
    )


def experiment_table(summary: ExperimentSummary) -> Table:
    """A row an evaluation; the selected model is marked with a star."""
    has_controls = len(summary.experiment.arms()) > 1
    families, rates = summary.families(), family_rates(summary.experiment.rows)
    rows = []
    for row in summary.rows:
        _, arm = split_arm(row.experiment)
        mark = " *" if row.iteration == summary.selected and not arm else ""
        reached = _frontiers_of(row, summary)
        frontier = [", ".join(reached[family].text if family in reached else "-" for family in families)]
        cells = [f"{row.iteration}{mark}", row.split, *rate_cells(row, families, rates)]
        cells += (frontier if reached else [""]) if summary.frontiers else []
        rows.append([arm or "run", *cells] if has_controls else cells)
    columns = [*(["arm"] if has_controls else []), "model", "split", *rate_columns(families)]
    columns += ["frontier"] if summary.frontiers else []
    return Table(f"{summary.experiment.name}: pass rates per model", columns, rows, keys=4 if has_controls else 3)


def _plain_rows(summary: ExperimentSummary) -> list[dict[str, Any]]:
    families, rates = summary.families(), family_rates(summary.experiment.rows)
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
            **_frontier_columns(_frontiers_of(row, summary), families if summary.frontiers else ()),
        }
        for row in summary.rows
    ]


def _frontier_json(row: Metrics, summary: ExperimentSummary) -> dict[str, dict[str, int]]:
    return {family: asdict(found) for family, found in _frontiers_of(row, summary).items()}


def _frontiers_of(row: Metrics, summary: ExperimentSummary) -> dict[str, Frontier]:
    """The frontier of each family in a greedy evaluation; empty for others."""
    return {} if temperature(row) else summary.frontiers.get(evaluation_of(row), {})


def _frontier_columns(reached: Mapping[str, Frontier], families: Sequence[str]) -> dict[str, int | None]:
    """Two columns a family: the levels solved at 0.9 and more, and at 0.5 and more."""
    columns: dict[str, int | None] = {}
    for family in families:
        found = reached.get(family)
        columns[f"{family} frontier 0.9"] = found.solved if found else None
        columns[f"{family} frontier 0.5"] = found.half_solved if found else None
    return columns


def _json_object(summary: ExperimentSummary) -> dict[str, Any]:
    rows = zip(_plain_rows(summary), summary.rows, strict=True)
    return {
        "experiment": summary.experiment.name,
        "selected": summary.selected,
        "verdict": summary.verdict,
        "sentence": summary.sentence,
        "rows": [
            {**plain, "pass_at": dict(row.pass_at), "frontier": _frontier_json(row, summary)} for plain, row in rows
        ],
        "steps": [step.to_dict() for step in summary.steps],
        "final": [comparison.to_dict() for comparison in summary.final],
        "controls": {arm: comparison.to_dict() for arm, comparison in summary.controls.items()},
        "gain": asdict(summary.gain) if summary.gain else None,
        "selection_gap": asdict(summary.gap) if summary.gap else None,
        "coverage": coverage_json(summary.coverage) if summary.coverage else None,
        "config": dict(summary.experiment.config),
        **({"cold_start": facts} if (facts := cold_start_facts(summary.experiment)) else {}),
    }

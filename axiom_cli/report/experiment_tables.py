"""Experiments in every format: a row for each evaluation, and the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axiom_cli.evaluation.experiment_folder import split_arm
from axiom_cli.evaluation.metrics import temperature
from axiom_cli.report.cold_start import cold_start_facts, cold_start_table
from axiom_cli.report.formats import Findings, Table
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
        markdown += [table, "\\* selected on validation.", summary.sentence]
        terminal += [table, *steps, summary.sentence]
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
        cells = [f"{row.iteration}{mark}", row.split, *rate_cells(row, families, rates)]
        rows.append([arm or "run", *cells] if has_controls else cells)
    columns = [*(["arm"] if has_controls else []), "model", "split", *rate_columns(families)]
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
        }
        for row in summary.rows
    ]


def _json_object(summary: ExperimentSummary) -> dict[str, Any]:
    rows = zip(_plain_rows(summary), summary.rows, strict=True)
    return {
        "experiment": summary.experiment.name,
        "selected": summary.selected,
        "verdict": summary.verdict,
        "sentence": summary.sentence,
        "rows": [{**plain, "pass_at": dict(row.pass_at)} for plain, row in rows],
        "steps": [step.to_dict() for step in summary.steps],
        "final": [comparison.to_dict() for comparison in summary.final],
        "controls": {arm: comparison.to_dict() for arm, comparison in summary.controls.items()},
        "config": dict(summary.experiment.config),
        **({"cold_start": facts} if (facts := cold_start_facts(summary.experiment)) else {}),
    }

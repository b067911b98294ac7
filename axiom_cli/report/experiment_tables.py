"""Experiments in every format: a row for each evaluation, and the sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from axiom_cli.evaluation.comparison import percent, percent_range
from axiom_cli.evaluation.experiment_folder import split_arm
from axiom_cli.evaluation.metrics import temperature
from axiom_cli.records import Metrics
from axiom_cli.report.formats import Table
from axiom_cli.report.summary import ExperimentSummary, sampling


@dataclass(frozen=True)
class ExperimentFindings:
    """The summaries of one or more experiments."""

    summaries: Sequence[ExperimentSummary]

    def json_value(self) -> Any:
        """The whole report as one object; a list of them for several experiments."""
        objects = [_json_object(summary) for summary in self.summaries]
        return objects[0] if len(objects) == 1 else objects

    def csv_rows(self) -> list[dict[str, Any]]:
        """A row an evaluation."""
        return [_plain_row(summary, row) for summary in self.summaries for row in summary.rows]

    def markdown_parts(self) -> list[Table | str]:
        """Each experiment's table and sentence."""
        parts: list[Table | str] = []
        for summary in self.summaries:
            parts += [experiment_table(summary), "\\* selected on validation.", summary.sentence]
        return parts

    def terminal_parts(self) -> list[Table | str]:
        """Each experiment's table, each round against the one before it, and the sentence."""
        parts: list[Table | str] = []
        for summary in self.summaries:
            parts += [experiment_table(summary), *(step.sentence for step in summary.steps), summary.sentence]
        return parts

    def records(self) -> list[Metrics]:
        """The metrics records behind the tables."""
        return [row for summary in self.summaries for row in summary.rows]


def experiment_table(summary: ExperimentSummary) -> Table:
    """A row an evaluation; the selected iteration is marked with a star."""
    has_controls = len(summary.experiment.arms()) > 1
    rows = []
    for row in summary.rows:
        _, arm = split_arm(row.experiment)
        mark = " *" if row.iteration == summary.selected and not arm else ""
        cells = [f"{row.iteration}{mark}", row.split, *rate_cells(row, _family_rates(summary, row).values())]
        rows.append([arm or "run", *cells] if has_controls else cells)
    columns = [*(["arm"] if has_controls else []), "iteration", "split", *rate_columns(summary.families())]
    return Table(f"{summary.experiment.name}: pass rates per iteration", columns, rows, keys=4 if has_controls else 3)


def rate_columns(families: Sequence[str]) -> list[str]:
    """The headings of `rate_cells`."""
    return [
        *("sampling", "problems", "pass rate", "95 % interval", *families),
        *("pass@k", "parsed", "reasoned", "infra"),
    ]


def rate_cells(row: Metrics, rates: Iterable[float | None]) -> list[str]:
    """One metrics row as text; `rates` are those of the families, None for a family that was not evaluated."""
    k = max(map(int, row.pass_at), default=0)
    return [
        sampling(row),
        f"{row.extra.get('problems', row.n):,}",
        percent(row.rate),
        percent_range(row.interval),
        *("" if rate is None else percent(rate) for rate in rates),
        f"@{k} {percent(row.pass_at[str(k)])}" if len(row.pass_at) > 1 else "",
        *(percent(row.extra[share]) if share in row.extra else "" for share in ("parsed", "reasoned")),
        str(row.extra.get("infra", "")),
    ]


def _family_rates(summary: ExperimentSummary, row: Metrics) -> dict[str, float | None]:
    _, arm = split_arm(row.experiment)
    rates: dict[str, float | None] = dict.fromkeys(summary.families())
    for family in rates:
        for other in summary.experiment.evaluations(arm, row.split, family):
            if other.iteration == row.iteration and temperature(other) == temperature(row):
                rates[family] = other.rate
    return rates


def _plain_row(summary: ExperimentSummary, row: Metrics) -> dict[str, Any]:
    """One row as plain numbers, for JSON and CSV."""
    return {
        "experiment": row.experiment,
        "iteration": row.iteration,
        "selected": row.experiment == summary.experiment.name and row.iteration == summary.selected,
        "split": row.split,
        "temperature": temperature(row),
        "problems": row.extra.get("problems", row.n),
        "n": row.n,
        "passed": row.passed,
        "rate": row.rate,
        "low": row.interval[0],
        "high": row.interval[1],
        **{name: row.extra.get(name) for name in ("parsed", "reasoned", "rate_reasoned", "rate_bare", "infra")},
        "seconds": row.seconds,
        "tokens": row.tokens,
        **_family_rates(summary, row),
    }


def _json_object(summary: ExperimentSummary) -> dict[str, Any]:
    return {
        "experiment": summary.experiment.name,
        "selected": summary.selected,
        "verdict": summary.verdict,
        "sentence": summary.sentence,
        "rows": [{**_plain_row(summary, row), "pass_at": dict(row.pass_at)} for row in summary.rows],
        "steps": [step.to_dict() for step in summary.steps],
        "final": [comparison.to_dict() for comparison in summary.final],
        "controls": {arm: comparison.to_dict() for arm, comparison in summary.controls.items()},
        "config": dict(summary.experiment.config),
    }

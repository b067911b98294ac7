"""A comparison of two models, in every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axiom_cli.evaluation.comparison import Comparison, p_value, points, points_range
from axiom_cli.report.formats import Findings, Table

COLUMNS = (
    *("before", "after", "finding", "difference", "95 % interval", "p", "detectable"),
    *("problems", "gained", "lost", "split", "measure"),
)


def comparison_findings(comparisons: Sequence[Comparison]) -> Findings:
    """The comparisons of two models, the headline first."""
    values = [comparison.to_dict() for comparison in comparisons]
    sentences = [comparison.sentence for comparison in comparisons]
    title = f"{comparisons[0].before} against {comparisons[0].after}"
    table = Table(title, COLUMNS, list(map(comparison_cells, comparisons)))
    return Findings(values, list(map(with_bounds, values)), [table, *sentences], sentences, values)


def with_bounds(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with `low` and `high` at its end in the place of `interval`."""
    low, high = row["interval"]
    return {**{name: value for name, value in row.items() if name != "interval"}, "low": low, "high": high}


def comparison_cells(comparison: Comparison) -> list[str]:
    """One comparison's cells under COLUMNS, differences in points."""
    return [
        comparison.before,
        comparison.after,
        comparison.verdict,
        points(comparison.difference),
        points_range(comparison.interval),
        "" if comparison.p is None else p_value(comparison.p).removeprefix("= "),
        f"{100 * comparison.minimum_detectable:.1f}",
        f"{comparison.problems:,}",
        f"{comparison.gained:,}",
        f"{comparison.lost:,}",
        comparison.split,
        comparison.measure,
    ]

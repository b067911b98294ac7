"""A comparison of two models, in every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axiom_cli.evaluation.comparison import Comparison
from axiom_cli.report.cells import COMPARISON_COLUMNS, comparison_cells
from axiom_cli.report.formats import Findings, Table


def comparison_findings(comparisons: Sequence[Comparison]) -> Findings:
    """The comparisons of two models, the headline first."""
    values = [comparison.to_dict() for comparison in comparisons]
    sentences = [comparison.sentence for comparison in comparisons]
    title = f"{comparisons[0].before} against {comparisons[0].after}"
    table = Table(title, COMPARISON_COLUMNS, list(map(comparison_cells, comparisons)))
    return Findings(values, list(map(with_bounds, values)), [table, *sentences], sentences, values)


def with_bounds(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with `low` and `high` at its end in the place of `interval`."""
    low, high = row["interval"]
    return {**{name: value for name, value in row.items() if name != "interval"}, "low": low, "high": high}

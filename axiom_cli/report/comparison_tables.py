"""A comparison of two models, in every format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from axiom_cli.evaluation.comparison import Comparison, p_value, points, points_range
from axiom_cli.report.formats import Table

COLUMNS = (
    *("before", "after", "finding", "difference", "95 % interval", "p", "detectable"),
    *("problems", "gained", "lost", "split", "measure"),
)


@dataclass(frozen=True)
class ComparisonFindings:
    """The comparisons of two models, the headline first."""

    comparisons: Sequence[Comparison]

    def json_value(self) -> list[dict[str, Any]]:
        """Every field, the verdict and the sentence of each."""
        return [comparison.to_dict() for comparison in self.comparisons]

    def csv_rows(self) -> list[dict[str, Any]]:
        """The same, the interval in two columns."""
        return [with_bounds(row) for row in self.json_value()]

    def markdown_parts(self) -> list[Table | str]:
        """A table with differences in points, and the sentences."""
        first = self.comparisons[0]
        title = f"{first.before} against {first.after}"
        return [Table(title, COLUMNS, list(map(comparison_cells, self.comparisons))), *self.terminal_parts()]

    def terminal_parts(self) -> list[Table | str]:
        """The sentences."""
        return [comparison.sentence for comparison in self.comparisons]

    def records(self) -> list[dict[str, Any]]:
        """A line a comparison."""
        return self.json_value()


def with_bounds(row: dict[str, Any]) -> dict[str, Any]:
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
        str(comparison.gained),
        str(comparison.lost),
        comparison.split,
        comparison.measure,
    ]

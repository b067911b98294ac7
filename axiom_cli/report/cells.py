"""A row of metrics, and a comparison of two models, as the cells of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from axiom_cli.evaluation.comparison import Comparison, p_value, percent, percent_range, points, points_range
from axiom_cli.evaluation.metrics import temperature
from axiom_cli.records import Metrics

FamilyRates = Mapping[tuple[Any, ...], float]
"""Evaluation and family -> pass rate."""


def sampling(row: Metrics) -> str:
    """`greedy`, or `T = 0.7 x 4`: temperature and samples a problem."""
    heat, samples = temperature(row), round(row.n / max(1, row.extra.get("problems", row.n)))
    return "greedy" if heat == 0 and samples <= 1 else f"T = {heat:g} x {samples}"


def family_rates(rows: Iterable[Metrics]) -> FamilyRates:
    """The pass rate of each family, over all levels, in each evaluation among `rows`."""
    evaluations = (row for row in rows if row.extra.get("phase") == "evaluate" and not row.level)
    return {(*_evaluation(row), row.family): row.rate for row in evaluations}


def rates_of(row: Metrics, families: Sequence[str], rates: FamilyRates) -> dict[str, float | None]:
    """The rate of each family in the evaluation of `row`, None for a family that was not evaluated."""
    return {family: rates.get((*_evaluation(row), family)) for family in families}


def _evaluation(row: Metrics) -> tuple[Any, ...]:
    return row.experiment, row.iteration, row.split, temperature(row)


def rate_columns(families: Sequence[str]) -> list[str]:
    """The headings of `rate_cells`."""
    return [
        *("sampling", "problems", "pass rate", "95 % interval", *families),
        *("pass@k", "parsed", "reasoned", "infra"),
    ]


def rate_cells(row: Metrics, families: Sequence[str], rates: FamilyRates) -> list[str]:
    """One metrics row as text, with the rate of each family."""
    k = max(map(int, row.pass_at), default=0)
    return [
        sampling(row),
        f"{row.extra.get('problems', row.n):,}",
        percent(row.rate),
        percent_range(row.interval),
        *("" if rate is None else percent(rate) for rate in rates_of(row, families, rates).values()),
        f"@{k} {percent(row.pass_at[str(k)])}" if len(row.pass_at) > 1 else "",
        *(percent(row.extra[share]) if share in row.extra else "" for share in ("parsed", "reasoned")),
        str(row.extra.get("infra", "")),
    ]


COMPARISON_COLUMNS = (
    *("before", "after", "finding", "difference", "95 % interval", "p", "detectable"),
    *("problems", "gained", "lost", "split", "measure"),
)


def comparison_cells(comparison: Comparison) -> list[str]:
    """One comparison's cells under COMPARISON_COLUMNS, differences in points."""
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

"""pass@k and diversity of the start and the selected model: a table, a sentence, and a section of the page."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from axiom_cli.evaluation.comparison import percent, percent_range, points, points_range, spoken
from axiom_cli.evaluation.coverage import Coverage, Estimate, Pair
from axiom_cli.report.drawing.charts import Axis, Caption, Point, Series
from axiom_cli.report.drawing.html import Section, card, joined, numbers, tiles
from axiom_cli.report.drawing.plots import curves, from_first_to_last
from axiom_cli.report.formats import Table

MOST_KS = 8
"""A table has a row for each k up to this one, then for powers of two, the last k, and the k at which curves cross."""
LABELS = {"answers": "answers", "paths": "paths", "solutions": "solutions", "right solutions": "right ones"}
"""Short, so that the table fits 80 columns."""
LEAD = (
    "pass@k is the chance that at least one of k samples is correct. If the left end rises while the right end falls, "
    "the model has become more certain, not more capable."
)
DISTINCT_LEAD = (
    "A model that is right more often says fewer different things, and its entropy falls; fewer different right "
    "solutions a problem are the loss to look for."
)


def coverage_parts(name: str, coverage: Coverage) -> list[Table | str]:
    """The table and the sentence."""
    return [coverage_table(name, coverage), coverage_sentence(coverage)]


def coverage_table(name: str, coverage: Coverage) -> Table:
    """A row for each k, then for each thing that is counted as distinct; the start alone where it stays selected."""
    pairs = [(f"pass@{k}, %", *_rates(coverage.pass_at[k - 1])) for k in _shown(coverage)]
    pairs += [(LABELS[name], *_counts(pair)) for name, pair in coverage.distinct.items()]
    pairs += [("entropy, bits", *_counts(coverage.entropy))] if coverage.entropy else []
    interval = " (95 % interval)" if coverage.distinct else ""
    columns = ["measure", *(f"{what}{interval}" for what in ("start", "selected", "change"))]
    shown = 2 if coverage.start == coverage.selected else 4
    what = "pass@k, and how much samples differ" if coverage.distinct else "pass@k"
    drawn = (
        f"{coverage.problems:,} {spoken(coverage.split)} problems x {coverage.samples}, T = {coverage.temperature:g}"
    )
    return Table(f"{name}: {what} ({drawn})", columns[:shown], [list(row[:shown]) for row in pairs], keys=1)


def coverage_sentence(coverage: Coverage) -> str:
    """Which of the two models leads, and from which k on."""
    top, last = len(coverage.pass_at), coverage.pass_at[-1]
    start, selected = "the start model", f"model {coverage.selected}"
    at_top = f"at k = {top} the change is {points(last.change.value)} points{_bounds(last.change)}"
    if coverage.start == coverage.selected:
        return f"pass@{top} of {start}, which stays selected, is {percent(last.start.value)}."
    if coverage.crossing:
        leads = selected if coverage.pass_at[coverage.crossing - 1].change.value > 0 else start
        return f"The pass@k curves cross: from k = {coverage.crossing} {leads} leads; {at_top}."
    changes = [pair.change.value for pair in coverage.pass_at]
    if not any(changes):
        return f"pass@k of both models is the same for every k up to {top}."
    leads, other = (selected, start) if max(changes) > 0 else (start, selected)
    return f"pass@k of {leads} is above that of {other} for every k up to {top}; {at_top}."


def coverage_section(name: str, coverage: Coverage | None) -> Section | None:
    """The curves with their intervals, and the table; empty without several samples a problem."""
    if coverage is None:
        return None
    series = [Series("start", _points([pair.start for pair in coverage.pass_at]), "muted")]
    if coverage.start != coverage.selected:
        series.append(Series("selected", _points([pair.selected for pair in coverage.pass_at]), "c0"))
    ticks = [(float(i), str(2**i)) for i in range(int(math.log2(len(coverage.pass_at))) + 1)]
    title = f"pass@k on the {spoken(coverage.split)} problems, T = {coverage.temperature:g} x {coverage.samples}"
    plots = curves(Caption("passk", title, from_first_to_last(series)), series, Axis("k, samples a problem", ticks))
    lead = f"{coverage_sentence(coverage)} {LEAD}" + f" {DISTINCT_LEAD}" * bool(coverage.distinct)
    table = coverage_table(name, coverage)
    return Section("pass@k, start and selected", lead, joined([*_tiles(coverage), card("", plots, numbers(table))]))


def _tiles(coverage: Coverage) -> list[Markup]:
    measured = [(f"Different {name}", "a problem", pair) for name, pair in coverage.distinct.items()]
    measured += [("Entropy of the answers", "bits a problem", coverage.entropy)] if coverage.entropy else []
    cells = []
    for name, unit, pair in measured:
        start, selected = (f"{of.value:.2f}" for of in (pair.start, pair.selected))
        same = coverage.start == coverage.selected
        remark = unit if same else f"{unit}, {_counts(pair)[2]}"
        cells.append((name, start if same else f"{start} → {selected}", remark))
    return [tiles(cells)] if cells else []


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """Every k and every count; an interval without bounds is left out."""
    return {
        "split": coverage.split,
        "temperature": coverage.temperature,
        "problems": coverage.problems,
        "samples": coverage.samples,
        "crossing": coverage.crossing,
        "pass_at": {str(k): _json(pair) for k, pair in enumerate(coverage.pass_at, 1)},
        "distinct": {name: _json(pair) for name, pair in coverage.distinct.items()},
        "entropy": _json(coverage.entropy) if coverage.entropy else None,
    }


def coverage_columns(coverage: Coverage, iteration: int) -> dict[str, float]:
    """What is known of the samples of one of the two models, by the names of CSV columns; empty for another model."""
    if iteration not in (coverage.start, coverage.selected):
        return {}
    pairs = {f"distinct_{name.replace(' ', '_')}": pair for name, pair in coverage.distinct.items()}
    pairs |= {"entropy": coverage.entropy} if coverage.entropy else {}
    columns: dict[str, float] = {}
    for name, pair in pairs.items():
        of = pair.start if iteration == coverage.start else pair.selected
        bounds = {f"{name}_low": of.low, f"{name}_high": of.high}
        columns |= {name: of.value} | {bound: x for bound, x in bounds.items() if x is not None}
    return columns


def _json(pair: Pair) -> dict[str, dict[str, float]]:
    parts = {"start": pair.start, "selected": pair.selected, "change": pair.change}
    return {name: {key: x for key, x in of._asdict().items() if x is not None} for name, of in parts.items()}


def _shown(coverage: Coverage) -> list[int]:
    top = len(coverage.pass_at)
    return [k for k in range(1, top + 1) if k <= MOST_KS or k & (k - 1) == 0 or k in (top, coverage.crossing)]


def _rates(pair: Pair) -> tuple[str, str, str]:
    """In points, with intervals."""
    start, selected = (
        f"{100 * of.value:.1f}"
        + ("" if of.low is None or of.high is None else f" ({percent_range((of.low, of.high))})")
        for of in (pair.start, pair.selected)
    )
    return start, selected, points(pair.change.value) + _bounds(pair.change)


def _counts(pair: Pair) -> tuple[str, str, str]:
    """Values a problem, with intervals."""
    start, selected, change = (
        f"{of.value:{sign}.2f}"
        + ("" if of.low is None or of.high is None else f" ({of.low:{sign}.2f} to {of.high:{sign}.2f})")
        for of, sign in ((pair.start, ""), (pair.selected, ""), (pair.change, "+"))
    )
    return start, selected, change


def _bounds(of: Estimate) -> str:
    return "" if of.low is None or of.high is None else f" ({points_range((of.low, of.high))})"


def _points(values: list[Estimate]) -> list[Point]:
    return [
        Point(math.log2(k), of.value, of.low, of.high, f"pass@{k}: {percent(of.value)}")
        for k, of in enumerate(values, 1)
    ]

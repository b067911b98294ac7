"""The page's curves and heat tables: held-out rates, families, pass@k, levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from axiom_cli.evaluation.comparison import percent, percent_range, spoken
from axiom_cli.evaluation.experiment_folder import HELD_OUT, Experiment
from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.records import Metrics
from axiom_cli.report.cells import sampling
from axiom_cli.report.drawing.charts import Caption, Point, Series, line_plot
from axiom_cli.report.drawing.html import Section, card, grid, heat, numbers
from axiom_cli.report.drawing.plots import SMALL, curves, model_axis
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.summary import ExperimentSummary

ARM_COLOURS = ("c4", "c5", "c3", "c1")
RATE_COLUMNS = ("run", "model", "split", "sampling", "family", "samples", "pass rate", "95 % interval")


def curve_split(experiment: Experiment, arm: str = "") -> str:
    """The held-out split with the most evaluated iterations; test, which chose nothing, where both have as many."""
    return max(HELD_OUT, key=lambda split: len(experiment.iterations(arm, split)))


def coolest(rows: Iterable[Metrics]) -> list[Metrics]:
    """The rows at the lowest temperature: greedy where there is any."""
    rows = list(rows)
    low = min(map(temperature, rows), default=0.0)
    return [row for row in rows if temperature(row) == low]


def _points(rows: Iterable[Metrics]) -> list[Point]:
    points = []
    for row in rows:
        low, high = row.interval
        place = f"{row.experiment} model {row.iteration}, {row.split}"
        note = f"{place}: {percent(row.rate)} ({percent_range(row.interval)}), n = {row.n:,}"
        points.append(Point(row.iteration, row.rate, low, high, note))
    return points


def _rate_table(title: str, rows: Iterable[Metrics]) -> Table:
    cells = [
        [
            row.experiment,
            str(row.iteration),
            row.split,
            sampling(row),
            row.family,
            f"{row.n:,}",
            percent(row.rate),
            percent_range(row.interval),
        ]
        for row in rows
    ]
    return Table(title, RATE_COLUMNS, cells)


def curve(summary: ExperimentSummary) -> Section | None:
    """Held-out pass rate per model, controls beside the run."""
    experiment = summary.experiment
    split = curve_split(experiment)
    series, shown = [], []
    for i, arm in enumerate(experiment.arms()):
        rows = _from_start(experiment, coolest(experiment.evaluations(arm, split)), split)
        if rows:
            colour = ARM_COLOURS[(i - 1) % len(ARM_COLOURS)] if arm else "c0"
            series.append(Series(arm or "this run", _points(rows), colour, dashed=bool(arm)))
            shown += rows
    other = next(s for s in HELD_OUT if s != split)
    lone = coolest(experiment.evaluations("", other))
    if lone:
        series.append(Series(spoken(other), _points(lone), "c1", dots=True))
    shown += lone
    if not series:
        return None
    desc = "; ".join(f"{line.name}: {', '.join(f'{p.x:g}: {percent(p.y)}' for p in line.points)}" for line in series)
    title = f"Pass rate per model on the {spoken(split)} problems"
    plots = curves(Caption("curve", title, desc), series, model_axis(series))
    arms = " Dashed lines are control arms at equal compute." * (len(experiment.arms()) > 1)
    diamonds = f" Diamonds are the {spoken(other)} problems." * bool(lone)
    lead = f"No round trained on these problems. Model 0 is the start model, and round N makes model N.{arms}{diamonds}"
    return Section("Held-out pass rate", lead, card("", plots, numbers(_rate_table(title, shown))))


def _from_start(experiment: Experiment, rows: list[Metrics], split: str) -> list[Metrics]:
    """A control arm leaves from the run's own start model, which need not be evaluated twice."""
    start = coolest(experiment.evaluations("", split))[:1]
    if not rows or not start or temperature(rows[0]) != temperature(start[0]):
        return rows
    return [*start, *rows] if rows[0].iteration > start[0].iteration else rows


def families(summary: ExperimentSummary) -> Section | None:
    """One small plot a family."""
    experiment = summary.experiment
    split = curve_split(experiment)
    together = _points(coolest(experiment.evaluations("", split)))
    overall = Series("all", [Point(p.x, p.y) for p in together], "muted", dashed=True)
    cards = []
    for i, family in enumerate(summary.families()):
        rows = coolest(experiment.evaluations("", split, family))
        if not rows:
            continue
        line = Series(family, _points(rows), f"c{i % 6}")
        change = f"{100 * rows[0].rate:.1f} → {percent(rows[-1].rate)}" if len(rows) > 1 else percent(rows[0].rate)
        desc = ", ".join(f"model {p.x:g}: {percent(p.y)}" for p in line.points)
        caption = Caption(f"family-{i}", f"{family}, {spoken(split)}", desc)
        plot = line_plot(caption, [overall, line], model_axis([line]), SMALL, labels=False)
        cards.append(card(f"{family}: {change}", plot, numbers(_rate_table(caption.title, rows))))
    lead = f"The {spoken(split)} problems of each family; the dashed line is all families together."
    return Section("Families", lead, grid(cards)) if cards else None


def levels(summary: ExperimentSummary) -> Section | None:
    """Heat tables of level by model."""
    experiment = summary.experiment
    split = curve_split(experiment)
    numbered = sorted({row.level for row in experiment.rows if row.level and row.split == split})
    if not numbered:
        return None
    cards = [
        card(_label(family), heat(*_grid(experiment, split, family, numbered))) for family in (ALL, *summary.families())
    ]
    lead = f"Pass rate on the {spoken(split)} problems by difficulty level and model."
    return Section("Levels", lead, grid(cards))


def _label(family: str) -> str:
    return "all families" if family == ALL else family


def _grid(
    experiment: Experiment, split: str, family: str, levels: Sequence[int]
) -> tuple[str, list[str], dict[str, list[float | None]]]:
    iterations = experiment.iterations("", split)
    stride = max(1, math.ceil(len(iterations) / 8))
    shown = sorted({*iterations[::stride], iterations[-1]})
    body: dict[str, list[float | None]] = {}
    for level in levels:
        rates = {row.iteration: row.rate for row in coolest(experiment.evaluations("", split, family, level))}
        if rates:
            body[f"level {level}"] = [rates.get(i) for i in shown]
    return f"{spoken(split)}: pass rate in %, model by model", [str(i) for i in shown], body

"""What each round learned from, on the page: acceptance, replay mix, loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from axiom_cli.evaluation.comparison import percent, percent_range
from axiom_cli.report.drawing.charts import Caption, Point, Series, bar_plot, line_plot
from axiom_cli.report.drawing.html import Section, card, grid, joined, numbers, table_card
from axiom_cli.report.drawing.plots import SMALL, round_axis, thinned
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.cold_start import cold_start_table
from axiom_cli.report.outcome.rounds import SLICES, Round, rounds_of, rounds_table
from axiom_cli.report.outcome.summary import ExperimentSummary
from axiom_cli.statistics import wilson

COLOURS = dict(zip(SLICES, ("c0", "c1", "c2"), strict=True))


def training(summary: ExperimentSummary) -> Section | None:
    """Replay, acceptance and loss, round by round, and what came before round 1."""
    experiment = summary.experiment
    rounds = [of for of in rounds_of(experiment) if of.number]
    cold, table = cold_start_table(experiment), rounds_table(experiment.name, rounds)
    parts = [table_card(cold)] if cold else []
    plots = [*_replay(rounds), *_acceptance(rounds), *_loss(rounds)]
    parts += [grid(plots)] if plots else []
    parts += [table_card(table)] if table else []
    if not parts:
        return None
    lead = (
        "What each round trained on: its own accepted solutions, those of earlier rounds, and cold-start traces. "
        "Rounds draw other problems as the model gets better, so their acceptance is not its progress."
    )
    return Section("Replay, acceptance, loss", lead, joined(parts))


def _replay(rounds: Sequence[Round]) -> list[Markup]:
    mixes = [(of.label, of.replay) for of in rounds if of.replay]
    if not mixes:
        return []
    title = "Realised shares of the loss tokens"
    desc = "; ".join(f"{label}: {', '.join(f'{part} {percent(v)}' for part, v in mix.items())}" for label, mix in mixes)
    rows = [[label, *(percent(mix[part]) for part in SLICES)] for label, mix in mixes]
    plot = bar_plot(Caption("replay", title, desc), thinned(mixes), COLOURS, "%")
    return [card(title, plot, numbers(Table(title, ("round", *SLICES), rows)))]


def _acceptance(rounds: Sequence[Round]) -> list[Markup]:
    drawn = [(of.number, of.accepted or 0, of.drawn) for of in rounds if of.drawn]
    if not drawn:
        return []
    title = "Accepted samples"
    rates = [(number, accepted / n, wilson(accepted, n), n) for number, accepted, n in drawn]
    points = [
        Point(number, rate, *bounds, f"round {number}: {percent(rate)} ({percent_range(bounds)}) of {n:,}")
        for number, rate, bounds, n in rates
    ]
    rows = [[str(number), f"{n:,}", percent(rate), percent_range(bounds)] for number, rate, bounds, n in rates]
    caption = Caption("acceptance", title, "; ".join(point.note for point in points))
    plot = line_plot(caption, [Series("accepted", points, "c0")], round_axis(points), SMALL, labels=False)
    return [card(title, plot, numbers(Table(title, ("round", "samples", "accepted", "95 % interval"), rows)))]


def _loss(rounds: Sequence[Round]) -> list[Markup]:
    losses = [(of.number, of.loss) for of in rounds if of.loss is not None]
    if not losses:
        return []
    title = "Loss at the end of the training"
    marks = _marks(max(loss for _, loss in losses))
    top = marks[-1]
    points = [Point(number, loss / top, note=f"round {number}: {loss:.4f}") for number, loss in losses]
    heights = [(mark / top, f"{mark:.6g}") for mark in marks]
    caption = Caption("loss", title, "; ".join(point.note for point in points))
    plot = line_plot(caption, [Series("loss", points, "c3")], round_axis(points), SMALL, labels=False, heights=heights)
    rows = [[str(number), f"{loss:.4f}"] for number, loss in losses]
    return [card(title, plot, numbers(Table(title, ("round", "loss of a token"), rows)))]


def _marks(most: float) -> list[float]:
    """Round numbers from 0 to just above `most`, at most six."""
    if most <= 0 or not math.isfinite(most):
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(most / 5))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if 5 * size * power >= most)
    return [step * count for count in range(math.ceil(most / step) + 1)]

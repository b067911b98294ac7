"""The controls of a run, on the page: what it has above arms that learned without the verifier, and what wrong verdicts
leave of its gain."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from axiom_cli.evaluation.comparison import Comparison
from axiom_cli.evaluation.metrics import HARD
from axiom_cli.report.cells import COMPARISON_COLUMNS, comparison_cells
from axiom_cli.report.drawing.charts import Axis, Caption, Point, Series, fitted, line_plot
from axiom_cli.report.drawing.html import Section, card, grid, joined, table_card
from axiom_cli.report.drawing.plots import SMALL
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.dose_response import NONE, Dose, dose_sentence, dose_table, gain_words
from axiom_cli.report.outcome.summary import ExperimentSummary

LEAD = (
    "A control arm makes the same rounds at equal compute and learns from something else than verified solutions. What "
    "the selected model has above it is what the verifier is worth."
)
DOSE_LEAD = (
    "These are gains of the last models, not of the selected ones: validation, whose verdicts are right, would choose "
    "the damage away. A gain that falls as more verdicts are wrong comes from right ones; one that stays does not."
)
LINES = {"random": ("random", "c0"), "near": ("near misses", "c1"), "own": ("own answers", "c2")}
"""The label and the colour of each kind of wrong verdicts."""


def controls(summary: ExperimentSummary) -> Section | None:
    """The selected model against each control's own best; None where no control ran."""
    rows = [comparison_cells(comparison) for comparison in summary.controls.values()]
    if not rows:
        return None
    return Section("Controls", LEAD, joined([table_card(Table("Differences in points", COMPARISON_COLUMNS, rows))]))


def dose_response(name: str, doses: Sequence[Dose]) -> Section | None:
    """The gain against the share of wrong verdicts, a line for each kind; None where no run has wrong verdicts."""
    table = dose_table(name, doses)
    if table is None:
        return None
    plots = [_dose_plot("dose-all", "All problems", doses, [dose.gain for dose in doses])]
    hard = [(dose, dose.hard) for dose in doses if dose.hard]
    if hard:
        title = f"Where the start model solves at most {100 * HARD:.0f} %"
        plots.append(_dose_plot("dose-hard", title, [dose for dose, _ in hard], [gain for _, gain in hard]))
    lead = f"{dose_sentence(doses)} {DOSE_LEAD}"
    return Section("Dose-response", lead, joined([grid(plots), table_card(table)]))


def _dose_plot(key: str, title: str, doses: Sequence[Dose], gains: Sequence[Comparison]) -> Markup:
    """A line for each kind; all begin at the run without wrong verdicts."""
    doses_and_gains = list(zip(doses, gains, strict=True))
    series = []
    for kind, (label, colour) in LINES.items():
        line = [
            Point(dose.share, gain.difference, *gain.interval, f"{100 * dose.share:g} % wrong: {gain_words(gain)}")
            for dose, gain in doses_and_gains
            if dose.kind in (kind, NONE)
        ]
        if any(dose.kind == kind for dose, _ in doses_and_gains):
            series.append(Series(label, line, colour, dots=len(line) < 2))
    lines, heights = fitted(series, "{:+d}", "0")
    shares = sorted({point.x for line in series for point in line.points})
    low, high = math.ceil(10 * shares[0]), math.floor(10 * shares[-1])
    stride = max(1, math.ceil((high - low) / 5))
    ticks = [(tenth / 10, f"{10 * tenth} %") for tenth in range(low, high + 1, stride)]
    axis = Axis("share of wrong verdicts", ticks or [(shares[0], f"{100 * shares[0]:g} %")])
    desc = "; ".join(f"{line.name}: {', '.join(point.note for point in line.points)}" for line in series)
    return card(f"{title}, points", line_plot(Caption(key, title, desc), lines, axis, SMALL, heights=heights))

"""What a finished run shows: the validation rates of each family round by round, the verdict, and what to type next, on
one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from axiom_cli.evaluation.comparison import percent
from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.report.outcome.climb import climb_sentence
from axiom_cli.report.outcome.summary import ExperimentSummary

BARS = "▁▂▃▄▅▆▇█"
LINES = 24
MOST_BARS = 30
"""Models that a sparkline shows, at even distances; the last one is always among them."""


def last_screen(summary: ExperimentSummary, commands: Sequence[str], width: int = 80) -> list[str]:
    """The paragraphs, which fill at most LINES lines of a terminal of this width as long as the verdict leaves room for
    two families. Families that there is no room for are counted."""
    climbed = climb_sentence(summary.climbs)
    tail = ["", summary.sentence, *([climbed] if climbed else []), "", *(f"  {command}" for command in commands)]
    rates = _rates(summary)
    verdict = [line for text in (summary.sentence, climbed) for line in textwrap.wrap(text, width)]  # as shown
    room = max(2, LINES - len(commands) - len(verdict) - 5)  # blank lines, the heading, the page, the next prompt
    shown = rates if len(rates) <= room else rates[: room - 1]
    wide = max((len(name) for name, _ in shown), default=0)
    head = [f"{summary.experiment.name}: validation pass rates, model by model"] if shown else []
    lines = [f"  {name:<{wide}}  {spark(values)}  {_change(values)}" for name, values in shown]
    more = [f"  and {len(rates) - len(shown)} more families: axiom report"] * (len(rates) > len(shown))
    return [*(line[:width] for line in (*head, *lines, *more)), *tail]


def _rates(summary: ExperimentSummary) -> list[tuple[str, list[float]]]:
    """The validation rates of all problems, then of each family, over the models; greedy ones where there are any."""
    rates = []
    for family in (ALL, *summary.families()):
        rows = summary.experiment.evaluations("", "val", family)
        coolest = min(map(temperature, rows), default=0.0)
        if values := [row.rate for row in rows if temperature(row) == coolest]:
            rates.append(("all problems" if family == ALL else family, values))
    return rates if len(rates) != 2 else rates[:1]


def spark(values: Sequence[float]) -> str:
    """A bar a value, of eighths from 0 to 1."""
    step = max(1, -(-len(values) // MOST_BARS))
    return "".join(BARS[min(7, int(8 * value))] for value in values[::-1][::step][::-1])


def _change(values: Sequence[float]) -> str:
    first, last = percent(values[0]), percent(values[-1])
    return f"{first.removesuffix(' %')} → {last}" if len(values) > 1 else first

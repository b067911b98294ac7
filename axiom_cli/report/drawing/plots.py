"""Line plots at the sizes of a page, and their axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from markupsafe import Markup

from axiom_cli.evaluation.comparison import percent
from axiom_cli.report.drawing.charts import Axis, Caption, Point, Series, fitted, line_plot

T = TypeVar("T")

WIDE, NARROW, SMALL = (980, 370), (400, 300), (440, 230)
MOST_BARS = 12


def curves(caption: Caption, series: Sequence[Series], axis: Axis) -> Markup:
    """A line plot `for_both_widths`, on an axis that fits the lines."""
    lines, heights = fitted(series)
    return for_both_widths(caption, lambda caption, size: line_plot(caption, lines, axis, size, heights=heights))


def from_first_to_last(series: Sequence[Series]) -> str:
    """The ends of each line, in words."""
    ends = ((line.name, percent(line.points[0].y), percent(line.points[-1].y)) for line in series)
    return "; ".join(f"{name} from {first} to {last}" for name, first, last in ends)


def for_both_widths(caption: Caption, draw: Callable[[Caption, tuple[float, float]], Markup]) -> Markup:
    """The same plot for a wide and for a narrow screen, so that its text stays readable; one of them is shown."""
    wide = draw(replace(caption, key=f"{caption.key}-wide"), WIDE)
    narrow = draw(replace(caption, key=f"{caption.key}-narrow"), NARROW)
    return Markup('<div class="wideplot">{}</div><div class="narrow">{}</div>').format(wide, narrow)


def model_axis(series: Sequence[Series]) -> Axis:
    """At most eleven models along x."""
    xs = sorted({int(point.x) for line in series for point in line.points})
    stride = max(1, math.ceil(len(xs) / 11))
    return Axis("model", [(x, str(x)) for x in xs[::stride]])


def round_axis(points: Sequence[Point]) -> Axis:
    """At most eleven rounds along x."""
    stride = max(1, math.ceil(len(points) / 11))
    return Axis("round", [(point.x, f"{point.x:g}") for point in points[::stride]])


def thinned(bars: Sequence[T]) -> Sequence[T]:
    """At most twelve of a long run's rounds, evenly spaced, the first and the last among them; the table behind the
    plot has them all."""
    if len(bars) <= MOST_BARS:
        return bars
    return [bars[round(place * (len(bars) - 1) / (MOST_BARS - 1))] for place in range(MOST_BARS)]

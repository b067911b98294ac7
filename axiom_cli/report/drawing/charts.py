"""Plots as inline SVG, without a library: colours come from the page's CSS classes, so light and dark mode share one
drawing. Every plot has a title and a description for readers who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from axiom_cli.report.drawing.html import escape

LABEL_GAP = 15.0
DENSE = 40
"""Points of a line above which the line alone is drawn; a mark is still there to be hovered over."""
PERCENTS = tuple((share, f"{100 * share:.0f} %") for share in (0, 0.25, 0.5, 0.75, 1))
"""The marks of a y axis of rates: (share of its height, text)."""


@dataclass(frozen=True)
class Point:
    """A value with its interval; all three are shares of 1. `note` is shown on hovering."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Series:
    """A named line. `colour` is a CSS class (c0 to c5, or muted); `dashed` is for controls, `dots` for lone points."""

    name: str
    points: Sequence[Point]
    colour: str
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Caption:
    """A plot's title and description; `key` makes its ids unique within the page."""

    key: str
    title: str
    desc: str


@dataclass(frozen=True)
class Axis:
    """The x axis: its label, and (value, text) of each tick."""

    label: str
    ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Frame:
    """The plot's box in pixels and its range: y is always 0 to 1."""

    width: float
    height: float
    low_x: float
    high_x: float
    left: float = 46
    right: float = 96
    top: float = 14
    bottom: float = 42

    def x(self, value: float) -> float:
        """Pixels from the left."""
        span = self.high_x - self.low_x
        share = (value - self.low_x) / span if span else 0.5
        return self.left + 10 + share * (self.width - self.left - self.right - 20)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return self.height - self.bottom - value * (self.height - self.top - self.bottom)


def svg(caption: Caption, width: float, height: float, parts: Iterable[str]) -> Markup:
    """The outer element."""
    key, title, desc = caption.key, escape(caption.title), escape(caption.desc)
    return Markup(
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{title}</title><desc id="{key}-d">{desc}</desc>{"".join(parts)}</svg>'
    )


def text(x: float, y: float, content: str, cls: str = "", anchor: str = "start") -> str:
    """A piece of text; `y` is its base line."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{cls}">{escape(content)}</text>'


def line_plot(  # noqa: PLR0913 - what is drawn, and how it is marked
    caption: Caption,
    series: Sequence[Series],
    axis: Axis,
    size: tuple[float, float],
    *,
    labels: bool = True,
    heights: Sequence[tuple[float, str]] = PERCENTS,
) -> Markup:
    """Lines with interval bands, named at their right ends. The y axis runs from 0 to 100 %, unless `heights` has other
    texts for shares of its height."""
    xs = [point.x for line in series for point in line.points]
    right = max([96, *(16 + 8 * len(line.name) for line in series)]) if labels else 18
    frame = Frame(*size, min(xs), max(xs), right=min(right, 0.42 * size[0]))
    parts = [*_grid(frame, axis, heights)]
    parts += [_band(frame, line) for line in series if not line.dots]
    parts += [_line(frame, line) for line in series]
    return svg(caption, *size, [*parts, *(_end_labels(frame, series) if labels else [])])


def fitted(
    series: Sequence[Series], mark: str = "{} %", zero: str = "0 %"
) -> tuple[list[Series], list[tuple[float, str]]]:
    """Lines of rates moved to shares of the height of an axis that just holds them and their intervals, and the marks
    of that axis, which begins and ends at multiples of 10 %, spelled by `mark`, or as `zero`."""
    values = [v for line in series for p in line.points for v in (p.y, p.low, p.high) if v is not None]
    low, high = math.floor(round(10 * min(values), 6)), math.ceil(round(10 * max(values), 6))
    high = max(high, low + 1)
    marks = [
        ((tenth - low) / (high - low), mark.format(10 * tenth) if tenth else zero) for tenth in range(low, high + 1)
    ]
    moved = [replace(line, points=[_moved(p, low / 10, (high - low) / 10) for p in line.points]) for line in series]
    return moved, marks


def _moved(point: Point, low: float, span: float) -> Point:
    ends = [None if end is None else (end - low) / span for end in (point.low, point.high)]
    return replace(point, y=(point.y - low) / span, low=ends[0], high=ends[1])


def _grid(frame: Frame, axis: Axis, heights: Sequence[tuple[float, str]]) -> Iterable[str]:
    right = frame.width - frame.right
    for share, mark in heights:
        y = frame.y(share)
        yield f'<line x1="{frame.left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        yield text(frame.left - 8, y + 4, mark, "tick", "end")
    for value, tick in axis.ticks:
        yield text(frame.x(value), frame.height - frame.bottom + 18, tick, "tick", "middle")
    yield text((frame.left + right) / 2, frame.height - 6, axis.label, "label", "middle")


def _band(frame: Frame, line: Series) -> str:
    upper = [f"{frame.x(p.x):.1f},{frame.y(p.high):.1f}" for p in line.points if p.high is not None]
    lower = [f"{frame.x(p.x):.1f},{frame.y(p.low):.1f}" for p in reversed(line.points) if p.low is not None]
    if len(upper) < 2:
        return ""
    return f'<polygon points="{" ".join(upper + lower)}" class="band {line.colour}{" faint" if line.dashed else ""}"/>'


def _line(frame: Frame, line: Series) -> str:
    parts = []
    if len(line.points) > 1 and not line.dots:
        path = " ".join(f"{frame.x(p.x):.1f},{frame.y(p.y):.1f}" for p in line.points)
        parts.append(f'<polyline points="{path}" class="line {line.colour}{" dashed" if line.dashed else ""}"/>')
    return "".join([*parts, *(_mark(frame, line, point) for point in line.points)])


def _mark(frame: Frame, line: Series, point: Point) -> str:
    x, y = frame.x(point.x), frame.y(point.y)
    hover = f"<title>{escape(point.note)}</title>" if point.note else ""
    dense = len(line.points) > DENSE
    if not line.dots:
        radius = 2.5 if line.dashed else 3.5
        kind = "dot unseen" if dense else "dot"
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{kind} {line.colour}">{hover}</circle>'
    whisker = ""
    if point.low is not None and point.high is not None:
        ends = f'y1="{frame.y(point.low):.1f}" y2="{frame.y(point.high):.1f}"'
        whisker = f'<line x1="{x:.1f}" x2="{x:.1f}" {ends} class="whisker {line.colour}"/>'
    r = 2.5 if dense else 6
    diamond = f"{x:.1f},{y - r:.1f} {x + r:.1f},{y:.1f} {x:.1f},{y + r:.1f} {x - r:.1f},{y:.1f}"
    return f'{whisker}<polygon points="{diamond}" class="diamond {line.colour}">{hover}</polygon>'


def _end_labels(frame: Frame, series: Sequence[Series]) -> Iterable[str]:
    """Names at the right ends, pushed apart so that none covers another."""
    ends = sorted((frame.y(line.points[-1].y), i) for i, line in enumerate(series) if line.points)
    heights = spread([y for y, _ in ends], frame.top + 4, frame.height - frame.bottom + 4)
    for (_, i), y in zip(ends, heights, strict=True):
        yield text(frame.width - frame.right + 12, y + 4, series[i].name, f"name {series[i].colour}")


def spread(values: Sequence[float], low: float, high: float) -> list[float]:
    """Sorted positions moved apart to at least LABEL_GAP, kept within `low` and `high` where there is room."""
    placed: list[float] = []
    for value in values:
        placed.append(max(value, placed[-1] + LABEL_GAP if placed else low))
    limit = high
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], limit)
        limit = placed[i] - LABEL_GAP
    return placed


def bar_plot(
    caption: Caption,
    bars: Sequence[tuple[str, Mapping[str, float]]],
    colours: Mapping[str, str],
    unit: str,
    width: float = 440,
) -> Markup:
    """Horizontal stacked bars, one a row, scaled to the longest. `unit` is `%` for shares of 1, else it follows the
    sum."""
    longest = max((sum(parts.values()) for _, parts in bars), default=0) or 1
    left, right, row, top = 74, 70 if unit != "%" else 14, 30, 30
    height = top + row * len(bars) + 4
    out, x = [], float(left)
    for part, colour in colours.items():
        out.append(f'<rect x="{x:.1f}" y="6" width="11" height="11" rx="2" class="fill {colour}"/>')
        out.append(text(x + 16, 16, part, "tick"))
        x += 32 + 7 * len(part)
    for i, (label, parts) in enumerate(bars):
        out += _bar(label, parts, colours, unit, left, top + row * i, (width - left - right) / longest)
    return svg(caption, width, height, out)


def _bar(  # noqa: PLR0913 - what is drawn, and the three numbers that place it
    label: str, parts: Mapping[str, float], colours: Mapping[str, str], unit: str, left: float, y: float, scale: float
) -> Iterable[str]:
    yield text(left - 10, y + 16, label, "tick", "end")
    x = left
    for part, colour in colours.items():
        value = parts.get(part, 0.0)
        width = value * scale
        figure = f"{100 * value:.0f} %" if unit == "%" else f"{value:,.0f} {unit}"
        if width > 0:
            yield (
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.5, width - 1.5):.1f}" height="22" rx="3" '
                f'class="fill {colour}"><title>{escape(f"{label}: {part} {figure}")}</title></rect>'
            )
        if unit == "%" and width > 36:
            yield text(x + width / 2, y + 15, figure, "inbar", "middle")
        x += width
    if unit != "%":
        yield text(x + 6, y + 15, f"{sum(parts.values()):,.0f} {unit}", "tick")

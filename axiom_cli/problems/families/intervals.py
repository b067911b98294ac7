"""Intervals on a line: merged, cut, intersected, complemented, measured."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

LONGEST = 5
ACTIONS = ("cut out", "intersect with", "add", "complement")
LENGTH = "find the total length"

Interval = tuple[int, int]


@dataclass(frozen=True)
class Step:
    """One of ACTIONS with its intervals; for the complement, one interval within which it is taken."""

    action: str
    intervals: tuple[Interval, ...]


@dataclass(frozen=True)
class Line:
    """Intervals in any order, steps, and whether the total length is asked as well."""

    intervals: tuple[Interval, ...]
    steps: tuple[Step, ...]
    measured: bool


def mask(intervals: tuple[Interval, ...]) -> int:
    """The unit pieces covered, bit n for the piece from n to n + 1."""
    covered = 0
    for low, high in intervals:
        covered |= (1 << high) - (1 << low)
    return covered


def runs(covered: int) -> list[Interval]:
    """The fewest intervals that cover exactly these pieces, ascending."""
    out, at = [], 0
    while covered:
        gap = (covered & -covered).bit_length() - 1
        covered >>= gap
        length = (~covered & (covered + 1)).bit_length() - 1
        out.append((at + gap, at + gap + length))
        covered >>= length
        at += gap + length
    return out


def applied(covered: int, step: Step) -> int:
    """The pieces covered after the step."""
    other = mask(step.intervals)
    if step.action == "add":
        return covered | other
    if step.action == "cut out":
        return covered & ~other
    return covered & other if step.action == "intersect with" else other & ~covered


def _text(intervals: list[Interval] | tuple[Interval, ...]) -> str:
    return " ".join([f"{low}-{high}" for low, high in intervals])


def _words(step: Step) -> str:
    if step.action == "complement":
        return f"take the complement within {_text(step.intervals)}"
    return f"{step.action} {_text(step.intervals)}"


def _interval(random: Random, end: int, longest: int) -> Interval:
    low = int(random.random() * (end - longest))
    return low, low + 1 + int(random.random() * longest)


def _step(random: Random, end: int, before: str) -> Step:
    action = ACTIONS[int(random.random() * len(ACTIONS))]
    if action == "complement" and action != before:
        return Step(action, ((int(random.random() * 3), end - int(random.random() * 3)),))
    if action == "intersect with":
        middle, width = end // 2, end // 3
        low, high = int(random.random() * width), middle + 1 + int(random.random() * width)
        return Step(action, ((low, low + width), (high, high + width)))
    intervals = sorted([_interval(random, end, LONGEST), _interval(random, end, LONGEST)])
    return Step("add" if action == "add" else "cut out", tuple(intervals))


def _merges(intervals: tuple[Interval, ...]) -> list[str]:
    """The merging of one interval after the other, in ascending order."""
    merged: list[Interval] = []
    lines = [f"sorted: {_text(sorted(intervals))}"]
    for low, high in sorted(intervals):
        if merged and low <= merged[-1][1]:
            before = merged.pop()
            merged.append((before[0], max(before[1], high)))
            lines.append(f"{_text((before, (low, high)))}: {_text(merged[-1:])}")
        else:
            merged.append((low, high))
    return [*lines, f"merged: {_text(merged)}"]


class Intervals(Family):
    """Merges intervals, then cuts, adds, intersects and complements."""

    name: ClassVar[str] = "intervals"
    about: ClassVar[str] = "merge, cut, intersect and complement intervals, several operations in order; total length"
    levels: ClassVar[str] = "level n: n + 2 intervals from 0 to 4n + 12, and (n + 1) // 3 operations after merging them"

    def draw(self, random: Random, level: int) -> Line:
        end = 12 + 4 * level
        intervals = tuple([_interval(random, end, LONGEST) for _ in range(level + 2)])
        covered, steps, before = mask(intervals), list[Step](), ""
        while len(steps) < (level + 1) // 3:
            step = _step(random, end, before)
            left = applied(covered, step)
            if left and left != covered:
                covered, before = left, step.action
                steps.append(step)
        return Line(intervals, tuple(steps), random.random() < 0.5)

    def statement(self, task: Line) -> str:
        done = "; ".join(["merge them", *[_words(step) for step in task.steps], *[LENGTH] * task.measured])
        return (
            "a-b is the interval from a to b (length b - a). Join those that overlap or touch (1-3 and 3-5 make 1-5), "
            f"and drop those of length 0. Take {_text(task.intervals)} and do in order: {done}. Write the intervals "
            f"in ascending order, {'then the length, ' * task.measured}separated by spaces."
        )

    def answer(self, task: Line) -> str:
        covered = mask(task.intervals)
        for step in task.steps:
            covered = applied(covered, step)
        return f"{_text(runs(covered))}{f' {covered.bit_count()}' * task.measured}"

    def trace(self, task: Line) -> list[str]:
        lines, covered = _merges(task.intervals), mask(task.intervals)
        for step in task.steps:
            covered = applied(covered, step)
            lines.append(f"{_words(step)}: {_text(runs(covered))}")
        if task.measured:
            lengths = " + ".join([str(high - low) for low, high in runs(covered)])
            lines.append(f"length: {lengths} = {covered.bit_count()}")
        return lines

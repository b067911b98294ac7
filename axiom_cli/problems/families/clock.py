"""Times of day: durations across midnight, sums of shifts, and journeys through time zones."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

DAY = 24 * 60
FIRST_DAY = 5


@dataclass(frozen=True)
class Times:
    """A question of one kind: minutes since midnight of the start, and pairs of minutes.

    The pairs are (signed duration, 0) for "add", (from, until) for "shifts", (duration, offset) for "journey", where
    the first is (0, offset of the start).
    """

    kind: str
    start: int
    pairs: tuple[tuple[int, int], ...]


def clock(minutes: int) -> str:
    """A time of day such as 07:05."""
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def dated(minutes: int) -> str:
    """Day and time; minute 0 is midnight at the start of the first day."""
    return f"day {FIRST_DAY + minutes // DAY} {clock(minutes)}"


def spoken(minutes: int) -> str:
    """A duration such as 3 h 05 min."""
    return f"{minutes // 60} h {minutes % 60:02d} min"


def zone(offset: int) -> str:
    """An offset such as UTC-03:30."""
    return f"UTC{'-' if offset < 0 else '+'}{clock(abs(offset))}"


def shift_length(start: int, end: int) -> int:
    """The minutes from a time of day to the next time that a clock shows `end`."""
    return (end - start) % DAY


def worded(duration: int) -> str:
    """A signed duration as a step."""
    return f"{'subtract' if duration < 0 else 'add'} {spoken(abs(duration))}"


def raw(minutes: int, start: int) -> list[str]:
    """Adds signed minutes to a time: hours, then minutes with the carry, then the day."""
    sign, hours, rest = ("-" if minutes < 0 else "+"), abs(minutes) // 60, abs(minutes) % 60
    direction = -1 if minutes < 0 else 1
    hour, minute = start // 60 % 24 + direction * hours, start % 60 + direction * rest
    lines = [f"hours {start // 60 % 24} {sign} {hours} = {hour}, minutes {start % 60} {sign} {rest} = {minute}"]
    if not 0 <= minute < 60:
        carry = minute // 60
        hour, minute = hour + carry, minute % 60
        lines.append(f"carry {carry}: hours {hour}, minutes {minute}")
    if not 0 <= hour < 24:
        lines[-1] += f", day {'+ 1' if hour > 0 else '- 1'}: hours {hour % 24}"
    return lines


class Clock(Family):
    """Adds durations to times of day, sums shifts and follows journeys through time zones."""

    name: ClassVar[str] = "clock"
    about: ClassVar[str] = "add durations across midnight, sum the lengths of shifts, travel through time zones"
    levels: ClassVar[str] = "level n: n durations, n shifts, or a journey of n parts; half-hour zones from level 4"

    def draw(self, random: Random, level: int) -> Times:
        kind = random.choice(("add", "shifts", "journey"))
        start = int(random.random() * DAY)
        if kind == "add":
            return Times(kind, start, tuple((self._duration(random, level), 0) for _ in range(level)))
        if kind == "shifts":
            return Times(kind, 0, tuple(self._shift(random) for _ in range(level)))
        parts = [(0, self._offset(random, level))]
        for _ in range(level):
            parts.append((30 + int(random.random() * 600), self._offset(random, level)))
        return Times(kind, start, tuple(parts))

    @staticmethod
    def _duration(random: Random, level: int) -> int:
        minutes = 15 + int(random.random() * (300 + 60 * level))
        return minutes if random.random() < 0.65 else -minutes

    @staticmethod
    def _shift(random: Random) -> tuple[int, int]:
        start = int(random.random() * DAY)
        return start, (start + 60 + int(random.random() * 660)) % DAY

    @staticmethod
    def _offset(random: Random, level: int) -> int:
        hours = int(random.random() * 23) - 10
        return 60 * hours + (30 if level >= 4 and random.random() < 0.4 else 0)

    def statement(self, task: Times) -> str:
        if task.kind == "add":
            steps = "; ".join([worded(duration) for duration, _ in task.pairs])
            return (
                f"Start on {dated(task.start)} (24-hour clock) and do in order: {steps}. "
                f"Which day and time is reached? Write them like the start."
            )
        if task.kind == "shifts":
            shifts = ", ".join([f"{clock(start)}-{clock(end)}" for start, end in task.pairs])
            return (
                "How long are these shifts in all, as hours:minutes (such as 9:05 or 31:40)? A shift that ends at an "
                f"earlier time of day than it starts ends on the next day: {shifts}"
            )
        (_, first), *others = task.pairs
        legs = "; ".join([f"{spoken(duration)} to {zone(offset)}" for duration, offset in others])
        return (
            f"A traveller leaves zone {zone(first)} on {dated(task.start)} local time and goes without a break: "
            f"{legs}. Which local day and time is it on arrival? Write them like the start."
        )

    def answer(self, task: Times) -> str:
        if task.kind == "add":
            return dated(task.start + sum([duration for duration, _ in task.pairs]))
        if task.kind == "shifts":
            total = sum([shift_length(*pair) for pair in task.pairs])
            return f"{total // 60}:{total % 60:02d}"
        travelled = sum([duration for duration, _ in task.pairs])
        return dated(task.start + travelled + task.pairs[-1][1] - task.pairs[0][1])

    def trace(self, task: Times) -> list[str]:
        if task.kind == "shifts":
            return self._sums(task)
        lines, now, here = [], task.start, task.pairs[0][1]
        for duration, there in task.pairs[task.kind == "journey" :]:
            lines += [*raw(duration, now), f"{worded(duration)}: {dated(now + duration)}"]
            now += duration
            if task.kind == "journey":
                change = there - here
                lines.append(f"{zone(here)} to {zone(there)}, {worded(change)}: {dated(now + change)}")
                now, here = now + change, there
        return lines

    @staticmethod
    def _sums(task: Times) -> list[str]:
        lines, total = [], 0
        for start, end in task.pairs:
            length = shift_length(start, end)
            until = f"{clock(end)} + 24:00 = {end // 60 + 24}:{end % 60:02d}" if end < start else clock(end)
            before, total = total, total + length
            lines.append(f"from {clock(start)} until {until}: {length // 60}:{length % 60:02d}")
            known = f"{before // 60}:{before % 60:02d} + {length // 60}:{length % 60:02d}"
            lines.append(f"{known} = {total // 60}:{total % 60:02d}")
        return lines

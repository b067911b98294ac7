"""Dates of the Gregorian calendar: moving by days, weeks and months, days between dates, weekdays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
EARLIEST = date(1892, 1, 1).toordinal()
SPREAD = date(2108, 1, 1).toordinal() - EARLIEST
MONTH_RULE = " (A step of months keeps the day of the month, or takes the last day of a month that is too short.)"


@dataclass(frozen=True)
class Dates:
    """A question of one kind about dates, given as ordinals; `steps` are (signed amount, unit)."""

    kind: str
    days: tuple[int, ...]
    steps: tuple[tuple[int, str], ...] = ()


def month_length(year: int, month: int) -> int:
    """The number of days of a month."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if leap and month == 2 else LENGTHS[month - 1]


def next_month(year: int, month: int, shift: int = 1) -> tuple[int, int]:
    """The year and month `shift` months later."""
    years, month = divmod(year * 12 + month - 1 + shift, 12)
    return years, month + 1


def moved(day: int, amount: int, unit: str) -> int:
    """The ordinal of the date after a step."""
    if unit == "days":
        return day + amount
    if unit == "weeks":
        return day + 7 * amount
    old = date.fromordinal(day)
    year, month = next_month(old.year, old.month, amount)
    return date(year, month, min(old.day, month_length(year, month))).toordinal()


def worded(amount: int, unit: str) -> str:
    """A step as the statement words it."""
    return f"{'add' if amount > 0 else 'subtract'} {abs(amount)} {unit if abs(amount) > 1 else unit[:-1]}"


def iso(day: int) -> str:
    """The date of an ordinal, such as 2024-03-13."""
    return date.fromordinal(day).isoformat()


def weekday(day: int) -> str:
    """The short name of the weekday of an ordinal."""
    return DAYS[(day - 1) % 7]


def full(day: int) -> str:
    """Weekday and date, such as Wed 2024-03-13."""
    return f"{weekday(day)} {iso(day)}"


def passage(start: int, end: int) -> list[str]:
    """The days from one date to a later one of another month, counted up month by month."""
    first, last = date.fromordinal(start), date.fromordinal(end)
    year, month = first.year, first.month
    length = month_length(year, month)
    total = length - first.day
    lines = [f"{year}-{month:02d} has {length}: {length} - {first.day} = {total}"]
    while (year, month) != (last.year, last.month):
        year, month = next_month(year, month)
        counted = last.day if (year, month) == (last.year, last.month) else month_length(year, month)
        lines.append(f"{year}-{month:02d}: {total} + {counted} = {total + counted}")
        total += counted
    return lines


def turned(day: int, shift: int) -> str:
    """How the weekday of `day` changes after so many days."""
    rest = abs(shift) % 7
    sign = "-" if shift < 0 else "+"
    weeks = f"{abs(shift)} days = {abs(shift) // 7} weeks and {rest}"
    return f"{weeks}, {weekday(day)} {sign} {rest} = {weekday(day + shift)}"


def month_lines(old: date, new: date, amount: int) -> list[str]:
    """The days between two dates that are whole months apart, except where a shorter month cuts the day."""
    passed = range(min(amount, 0), max(amount, 0))
    lengths = [month_length(*next_month(old.year, old.month, shift)) for shift in passed]
    change, days = new.day - old.day, new.toordinal() - old.toordinal()
    return [
        f"{new.year}-{new.month:02d} has {month_length(new.year, new.month)}: day {new.day}, change {change}",
        f"months {' + '.join(map(str, lengths))} = {sum(lengths)}",
        f"{'-' if amount < 0 else ''}{sum(lengths)} + {change} = {days}",
    ]


def step_lines(day: int, amount: int, unit: str) -> list[str]:
    """The reasoning of one step, which ends with the resulting date."""
    end = moved(day, amount, unit)
    old, new = date.fromordinal(day), date.fromordinal(end)
    lines = [f"{worded(amount, unit)}: {turned(day, end - day)}"]
    if unit == "months":
        return [*month_lines(old, new, amount), *lines]
    place, year, month = old.day + end - day, old.year, old.month
    lines.append(f"{year}-{month:02d}: day {old.day} {'+' if end > day else '-'} {abs(end - day)} = {place}")
    while not 0 < place <= month_length(year, month):
        change = -month_length(year, month) if place > 0 else month_length(*next_month(year, month, -1))
        year, month = next_month(year, month, 1 if place > 0 else -1)
        lines.append(f"{year}-{month:02d}: {place} {'+' if change > 0 else '-'} {abs(change)} = {place + change}")
        place += change
    return lines


class Calendar(Family):
    """Moves dates, counts days between dates, and finds weekdays."""

    name: ClassVar[str] = "calendar"
    about: ClassVar[str] = "move a date by days, weeks and months, count the days between two dates, find weekdays"
    levels: ClassVar[str] = "level n: n steps, or 2n - 1 months between two dates, or the weekdays of n + 1 dates"

    def draw(self, random: Random, level: int) -> Dates:
        kind = random.choice(("move", "between", "weekdays"))
        start = EARLIEST + int(random.random() * SPREAD)
        if kind == "move":
            return Dates(kind, (start,), tuple(self._step(random, level) for _ in range(level)))
        if kind == "between":
            first = date.fromordinal(start)
            year, month = next_month(first.year, first.month, 2 * level - 1)
            last = date(year, month, 1 + int(random.random() * month_length(year, month)))
            return Dates(kind, (start, last.toordinal()))
        days = [start]
        for _ in range(level + 1):
            days.append(days[-1] + 1 + int(random.random() * (10 + 2 * level)))
        return Dates(kind, tuple(days))

    @staticmethod
    def _step(random: Random, level: int) -> tuple[int, str]:
        unit, most = random.choice((("days", 10 + 4 * level), ("weeks", 2 + level // 2), ("months", 1 + level // 2)))
        amount = 1 + int(random.random() * most)
        return (amount if random.random() < 0.6 else -amount), unit

    def statement(self, task: Dates) -> str:
        if task.kind == "move":
            steps = "; ".join([worded(*step) for step in task.steps])
            rule = MONTH_RULE if any(unit == "months" for _, unit in task.steps) else ""
            return (
                f"Start at {full(task.days[0])} and do in order: {steps}. "
                f"Which weekday and date, in the same format, is reached?{rule}"
            )
        if task.kind == "between":
            first, last = map(iso, task.days)
            return f"How many days after {first} is {last}? (Gregorian calendar; the next day is 1 day after.)"
        start, *others = task.days
        dates_text = ", ".join(map(iso, others))
        return (
            f"{iso(start)} is a {weekday(start)}. Give the weekdays of these dates, in order and separated by spaces, "
            f"as Mon Tue Wed Thu Fri Sat Sun: {dates_text}"
        )

    def answer(self, task: Dates) -> str:
        if task.kind == "move":
            day = task.days[0]
            for amount, unit in task.steps:
                day = moved(day, amount, unit)
            return full(day)
        if task.kind == "between":
            return str(task.days[1] - task.days[0])
        return " ".join(map(weekday, task.days[1:]))

    def trace(self, task: Dates) -> list[str]:
        if task.kind == "between":
            return passage(*task.days)
        lines: list[str] = []
        if task.kind == "move":
            day = task.days[0]
            for amount, unit in task.steps:
                lines += step_lines(day, amount, unit)
                day = moved(day, amount, unit)
                lines[-1] += f": {full(day)}"
            return lines
        for before, day in zip(task.days, task.days[1:], strict=False):
            old, new = date.fromordinal(before), date.fromordinal(day)
            if old.month == new.month:
                lines.append(f"{iso(day)}: {new.day} - {old.day} = {day - before}")
            else:
                lines += passage(before, day)
            lines.append(turned(before, day - before))
        return lines

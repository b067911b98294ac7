"""Walks through the calendar day by day, with weekdays by Zeller's congruence."""

from __future__ import annotations

import re

_NAMES = ("Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri")
_Date = tuple[int, int, int]


def _exists(day: _Date) -> bool:
    year, month, number = day
    if month != 2:
        return 1 <= number <= (30 if month in (4, 6, 9, 11) else 31)
    leap = year % 400 == 0 or (year % 4 == 0 and year % 100 != 0)
    return 1 <= number <= 28 + leap


def _after(day: _Date) -> _Date:
    year, month, number = day
    options = ((year, month, number + 1), (year, month + 1, 1), (year + 1, 1, 1))
    return next(other for other in options if other[1] <= 12 and _exists(other))


def _before(day: _Date) -> _Date:
    year, month, number = day
    if number > 1:
        return year, month, number - 1
    year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return next((year, month, last) for last in (31, 30, 29, 28) if _exists((year, month, last)))


def _weekday(day: _Date) -> str:
    year, month, number = day
    if month < 3:
        year, month = year - 1, month + 12
    return _NAMES[(number + 13 * (month + 1) // 5 + year + year // 4 - year // 100 + year // 400) % 7]


def _months(day: _Date, *, forward: bool) -> tuple[int, int]:
    year, month, _ = day
    if forward:
        return (year + 1, 1) if month == 12 else (year, month + 1)
    return (year - 1, 12) if month == 1 else (year, month - 1)


def _moved(day: _Date, words: str) -> _Date:
    verb, count, unit = words.split()
    if unit.startswith("month"):
        wanted = day[2]
        for _ in range(int(count)):
            day = (*_months(day, forward=verb == "add"), 1)
        while not _exists((day[0], day[1], wanted)):
            wanted -= 1
        return day[0], day[1], wanted
    for _ in range(int(count) * (7 if unit.startswith("week") else 1)):
        day = _after(day) if verb == "add" else _before(day)
    return day


def answer(prompt: str) -> str:
    """The resulting weekday and date, the number of days, or the weekdays."""
    dates = [(int(y), int(m), int(d)) for y, m, d in re.findall(r"(\d{4})-(\d\d)-(\d\d)", prompt)]
    if prompt.startswith("How many"):
        day, count = dates[0], 0
        while day != dates[1]:
            day, count = _after(day), count + 1
        return str(count)
    if prompt.startswith("Start"):
        day = dates[0]
        for words in re.search(r"in order: (.+?)\.", prompt).group(1).split("; "):  # type: ignore[union-attr]
            day = _moved(day, words)
        return f"{_weekday(day)} {day[0]}-{day[1]:02d}-{day[2]:02d}"
    return " ".join(_weekday(day) for day in dates[1:])

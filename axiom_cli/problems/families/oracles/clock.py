"""Reads times with `datetime`, on real days of an arbitrary month."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_SPAN = r"(\d+) h (\d\d) min"


def _span(hours: str, minutes: str) -> timedelta:
    return timedelta(hours=int(hours), minutes=int(minutes))


def _start(prompt: str) -> datetime:
    day, time = re.search(r"on day (\d+) (\d\d:\d\d)", prompt).groups()  # type: ignore[union-attr]
    return datetime.strptime(f"2001-06-01 {time}", "%Y-%m-%d %H:%M") + timedelta(days=int(day))


def _shown(moment: datetime) -> str:
    days = (moment.replace(tzinfo=None, hour=0, minute=0) - datetime(2001, 6, 1)).days
    return f"day {days} {moment:%H:%M}"


def _zone(text: str) -> timezone:
    sign, hours, minutes = re.fullmatch(r"UTC([+-])(\d\d):(\d\d)", text).groups()  # type: ignore[union-attr]
    return timezone(_span(hours, minutes) * (-1 if sign == "-" else 1))


def _shifts(prompt: str) -> str:
    total = timedelta()
    for pair in prompt.rpartition(": ")[2].split(", "):
        start, end = (datetime.strptime(time, "%H:%M") for time in pair.split("-"))
        total += end - start if end >= start else end + timedelta(days=1) - start
    minutes = round(total / timedelta(minutes=1))
    return f"{minutes // 60}:{minutes % 60:02d}"


def answer(prompt: str) -> str:
    """The day and time reached, or the length of all shifts."""
    if "shifts" in prompt:
        return _shifts(prompt)
    moment = _start(prompt)
    if prompt.startswith("Start"):
        for verb, *span in re.findall(rf"(add|subtract) {_SPAN}", prompt):
            moment += _span(*span) * (1 if verb == "add" else -1)
        return _shown(moment)
    first = re.search(r"leaves zone (\S+)", prompt).group(1)  # type: ignore[union-attr]
    moment = moment.replace(tzinfo=_zone(first))
    for hours, minutes, place in re.findall(rf"{_SPAN} to (UTC[+-]\d\d:\d\d)", prompt):
        moment = (moment + _span(hours, minutes)).astimezone(_zone(place))
    return _shown(moment)

"""Calls near those that are known: what to try where a problem comes without a source of calls."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

STEPS = (-10, -2, -1, 1, 2, 10)


def calls(seeds: Sequence[Sequence[Any]], random: Random) -> Iterator[list[Any]]:
    """Endless calls, each one of `seeds` with one or two small changes. Every value keeps its type; `seeds` are not
    touched. Nothing where there are no seeds."""
    while seeds:
        call = copy.deepcopy(list(random.choice(seeds)))
        for _ in range(random.randint(1, 2)):
            call = [*call]
            if call:
                at = random.randrange(len(call))
                call[at] = changed(call[at], random)
        yield call


def changed(value: Any, random: Random) -> Any:
    """A value of the same type, near by: another number, a text or list with an item more, less or moved."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice((value + random.choice(STEPS), -value, 0))
    if isinstance(value, float):
        return random.choice((value + random.choice(STEPS) / 2, -value, value * 2, 0.0))
    if isinstance(value, str):
        return "".join(_rearranged(list(value), random)) if value else random.choice("a 0")
    if isinstance(value, list):
        return _list(value, random)
    if isinstance(value, dict) and value:
        key = random.choice(list(value))
        return {**value, key: changed(value[key], random)}
    return value


def _list(value: list[Any], random: Random) -> list[Any]:
    if not value:
        return value
    if random.random() < 0.5:
        return _rearranged(value, random)
    at = random.randrange(len(value))
    return [*value[:at], changed(value[at], random), *value[at + 1 :]]


def _rearranged(items: list[Any], random: Random) -> list[Any]:
    """The items with one left out, one twice, or two of them exchanged."""
    a, b = random.randrange(len(items)), random.randrange(len(items))
    kind = random.randrange(3)
    if kind == 0:
        return items[:a] + items[a + 1 :]
    if kind == 1:
        return [*items[:b], items[a], *items[b:]]
    items = [*items]
    items[a], items[b] = items[b], items[a]
    return items

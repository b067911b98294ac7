"""Inputs near known ones: other values of the same type, for calls on which two programs may turn out to differ."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

STEPS = (-10, -2, -1, 1, 2, 10)


def random_calls(seeds: Sequence[Sequence[Any]], random: Random) -> Iterator[list[Any]]:
    """Endless calls, each one of `seeds` with one or two small random changes. Every argument keeps its type, and
    `seeds` are not modified. Empty if there are no seeds."""
    while seeds:
        call = copy.deepcopy(list(random.choice(seeds)))
        for _ in range(random.randint(1, 2)):
            if call:
                index = random.randrange(len(call))
                call[index] = random_neighbour(call[index], random)
        yield call


def random_neighbour(value: Any, random: Random) -> Any:
    """A random value of the same type: another number, or a text or list with an item removed, repeated or moved."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice((value + random.choice(STEPS), -value, 0))
    if isinstance(value, float):
        return random.choice((value + random.choice(STEPS) / 2, -value, value * 2, 0.0))
    if isinstance(value, str):
        return "".join(_rearranged(list(value), random)) if value else random.choice("a 0")
    if isinstance(value, list) and value:
        if random.random() < 0.5:
            return _rearranged(value, random)
        index = random.randrange(len(value))
        return [*value[:index], random_neighbour(value[index], random), *value[index + 1 :]]
    if isinstance(value, dict) and value:
        key = random.choice(list(value))
        return {**value, key: random_neighbour(value[key], random)}
    return value


def _rearranged(items: list[Any], random: Random) -> list[Any]:
    """The items with one removed, one repeated, or two exchanged."""
    a, b = random.randrange(len(items)), random.randrange(len(items))
    kind = random.randrange(3)
    if kind == 0:
        return items[:a] + items[a + 1 :]
    if kind == 1:
        return [*items[:b], items[a], *items[b:]]
    items = [*items]
    items[a], items[b] = items[b], items[a]
    return items


def neighbours(value: Any) -> Iterator[Any]:
    """A few values of the same type, always the same ones, the smallest changes first."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (value + 1, value - 1, -value, value * 0)
    elif isinstance(value, (str, list)):
        sequence: Any = value
        yield from (sequence[::-1], sequence[1:], sequence[:-1], sequence[:1], sequence + sequence[:1], sequence[:0])
        if isinstance(value, list) and value:
            first = next(neighbours(value[0]), value[0])
            yield [first, *value[1:]]


def constant_neighbours(value: Any) -> tuple[Any, ...]:
    """What takes the place of a constant in a program's source when the program is mutated. Empty for a float."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return value + 1, value - 1
    return (value + "(", value + ")") if isinstance(value, str) else ()

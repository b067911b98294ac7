"""Plain data between a program and tests that are code. Each side may also hold objects for the other, by number.

A number stands in the data as `(Ellipsis, number)`. Containers of subclasses (a Counter, a named tuple) become the
built-in ones with the same content, whatever their own methods say.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any

DEEPEST = 400  # more than a reader takes, so that what was read can be sent back
SCALARS = (type(None), bool, int, float, complex, str, bytes)
CONTAINERS: tuple[type[Any], ...] = (list, tuple, set, frozenset)
Other = Callable[[Any], Any]


def dumps(value: Any, other: Other) -> bytes:
    """`value` as bytes. `other` says what stands for an object that is not data. Raises ValueError, TypeError."""
    try:
        return marshal.dumps(value, 2)
    except ValueError:
        return marshal.dumps(reduced(value, other), 2)


def reduced(value: Any, other: Other, depth: int = 0) -> Any:
    """`value` made of exact built-in types."""
    if type(value) in SCALARS:
        return value
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        pairs = dict.items(value)
        return {reduced(key, other, depth + 1): reduced(item, other, depth + 1) for key, item in pairs}
    for base in CONTAINERS:
        if isinstance(value, base):
            return base([reduced(item, other, depth + 1) for item in base.__iter__(value)])
    return other(value)


def number(value: Any) -> int | None:
    """The number of the object that `value` stands for, or None where it is data."""
    if type(value) is tuple and len(value) == 2 and value[0] is Ellipsis and type(value[1]) is int:
        return value[1]
    return None


def restored(value: Any, held: Callable[[int], Any]) -> Any:
    """`value` with every number replaced by the object that `held` keeps under it."""
    if (place := number(value)) is not None:
        return held(place)
    if type(value) is dict:
        return {restored(key, held): restored(item, held) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)([restored(item, held) for item in value])
    return value

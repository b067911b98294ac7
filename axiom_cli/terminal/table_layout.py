"""How the columns of a table without lines share the width of a terminal. Widths are in cells of the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GAP = 2
"""Between two columns; behind the last one there is a single space."""


def parts(least: Sequence[int], shown: Sequence[int], keys: int, room: int) -> list[list[int]]:
    """The columns of each table, as many of `shown` as there is room for, its first `keys` in every one.

    Column i is at least `least[i]` wide. One column beside the keys is shown even without room.
    """
    tables = [list(shown[:keys])]
    for i in shown[keys:]:
        if _spare((least[j] for j in (*tables[-1], i)), room) < 0 and len(tables[-1]) > keys:
            tables.append(list(shown[:keys]))
        tables[-1].append(i)
    return tables


def widths(least: Sequence[int], headings: Sequence[str], room: int) -> list[int]:
    """The widths of a table's columns: from the first on, each heading is in one line where there is room for it."""
    widened = list(least)
    for i, name in enumerate(headings):
        widened[i] += max(0, min(len(name) - widened[i], _spare(widened, room)))
    return widened


def _spare(taken: Iterable[int], room: int) -> int:
    return room - sum(width + GAP for width in taken) + 1

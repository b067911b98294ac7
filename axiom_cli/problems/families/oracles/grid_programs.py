"""Understands steps over grids from their words; a grid is kept as a dict of (row, column) to cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from axiom_cli.problems.families.oracles import numbers
from axiom_cli.problems.families.oracles.dict_programs import compared, steps_of
from axiom_cli.problems.families.oracles.list_ops import merge_sorted

Cells = dict[tuple[int, int], int]
Sizes = tuple[int, int]


def _beside(cells: Cells, place: tuple[int, int]) -> list[tuple[int, int]]:
    return [other for other in cells if abs(other[0] - place[0]) + abs(other[1] - place[1]) == 1]


def _moved(words: str, cells: Cells) -> Cells:
    """The cells at their new places, for steps that move them alone."""
    height, width = 1 + max(i for i, _ in cells), 1 + max(j for _, j in cells)
    if words.startswith("transpose"):
        return {(j, i): x for (i, j), x in cells.items()}
    if words.startswith("rotate"):
        return {(j, height - 1 - i): x for (i, j), x in cells.items()}
    if words.startswith("mirror"):
        across = "left" in words
        return {(i, width - 1 - j) if across else (height - 1 - i, j): x for (i, j), x in cells.items()}
    if words.startswith("shift"):
        by = int(re.search(r"by (\d)", words).group(1))  # type: ignore[union-attr]
        return {(i, (j + by) % width): x for (i, j), x in cells.items()}
    rows = [merge_sorted([cells[i, j] for j in range(width)]) for i in range(height)]
    turned = "descending" in words
    return {(i, j): rows[i][width - 1 - j if turned else j] for i, j in cells}


def _cell(words: str, cells: Cells, place: tuple[int, int]) -> int:
    x = cells[place]
    number = int((re.findall(r"-?\d+", words) or [0])[-1])
    if words.startswith("add to every cell"):
        return x + place[0 if "row" in words else 1]
    if words.startswith("add"):
        return x + number
    if words.startswith("multiply"):
        return x * number
    if words.startswith("set"):
        return number if compared(words)(x) else x
    others = [cells[other] for other in _beside(cells, place)]
    if "by the sum" in words:
        return sum(others, x)
    tests = {"greater than it": x.__lt__, "less than it": x.__gt__, "equal to it": x.__eq__}
    return len(list(filter(next(test for word, test in tests.items() if word in words), others)))


def _regions(words: str, cells: Cells) -> list[int]:
    test = compared(words)
    left = sorted(place for place, x in cells.items() if test(x))
    out = []
    while left:
        region, border = [], [left.pop(0)]
        while border:
            region.append(border.pop())
            near = [other for other in _beside(cells, region[-1]) if other in left]
            border += near
            left = [place for place in left if place not in near]
        out.append(len(region))
    return out


def _listed(words: str, cells: Cells) -> list[int]:
    if "regions" in words:
        return _regions(words, cells)
    axis = 1 if words.endswith("columns") else 0
    lines = [[x for place, x in cells.items() if place[axis] == n] for n in sorted({place[axis] for place in cells})]
    if "how many" in words:
        return [len(list(filter(compared(words), line))) for line in lines]
    if "sums" in words:
        return [sum(line) for line in lines]
    return [merge_sorted(line)[-1 if "largest" in words else 0] for line in lines]


def _rows(cells: Cells) -> list[list[int]]:
    return [[cells[place] for place in sorted(cells) if place[0] == i] for i in sorted({i for i, _ in cells})]


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of any grid."""
    steps = steps_of(prompt)

    def solve(grid: list[list[int]]) -> Any:
        value: Any = {(i, j): x for i, row in enumerate(grid) for j, x in enumerate(row)}
        for words in steps:
            if not isinstance(value, dict):
                value = numbers.step(words, value)
            elif words.startswith("make the list"):
                value = _listed(words, value)
            elif words.startswith(("transpose", "rotate", "mirror", "shift", "sort")):
                value = _moved(words, value)
            else:
                value = {place: _cell(words, value, place) for place in value}
        return _rows(value) if isinstance(value, dict) else value

    return solve

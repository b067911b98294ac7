"""Keeps the entries by row and column, and says of each place where its entry comes from."""

from __future__ import annotations

import re
from collections.abc import Callable

Grid = dict[tuple[int, int], int]


def _grid(text: str) -> Grid:
    rows = text.split(" / ")
    return {(i, j): int(word) for i, row in enumerate(rows, 1) for j, word in enumerate(row.split(), 1)}


def _renumbered(grid: Grid, place: Callable[[int, int], tuple[int, int]]) -> Grid:
    return {place(i, j): entry for (i, j), entry in grid.items()}


def _turned(grid: Grid, words: str) -> Grid:
    height, width = max(grid)
    if "transpose" in words:
        return _renumbered(grid, lambda i, j: (j, i))
    if "counterclockwise" in words:
        return _renumbered(grid, lambda i, j: (width + 1 - j, i))
    return _renumbered(grid, lambda i, j: (j, height + 1 - i))


def _exchanged(grid: Grid, words: str, a: int, b: int) -> Grid:
    other = {a: b, b: a}
    if "rows" in words:
        return _renumbered(grid, lambda i, j: (other.get(i, i), j))
    return _renumbered(grid, lambda i, j: (i, other.get(j, j)))


def _step(grid: Grid, words: str) -> Grid:
    numbers = [int(text) for text in re.findall(r"\d+", words)]
    if "rotate" in words or "transpose" in words:
        return _turned(grid, words)
    if words.startswith("swap"):
        return _exchanged(grid, words, *numbers)
    if "every" in words:
        return {at: entry + numbers[0] for at, entry in grid.items()}
    if "multiply row" in words:
        return {(i, j): entry * (numbers[1] if i == numbers[0] else 1) for (i, j), entry in grid.items()}
    if "add row" in words:
        return {(i, j): entry + grid[numbers[0], j] * (i == numbers[1]) for (i, j), entry in grid.items()}
    if words.startswith("add"):
        others = _grid(words.removeprefix("add "))
        return {at: entry + others[at] for at, entry in grid.items()}
    out: Grid = {}
    for (i, j), entry in grid.items():
        out[i, 1] = out.get((i, 1), 0) + entry * numbers[j - 1]
    return out


def answer(prompt: str) -> str:
    """The rows after all steps."""
    matrix, steps = re.search(r"the matrix ([\d /]+) and do in order: (.+?)\.", prompt).groups()  # type: ignore[union-attr]
    grid = _grid(matrix)
    for words in steps.split("; "):
        grid = _step(grid, words)
    height, width = max(grid)
    return " / ".join(" ".join(str(grid[i, j]) for j in range(1, width + 1)) for i in range(1, height + 1))

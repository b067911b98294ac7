"""Programs over grids: lists of rows of integers, all of the same length."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.composed import COMPARED, Composed, Part, numbers

AREA = """seen = set()
def area(i, j):
    if not (0 <= i < len(grid) and 0 <= j < len(grid[0])) or (i, j) in seen or not grid[i][j] $0 $1:
        return 0
    seen.add((i, j))
    return 1 + area(i + 1, j) + area(i - 1, j) + area(i, j + 1) + area(i, j - 1)
sizes = [area(i, j) for i in range(len(grid)) for j in range(len(grid[0]))]
grid = [size for size in sizes if size > 0]"""
AROUND = """def around(i, j):
    sides = ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1))
    return [grid[a][b] for a, b in sides if 0 <= a < len(grid) and 0 <= b < len(grid[0])]
grid = [[%s for j, x in enumerate(row)] for i, row in enumerate(grid)]"""
BESIDE = "the cells above, below, left and right of it, as far as they are in the grid"


def _grid(words: str, expression: str, *choices: Sequence[Any], weight: int = 1, gives: str = "grid") -> Part:
    return Part("grid", gives, weight, words, f"grid = {expression}", choices)


PARTS = (
    _grid("$0", "[list(line) for line in zip(*$0)]", ("transpose (swap rows and columns)|grid", "rotate by a quarter "
          "turn clockwise|grid[::-1]"), weight=2),
    _grid("mirror left to right", "[row[::-1] for row in grid]"),
    _grid("mirror top to bottom", "grid[::-1]"),
    _grid("add $0 to every cell", "[[x + $0 for x in row] for row in grid]", range(1, 8)),
    _grid("multiply every cell by $0", "[[x * $0 for x in row] for row in grid]", (2, 3, -1)),
    _grid("set every cell that is $0 $1 to $2", "[[$2 if x $0 $1 else x for x in row] for row in grid]", COMPARED,
          range(0, 6), range(-1, 3)),
    _grid("add to every cell the index of its $0, counted from 0",
          "[[x + $0 for j, x in enumerate(row)] for i, row in enumerate(grid)]", ("row|i", "column|j")),
    _grid("sort every row in $0 order", "[sorted(row, reverse=$0) for row in grid]",
          ("ascending|False", "descending|True")),
    _grid("shift every row by $0 to the right, the cells that fall off coming in again at the left",
          "[row[-$0 % len(row) :] + row[: -$0 % len(row)] for row in grid]", (1, 2), weight=2),
    Part("grid", "grid", 2, f"replace all cells at once, each by the sum of it and {BESIDE}",
         AROUND % "x + sum(around(i, j))"),
    Part("grid", "grid", 2, f"replace all cells at once, each by how many of {BESIDE}, are $0 it",
         AROUND % "sum(y $0 x for y in around(i, j))", (("greater than|>", "less than|<", "equal to|=="),)),
    _grid("make the list of the $0 of the rows", "[$0(row) for row in grid]", ("sums|sum", "largest cells|max",
          "smallest cells|min"), gives="list"),
    _grid("make the list of the $0 of the columns", "[$0(line) for line in zip(*grid)]", ("sums|sum",
          "largest cells|max", "smallest cells|min"), weight=2, gives="list"),
    _grid("make the list of how many cells of each row are $0 $1", "[sum(x $0 $1 for x in row) for row in grid]",
          COMPARED, range(1, 6), weight=2, gives="list"),
    Part("grid", "list", 2, "make the list of the sizes of the regions (cells that are $0 $1 and hang together up, "
         "down, to the left or to the right), in the order of their first cells, row by row", AREA,
         (COMPARED, range(1, 6))),
    *numbers("list", "grid", 1),
)  # fmt: skip


class GridPrograms(Composed):
    """Turns, changes, counts and sums the cells of a grid, several steps in sequence."""

    name: ClassVar[str] = "grid_programs"
    about: ClassVar[str] = "write a function of a grid: mirror, rotate, neighbours, sums of rows, regions"
    variable = "grid"
    inputs: ClassVar[dict[str, tuple[str, str, str]]] = {
        "grid": ("grid", "grid: list[list[int]]", "a grid, a list of equally long rows of integers (at least one row, "
                 "at least one cell in each),"),
    }  # fmt: skip
    results: ClassVar[dict[str, str]] = {"grid": "list[list[int]]", "list": "list[int]", "int": "int"}
    parts = PARTS

    def arguments(self, kind: str, random: Random) -> list[Any]:
        height, width = random.randint(2, 5), random.randint(2, 5)
        low, high = random.choice(((0, 6), (-3, 6), (0, 3)))
        return [[[random.randint(low, high) for _ in range(width)] for _ in range(height)]]

    def edges(self, kind: str, numbers: list[int]) -> list[list[Any]]:
        """One cell, one row, one column, equal cells, and cells around the parameters."""
        around = [number + shift for number in numbers[:4] for shift in (-1, 0, 1)] or [3, 2, 2, 1]
        grids = [[[4]], [around], [[x] for x in around], [[2, 2, 2]] * 2, [[1, 5, 2, 0], [3, -1, 4, 6]],
                 [around, around[::-1]], [[5, 0, 5], [0, 5, 0], [5, 5, 1]]]  # fmt: skip
        return [[[list(row) for row in grid]] for grid in grids]

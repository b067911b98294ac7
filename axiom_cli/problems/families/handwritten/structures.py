"""Classic problems on grids, graphs and stacks."""

from __future__ import annotations

from random import Random
from typing import Any

from axiom_cli.problems.families.handwritten.entry import Handwritten


def _matrix(random: Random) -> list[Any]:
    columns = random.randint(1, 5)
    return [[[random.randint(-9, 30) for _ in range(columns)] for _ in range(random.randint(1, 5))]]


def _few_zeros(random: Random) -> list[Any]:
    """One zero, two or three."""
    rows, columns = random.randint(2, 5), random.randint(2, 5)
    grid = [[random.choice((-2, -1, 1, 2, 3, 7)) for _ in range(columns)] for _ in range(rows)]
    for _ in range(random.choice((1, 1, 2, 2, 3))):
        grid[random.randrange(rows)][random.randrange(columns)] = 0
    return [grid]


def _bits(random: Random, ones: float, least: int) -> list[list[int]]:
    columns = random.randint(least, 6)
    return [[int(random.random() < ones) for _ in range(columns)] for _ in range(random.randint(least, 6))]


def _maze(random: Random) -> list[Any]:
    """Free at both ends in nine calls of ten."""
    grid = _bits(random, 0.3, 2)
    if random.random() < 0.9:
        grid[0][0] = grid[-1][-1] = 0
    return [grid]


def _tasks(random: Random) -> list[Any]:
    """Pairs that agree with one order of the nodes; a pair against it, which may close a cycle, in one call of four."""
    n = random.randint(3, 6)
    order = random.sample(range(n), n)
    edges = []
    for _ in range(random.randint(1, n + 1)):
        a, b = sorted(random.sample(range(n), 2))
        edges.append([order[a], order[b]])
    if random.random() < 0.25:
        edges.append(random.choice(edges)[::-1] if random.random() < 0.3 else random.sample(range(n), 2))
    return [n, edges]


def _expression(random: Random, operators: int) -> tuple[list[str], int]:
    """The tokens of an expression with that many operators, and its value."""
    if not operators:
        number = random.randint(-9, 20)
        return [str(number)], number
    left = random.randrange(operators)
    first, a = _expression(random, left)
    second, b = _expression(random, operators - 1 - left)
    sign = random.choice("+-*//" if b else "+-*")
    value = {"+": a + b, "-": a - b, "*": a * b, "/": int(a / (b or 1))}[sign]
    return [*first, *second, sign], value


def _board(random: Random) -> list[Any]:
    """A board of 4, 5 or 6 with a few blocked squares."""
    n = random.choice((4, 5, 5, 5, 6))
    squares = [[row, column] for row in range(n) for column in range(n)]
    return [n, random.sample(squares, random.randint(1, 5))]


PROBLEMS: dict[str, Handwritten] = {
    "rotate_grid": Handwritten(
        3,
        "Rotate a grid",
        "returns the grid turned by 90 degrees clockwise, as a list of rows: the first row of the result is the first "
        "column of grid read from bottom to top. grid is a list of rows of equal length, each with at least one "
        "number; it need not be square. For an empty list it returns the empty list.",
        _matrix,
        (
            [[]],
            [[[1]]],
            [[[1, 2, 3]]],
            [[[1], [2], [3]]],
            [[[1, 2], [3, 4]]],
            [[[1, 2, 3], [4, 5, 6]]],
            [[[1, 2], [3, 4], [5, 6]]],
            [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]],
        ),
        ("each column, from the last row up to the first, becomes a row",),
    ),
    "set_zero_rows_columns": Handwritten(
        3,
        "Set rows and columns to zero",
        "returns a grid of the same shape as grid in which a number is 0 if its row or its column in grid holds a 0, "
        "and unchanged otherwise. Only zeros of grid as it is given count, not those that are newly set. grid is a "
        "list of rows of equal length, each with at least one number. For an empty list it returns the empty list.",
        _few_zeros,
        (
            [[]],
            [[[0]]],
            [[[5]]],
            [[[1, 0, 2]]],
            [[[1], [0], [2]]],
            [[[1, 2], [3, 4]]],
            [[[0, 1, 2], [3, 4, 5], [6, 7, 8]]],
            [[[1, 1, 1], [1, 0, 1], [1, 1, 1]]],
            [[[1, 2, 3, 4], [5, 0, 7, 8], [9, 1, 2, 0]]],
            [[[0, 1], [1, 0]]],
        ),
        ("first note the rows and the columns that hold a 0", "then set every number in one of them to 0"),
    ),
    "spiral_order": Handwritten(
        4,
        "Spiral order",
        "returns all numbers of grid in the order of a spiral that goes clockwise and inwards: it starts at the first "
        "number of the first row, goes right, then down, then left, then up, and turns where it meets the border or a "
        "number already taken. grid is a list of rows of equal length, each with at least one number; it need not be "
        "square. For an empty list it returns the empty list.",
        _matrix,
        (
            [[]],
            [[[7]]],
            [[[1, 2, 3]]],
            [[[1], [2], [3]]],
            [[[1, 2], [3, 4]]],
            [[[1, 2, 3], [4, 5, 6]]],
            [[[1, 2], [3, 4], [5, 6]]],
            [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]],
            [[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]],
            [[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15]]],
        ),
        ("take the outer ring: top, right, bottom, left", "a ring of one row or column has no way back", "go inwards"),
    ),
    "count_islands": Handwritten(
        5,
        "Number of islands",
        "returns the number of islands in grid, a list of rows of equal length, at least one cell, that hold 1 for "
        "land and 0 for water. Two cells of land belong to the same island if steps up, down, left and right lead from "
        "one to the other over land; touching at a corner does not join them, and the grid does not wrap around. A "
        "single cell of land is an island. For an empty list it returns 0.",
        lambda random: [_bits(random, 0.5, 2)],
        (
            [[]],
            [[[0]]],
            [[[1]]],
            [[[1, 0, 1]]],
            [[[1], [0], [1]]],
            [[[1, 0], [0, 1]]],
            [[[0, 1], [1, 0]]],
            [[[1, 0, 1], [1, 1, 1]]],
            [[[1, 1, 1], [1, 0, 1], [1, 1, 1]]],
            [[[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 1, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]]],
            [[[0, 0, 1], [1, 0, 1], [1, 1, 1]]],
            [[[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]],
        ),
        ("begin an island at a cell of land not yet met", "sink all land that can be reached from it"),
    ),
    "evaluate_postfix": Handwritten(
        5,
        "Postfix expression",
        "returns the integer value of an expression in postfix notation (reverse Polish notation). tokens is a list of "
        'strings, each an integer in decimal like "12" or "-3", or one of the operators "+", "-", "*" and "/". '
        "Read from left to right, a number is put on a stack; an operator takes the two topmost values off it, the "
        "upper one being the right operand, and puts its result on the stack. Division drops the fraction of the exact "
        "quotient, so it rounds towards zero: -7 / 2 is -3. The expression is valid, has at least one token, leaves "
        "exactly one value, and never divides by zero.",
        lambda random: [_expression(random, random.randint(1, 5))[0]],
        (
            [["5"]],
            [["-3"]],
            [["2", "4", "-"]],
            [["7", "2", "/"]],
            [["-7", "2", "/"]],
            [["7", "-2", "/"]],
            [["-7", "-2", "/"]],
            [["-1", "2", "/"]],
            [["-1", "-1", "/"]],
            [["0", "-5", "/"]],
            [["2", "1", "+", "3", "*"]],
            [["1", "2", "3", "*", "-"]],
            [["8", "3", "2", "-", "-"]],
            [["10", "6", "9", "3", "+", "-11", "*", "/", "*", "17", "+", "5", "+"]],
        ),
        ("put numbers on a stack", "an operator takes two from it, the right operand first, and puts back its value"),
    ),
    "shortest_grid_path": Handwritten(
        6,
        "Shortest path in a grid",
        "returns the least number of steps from the first cell of the first row to the last cell of the last row, or "
        "-1 if there is no way. A step goes from a cell to the next one up, down, left or right, and never leaves the "
        "grid. Cells with 0 are free and those with 1 are walls; a way goes over free cells only, and both of its "
        "ends must be free. If both ends are the same free cell, it is 0. grid has at least one row, and its rows have "
        "equal length, at least one cell.",
        _maze,
        (
            [[[0]]],
            [[[1]]],
            [[[0, 1]]],
            [[[1, 0]]],
            [[[0, 0, 0]]],
            [[[0], [0]]],
            [[[0, 1], [1, 0]]],
            [[[0, 0], [0, 0]]],
            [[[0, 1, 0], [1, 1, 0], [0, 1, 0]]],
            [[[0, 1, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 1, 0]]],
            [[[0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]]],
            [[[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]]],
            [[[0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0]]],
        ),
        ("search breadth first from the start, each cell once", "the first time the end is met is the shortest"),
    ),
    "topological_order": Handwritten(
        7,
        "Topological order",
        "returns a list with each of the nodes 0 to n - 1 once, such that for each pair [a, b] in edges node a stands "
        "somewhere before node b. Of several such orders it returns the lexicographically smallest: the one with the "
        "smallest first node, among those the one with the smallest second node, and so on. If there is no such order, "
        "it returns the empty list. n is from 0 to 6 and all pairs are of the nodes 0 to n - 1; a pair may occur more "
        "than once, and a pair [a, a] leaves no order.",
        _tasks,
        (
            [0, []],
            [1, []],
            [1, [[0, 0]]],
            [3, []],
            [3, [[2, 0]]],
            [2, [[0, 1], [1, 0]]],
            [3, [[0, 1], [0, 1], [1, 2]]],
            [4, [[0, 3], [2, 1]]],
            [4, [[1, 2], [2, 3], [3, 1]]],
            [4, [[3, 1], [2, 0]]],
            [4, [[0, 2], [3, 1], [0, 1], [3, 0]]],
            [6, [[1, 3], [5, 2], [5, 1], [5, 4]]],
            [5, [[4, 0], [3, 0], [4, 1], [3, 2]]],
            [6, [[5, 2], [5, 0], [4, 0], [4, 1], [2, 3], [3, 1]]],
        ),
        (
            "count for each node how many must still come before it",
            "take the smallest node that waits for none, and release those after it",
            "if some are left over there is a cycle",
        ),
    ),
    "n_queens_count": Handwritten(
        8,
        "Count placements of queens",
        "returns in how many ways n queens can stand on an n by n board so that no two share a row, a column or a "
        "diagonal, and none stands on a blocked square. blocked is a list of distinct squares [row, column], both "
        "counted from 0. A blocked square does not stop queens from attacking across it. Placements that are turned or "
        "mirrored images of each other count as different. n is from 0 to 6; for n = 0 there is 1 way.",
        _board,
        (
            [0, []],
            [1, []],
            [1, [[0, 0]]],
            [2, []],
            [3, []],
            [4, []],
            [5, []],
            [6, []],
            [4, [[0, 1]]],
            [4, [[0, 0], [3, 3]]],
            [5, [[2, 2]]],
            [5, [[0, 4], [4, 3]]],
        ),
        ("put one queen in each row, in a column and two diagonals that are free", "add up what each choice leads to"),
    ),
}

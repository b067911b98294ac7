"""The problems on numbers, grids and graphs, solved again by other methods, mostly by exhaustive search."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, permutations
from operator import add, sub
from typing import Any

Grid = list[list[int]]
Cell = tuple[int, int]


def _divisors(n: int, most: int) -> set[int]:
    """The divisors of n from 1 to `most`; 0 has all of them."""
    return {place for place, rest in enumerate(map(n.__mod__, range(1, most + 1)), 1) if rest == 0}


def _gcd(a: int, b: int) -> int:
    most = max(abs(a), abs(b))
    return max(_divisors(a, most) & _divisors(b, most), default=0)


def _is_prime(n: int) -> bool:
    return n > 1 and 0 not in map(n.__mod__, range(2, n))


def _prime_factors(n: int) -> list[int]:
    """The smallest divisor above 1 is a prime."""
    if n == 1:
        return []
    smallest = 2 + list(map(n.__mod__, range(2, n + 1))).index(0)
    return [smallest, *_prime_factors(n // smallest)]


def _digits(n: int, base: int) -> list[int]:
    places = next(places for places in range(1, 99) if n < base**places)
    return [n // base**place % base for place in reversed(range(places))]


def _stairs(n: int) -> int:
    """By the number of moves of 2 steps, and where they stand among all moves."""
    return sum(math.comb(n - twos, twos) for twos in range(n // 2 + 1))


def _coins(coins: list[int], amount: int) -> int:
    """All sums of 0 coins, of 1 coin, of 2 coins, and so on."""
    sums = {0}
    for count in range(amount + 1):
        if amount in sums:
            return count
        sums = {total + coin for total in sums for coin in coins if total + coin <= amount}
    return -1


def _knapsack(weights: list[int], values: list[int], capacity: int) -> int:
    places = range(len(weights))
    choices = [choice for count in range(len(weights) + 1) for choice in combinations(places, count)]
    fitting = [choice for choice in choices if sum(map(weights.__getitem__, choice)) <= capacity]
    return max(sum(map(values.__getitem__, choice)) for choice in fitting)


def _common_length(first: str, second: str) -> int:
    lengths = range(min(len(first), len(second)) + 1)
    return max(n for n in lengths if set(combinations(first, n)) & set(combinations(second, n)))


def _zeros(grid: Grid) -> Grid:
    columns = list(zip(*grid, strict=True))
    return [[0 if 0 in row or 0 in columns[j] else row[j] for j in range(len(row))] for row in grid]


def _spiral(grid: Grid) -> list[int]:
    """Take the first row and turn the rest to the left, until nothing is left."""
    order: list[int] = []
    while grid:
        order += grid[0]
        grid = [list(row) for row in zip(*grid[1:], strict=True)][::-1]
    return order


def _cells(grid: Grid, value: int) -> list[Cell]:
    return [(i, j) for i in range(len(grid)) for j in range(len(grid[i])) if grid[i][j] == value]


def _touch(one: Cell, other: Cell) -> bool:
    return abs(one[0] - other[0]) + abs(one[1] - other[1]) == 1


def _islands(grid: Grid) -> int:
    """Each cell of land joins the islands before it that it touches."""
    islands: list[list[Cell]] = []
    for cell in _cells(grid, 1):
        touched = [island for island in islands if any(_touch(cell, other) for other in island)]
        islands = [island for island in islands if island not in touched] + [sum(touched, [cell])]
    return len(islands)


def _path(grid: Grid) -> int:
    """Lower the distances of the free cells, each by its neighbours', until none changes."""
    far = math.inf
    distance: dict[Cell, float] = dict.fromkeys(_cells(grid, 0), far)
    if (0, 0) in distance:
        distance[0, 0] = 0
    before = None
    while before != distance:
        before = dict(distance)
        for i, j in distance:
            around = (distance.get(cell, far) for cell in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)))
            distance[i, j] = min(distance[i, j], 1 + min(around))
    steps = distance.get((len(grid) - 1, len(grid[0]) - 1), far)
    return -1 if steps == far else int(steps)


def _topological(n: int, edges: list[list[int]]) -> list[int]:
    """The first that fits of all orders, which come in lexicographic order."""
    for order in permutations(range(n)):
        if all(order.index(a) < order.index(b) for a, b in edges):
            return list(order)
    return []


def _postfix(tokens: list[str]) -> int:
    """Replace the first operator and the two numbers before it by their value, until one number is left."""
    while len(tokens) > 1:
        at = min(tokens.index(sign) for sign in "+-*/" if sign in tokens)
        a, b = map(Fraction, tokens[at - 2 : at])
        value = {"+": a + b, "-": a - b, "*": a * b, "/": a / (b or 1)}[tokens[at]]
        tokens = [*tokens[: at - 2], str(math.trunc(value)), *tokens[at + 1 :]]
    return int(tokens[0])


def _queens(n: int, blocked: list[list[int]]) -> int:
    """All orders of the columns, one for each row."""
    rows = range(n)
    barred = {(row, column) for row, column in blocked}
    boards = [list(columns) for columns in permutations(rows)]
    boards = [columns for columns in boards if len(set(map(add, rows, columns))) == n]
    boards = [columns for columns in boards if len(set(map(sub, rows, columns))) == n]
    return sum(barred.isdisjoint(enumerate(columns)) for columns in boards)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "greatest_common_divisor": _gcd,
    "is_prime": _is_prime,
    "prime_factors": _prime_factors,
    "count_primes_below": lambda n: len(set(range(2, n)).difference(*(range(2 * d, n, d) for d in range(2, n)))),
    "power_mod": lambda base, exponent, modulus: base**exponent % modulus,
    "integer_square_root": math.isqrt,
    "base_digits": _digits,
    "climbing_stairs": _stairs,
    "pascal_row": lambda n: [math.comb(n, k) for k in range(n + 1)],
    "coin_change": _coins,
    "knapsack_value": _knapsack,
    "longest_common_subsequence": _common_length,
    "rotate_grid": lambda grid: [[row[j] for row in grid[::-1]] for j in range(len(grid[0]) if grid else 0)],
    "set_zero_rows_columns": _zeros,
    "spiral_order": _spiral,
    "count_islands": _islands,
    "evaluate_postfix": _postfix,
    "shortest_grid_path": _path,
    "topological_order": _topological,
    "n_queens_count": _queens,
}

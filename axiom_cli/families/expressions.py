"""Integer expressions as trees: a leaf is a value, a node is (operator, left, right).

Division is Python's: `a // b` rounds down and `a % b` has the sign of `b`. The one table below evaluates every
expression, in the oracle, in the teacher's reasoning and in the reference programs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from random import Random
from typing import TypeAlias

Tree: TypeAlias = "int | str | tuple[str, Tree, Tree]"

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "//": 2, "%": 2}
DIVISION_RULE = "// rounds down, % takes the sign of the divisor"
LIMIT = 99
MAX_DIVISOR = 12
_DRAWN = ("+", "+", "+", "-", "-", "-", "*", "*", "*", "//", "%")


def _suits(symbol: str, left: int, right: int) -> bool:
    """Whether `left symbol right` is worth asking: no division by a large or tiny number, no result beyond LIMIT."""
    if symbol in ("//", "%"):
        return 2 <= abs(right) <= MAX_DIVISOR and abs(left) > abs(right)
    if symbol == "*" and min(abs(left), abs(right)) < 2:
        return False
    return abs(OPERATORS[symbol](left, right)) <= LIMIT


def draw(random: Random, operations: int) -> tuple[Tree, int]:
    """A tree with that many operations and its value. No value in it goes beyond +-LIMIT."""
    if operations == 0:
        value = int(random.random() * 9) + 1 if random.random() < 0.6 else int(random.random() * 90) + 10
        return value, value
    on_left = int(random.random() * operations)
    left, left_value = draw(random, on_left)
    right, right_value = draw(random, operations - 1 - on_left)
    while True:
        symbol = _DRAWN[int(random.random() * len(_DRAWN))]
        if _suits(symbol, left_value, right_value):
            return (symbol, left, right), OPERATORS[symbol](left_value, right_value)


def evaluate(tree: Tree) -> int:
    """The value of a tree whose leaves are integers."""
    if isinstance(tree, int):
        return tree
    symbol, left, right = tree
    return OPERATORS[symbol](evaluate(left), evaluate(right))


def infix(tree: Tree) -> str:
    """The usual notation, with the parentheses that are needed and no others."""
    return _infix(tree, 0)


def _infix(tree: Tree, binding: int) -> str:
    if not isinstance(tree, tuple):
        return str(tree)
    symbol, left, right = tree
    own = PRECEDENCE[symbol]
    text = f"{_infix(left, own)} {symbol} {_infix(right, own + 1)}"
    return f"({text})" if own < binding else text


def postfix(tree: Tree) -> str:
    """Reverse Polish notation: both operands, then their operator."""
    if not isinstance(tree, tuple):
        return str(tree)
    symbol, left, right = tree
    return f"{postfix(left)} {postfix(right)} {symbol}"


def reduce_once(tree: Tree) -> Tree:
    """The tree with the first operation that postfix order meets replaced by its value."""
    symbol, left, right = tree  # type: ignore[misc]
    if isinstance(left, tuple):
        return symbol, reduce_once(left), right
    if isinstance(right, tuple):
        return symbol, left, reduce_once(right)
    return OPERATORS[symbol](left, right)  # type: ignore[arg-type]


def reductions(tree: Tree) -> list[Tree]:
    """The trees on the way to the value, the value last."""
    out = []
    while isinstance(tree, tuple):
        tree = reduce_once(tree)
        out.append(tree)
    return out


def divides(tree: Tree) -> bool:
    """Whether `//` or `%` occurs."""
    return isinstance(tree, tuple) and (tree[0] in ("//", "%") or divides(tree[1]) or divides(tree[2]))

"""Integer expressions as trees: a leaf is a value, a node is (operator, left, right).

Division is Python's: `a // b` rounds down and `a % b` has the sign of `b`. The one table below evaluates every
expression, in the oracle, in the teacher's reasoning and in the reference programs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from random import Random
from string import ascii_lowercase
from typing import TypeAlias

from axiom_cli.problems.families.family import Exercise

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
LIMIT = 50
MAX_DIVISOR = 12
MOST_PARAMETERS = 6
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
        value = int(random.random() * 9) + 1 if random.random() < 0.9 else int(random.random() * 41) + 10
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
    assert isinstance(tree, tuple)
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
    assert isinstance(tree, tuple)
    symbol, left, right = tree
    if isinstance(left, tuple):
        return symbol, reduce_once(left), right
    if isinstance(right, tuple):
        return symbol, left, reduce_once(right)
    assert isinstance(left, int) and isinstance(right, int)
    return OPERATORS[symbol](left, right)


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


def open_up(tree: Tree, random: Random) -> tuple[Tree, list[str]]:
    """The tree with some of its leaves replaced by parameters a, b, c..., at least one and at most MOST_PARAMETERS."""
    leaves = _count_leaves(tree)
    chosen = [leaf for leaf in range(leaves) if random.random() < 0.5][:MOST_PARAMETERS]
    chosen = chosen or [int(random.random() * leaves)]
    names = dict(zip(chosen, ascii_lowercase, strict=False))
    return _renamed(tree, names, iter(range(leaves))), list(names.values())


def _count_leaves(tree: Tree) -> int:
    return _count_leaves(tree[1]) + _count_leaves(tree[2]) if isinstance(tree, tuple) else 1


def _renamed(tree: Tree, names: dict[int, str], numbers: Iterator[int]) -> Tree:
    if not isinstance(tree, tuple):
        return names.get(next(numbers), tree)
    left = _renamed(tree[1], names, numbers)
    return tree[0], left, _renamed(tree[2], names, numbers)


def _varies(tree: Tree) -> bool:
    return isinstance(tree, str) or (isinstance(tree, tuple) and (_varies(tree[1]) or _varies(tree[2])))


def may_divide_by_zero(tree: Tree) -> bool:
    """Whether a divisor in the tree depends on a parameter. (A divisor without one was never drawn as 0.)"""
    if not isinstance(tree, tuple):
        return False
    symbol, left, right = tree
    return (symbol in ("//", "%") and _varies(right)) or may_divide_by_zero(left) or may_divide_by_zero(right)


def exercise(tree: Tree, names: list[str], what: str) -> Exercise:
    """The function of `names` whose value is the tree's; `what` calls the tree by name, in its family's notation."""
    caught = may_divide_by_zero(tree)
    signature = f"solve({', '.join(f'{name}: int' for name in names)}) -> int{' | None' if caught else ''}"
    rules = [f"Here {DIVISION_RULE}."] if divides(tree) else []
    rules += ["If any division or remainder is by zero, it returns None."] if caught else []
    body = f"    return {infix(tree)}\n"
    if caught:
        body = f"    try:\n    {body}    except ZeroDivisionError:\n        return None\n"
    edges = [[value] * len(names) for value in (0, 1, -1)]
    if caught:
        edges += _zero_divisions(tree, names, edges)
    return Exercise(
        "solve",
        signature,
        " ".join([f"returns the value of {what}.", *rules]),
        f"def {signature}:\n{body}",
        lambda random: _arguments(random, len(names)),
        tuple(edges),
        (*_steps(tree), *(["a division by zero raises, so return None then"] if caught else [])),
    )


def _arguments(random: Random, count: int) -> list[int]:
    """Mostly small numbers of either sign: large ones would hide what a small change of the program does."""
    reach = random.choice((3, 9, 9, 30, 99))
    return [random.randint(-reach, reach) for _ in range(count)]


def _zero_divisions(tree: Tree, names: list[str], known: list[list[int]]) -> list[list[int]]:
    """One call that divides by zero, if a short search finds one that is not `known`."""
    random = Random(infix(tree))
    for _ in range(200):
        values = [random.randint(-12, 12) for _ in names]
        try:
            evaluate(_filled(tree, dict(zip(names, values, strict=True))))
        except ZeroDivisionError:
            return [values] if values not in known else []
    return []


def _filled(tree: Tree, values: dict[str, int]) -> Tree:
    if isinstance(tree, tuple):
        return tree[0], _filled(tree[1], values), _filled(tree[2], values)
    return values[tree] if isinstance(tree, str) else tree


def _steps(tree: Tree) -> list[str]:
    """The operations in the order in which they are carried out, each result with a name of its own."""
    lines: list[str] = []

    def name(part: Tree) -> str:
        if not isinstance(part, tuple):
            return str(part)
        left, right = name(part[1]), name(part[2])
        lines.append(f"t{len(lines) + 1} = {left} {part[0]} {right}")
        return f"t{len(lines)}"

    name(tree)
    return lines

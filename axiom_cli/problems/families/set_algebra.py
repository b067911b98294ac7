"""Unions, intersections and differences of small sets of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.family import Family

NAMES = "ABCD"
OPERATORS = "|&-^"
LEAST, MOST = 3, 7

# An expression: the index of a set, or (operator, expression, expression).
Expression = Any


@dataclass(frozen=True)
class Sets:
    """Sets as bit masks, bit n - 1 for the number n, and an expression over them."""

    masks: tuple[int, ...]
    expression: Expression


def _expression(random: Random, operators: int, sets: int) -> Expression:
    """An expression with that many operators, none of them over a set and itself."""
    if not operators:
        return int(random.random() * sets)
    operator = OPERATORS[int(random.random() * len(OPERATORS))]
    if operators == 1:
        first = int(random.random() * sets)
        return operator, first, (first + 1 + int(random.random() * (sets - 1))) % sets
    left = int(random.random() * operators)
    return operator, _expression(random, left, sets), _expression(random, operators - 1 - left, sets)


def _combined(operator: str, a: int, b: int) -> int:
    if operator == "|":
        return a | b
    if operator == "&":
        return a & b
    return a & ~b if operator == "-" else a ^ b


def value(expression: Expression, masks: tuple[int, ...]) -> int:
    """The mask of the expression's value."""
    if isinstance(expression, int):
        return masks[expression]
    return _combined(expression[0], value(expression[1], masks), value(expression[2], masks))


def members(mask: int) -> list[str]:
    """The numbers of the set, ascending."""
    return [str(number) for number in range(1, mask.bit_length() + 1) if mask >> (number - 1) & 1]


def _braces(mask: int) -> str:
    return f"{{{', '.join(members(mask))}}}"


def _written(expression: Expression) -> str:
    if isinstance(expression, int):
        return NAMES[expression]
    return f"({_written(expression[1])} {expression[0]} {_written(expression[2])})"


def _mask(random: Random, universe: int) -> int:
    while True:
        mask = random.getrandbits(universe)
        if LEAST <= mask.bit_count() <= MOST:
            return mask


def _steps(expression: Expression, masks: tuple[int, ...], lines: list[str]) -> int:
    """The value, after a line for this operator and each one below it."""
    if isinstance(expression, int):
        return masks[expression]
    a, b = _steps(expression[1], masks, lines), _steps(expression[2], masks, lines)
    result = _combined(expression[0], a, b)
    lines.append(f"{_written(expression)}: {_braces(a)} {expression[0]} {_braces(b)} = {_braces(result)}")
    return result


class SetAlgebra(Family):
    """Nested expressions of `| & - ^` over up to four sets."""

    name: ClassVar[str] = "set_algebra"
    about: ClassVar[str] = "unions, intersections, differences and symmetric differences of small sets of numbers"
    levels: ClassVar[str] = "level n: n operators over 2 to 4 sets of 3 to 7 numbers from 1 to 8 + n // 2"

    def draw(self, random: Random, level: int) -> Sets:
        sets = 2 + (level > 2) + (level > 5)
        while True:
            masks = tuple([_mask(random, 8 + level // 2) for _ in range(sets)])
            expression = _expression(random, level, sets)
            if value(expression, masks).bit_count() > 1:
                return Sets(masks, expression)

    def statement(self, task: Sets) -> str:
        given = ", ".join([f"{name} = {_braces(mask)}" for name, mask in zip(NAMES, task.masks, strict=False)])
        return (
            f"Let {given}. Here | is union, & intersection, - difference and ^ symmetric difference. Which numbers are "
            f"in {_written(task.expression)[1:-1]}? Write them in ascending order, separated by spaces."
        )

    def answer(self, task: Sets) -> str:
        return " ".join(members(value(task.expression, task.masks)))

    def trace(self, task: Sets) -> list[str]:
        lines: list[str] = []
        _steps(task.expression, task.masks, lines)
        return lines

"""Boolean formulas, fully parenthesized, under one assignment."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.family import Family

VARIABLES = "pqrst"
FORMULAS = 4
WORDS = {False: "false", True: "true"}
# `and` stands twice, so that a formula is true as often as false.
OPERATORS = ("and", "and", "or", "xor", "implies", "not")
TABLES = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "xor": lambda a, b: a != b,
    "implies": lambda a, b: b or not a,
}

# A formula: the index of a variable, ("not", formula), or (operator, formula, formula).
Formula = Any


@dataclass(frozen=True)
class Assigned:
    """The values of the first variables, and formulas over them."""

    values: tuple[bool, ...]
    formulas: tuple[Formula, ...]


def _formula(random: Random, operators: int, variables: int) -> Formula:
    """A formula with that many operators."""
    if not operators:
        return int(random.random() * variables)
    operator = OPERATORS[int(random.random() * len(OPERATORS))]
    if operator == "not":
        return operator, _formula(random, operators - 1, variables)
    if operators == 1:
        first = int(random.random() * variables)
        return operator, first, (first + 1 + int(random.random() * (variables - 1))) % variables
    left = int(random.random() * operators)
    return operator, _formula(random, left, variables), _formula(random, operators - 1 - left, variables)


def written(formula: Formula) -> str:
    """The formula with parentheses around every operation except the outermost."""
    return _inner(formula, "", "")


def _inner(formula: Formula, opening: str = "(", closing: str = ")") -> str:
    if isinstance(formula, int):
        return VARIABLES[formula]
    if len(formula) == 2:
        return f"{opening}not {_inner(formula[1])}{closing}"
    return f"{opening}{_inner(formula[1])} {formula[0]} {_inner(formula[2])}{closing}"


def value(formula: Formula, values: tuple[bool, ...]) -> bool:
    """Whether the formula is true."""
    if isinstance(formula, int):
        return values[formula]
    if len(formula) == 2:
        return not value(formula[1], values)
    return TABLES[formula[0]](value(formula[1], values), value(formula[2], values))


def _steps(formula: Formula, values: tuple[bool, ...], lines: list[str]) -> str:
    """The value in words, after a line for this operator and each one below it."""
    if isinstance(formula, int):
        return WORDS[values[formula]]
    words = [_steps(part, values, lines) for part in formula[1:]]
    result = WORDS[value(formula, values)]
    lines.append(f"{' '.join([*words[:-1], formula[0], words[-1]])} = {result}")
    return result


class Boolean(Family):
    """and, or, xor, implies, not: four formulas under one assignment."""

    name: ClassVar[str] = "boolean"
    about: ClassVar[str] = "the values of four formulas of and, or, xor, implies, not under one assignment"
    levels: ClassVar[str] = "level n: 2n + 2 operators in four formulas over 3 to 5 variables"

    def draw(self, random: Random, level: int) -> Assigned:
        variables = 3 + (level > 3) + (level > 7)
        values = [random.random() < 0.5 for _ in range(variables)]
        total = 2 * level + 2
        # The longer formulas come first or last, by chance.
        sizes = [(total + place) // FORMULAS for place in range(FORMULAS)]
        if random.random() < 0.5:
            sizes.reverse()
        return Assigned(tuple(values), tuple([_formula(random, size, variables) for size in sizes]))

    def statement(self, task: Assigned) -> str:
        given = ", ".join([f"{VARIABLES[n]} {WORDS[truth]}" for n, truth in enumerate(task.values)])
        return (
            f"Let {given}. X xor Y: exactly one is true. X implies Y is false only if X is true and Y is false. Give "
            "the value of each formula, true or false, in order, separated by spaces: "
            + "; ".join([written(formula) for formula in task.formulas])
        )

    def answer(self, task: Assigned) -> str:
        return " ".join([WORDS[value(formula, task.values)] for formula in task.formulas])

    def trace(self, task: Assigned) -> list[str]:
        lines: list[str] = []
        for number, formula in enumerate(task.formulas, 1):
            lines.append(f"formula {number}: {written(formula)}")
            _steps(formula, task.values, lines)
        return lines

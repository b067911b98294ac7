"""Fractions to which several operations are applied in order, in lowest terms."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

Fraction = tuple[int, int]
VERBS = {"+": "add", "-": "subtract", "*": "multiply by", "/": "divide by"}
# The first fraction of an odd level has a small denominator and that of an even one a large one, so that no question
# belongs to two levels with equally many operations.
SMALL = tuple(range(2, 10))
LARGE = (10, 11, 12, 13, 14, 15, 16, 18, 20, 21, 24)
LIMIT = 360
DIVIDES_FROM = 3


@dataclass(frozen=True)
class Chain:
    """A fraction and the operations on it, as (symbol, fraction), all in lowest terms."""

    start: Fraction
    steps: tuple[tuple[str, Fraction], ...]


def _proper(denominator: int) -> list[Fraction]:
    """The fractions below 2 with a denominator, in lowest terms."""
    return [(top, denominator) for top in range(1, 2 * denominator) if gcd(top, denominator) == 1]


FRACTIONS = {False: [f for d in SMALL for f in _proper(d)], True: [f for d in LARGE for f in _proper(d)]}


def text(fraction: Fraction) -> str:
    """A fraction in lowest terms as the statement and the answer write it."""
    return str(fraction[0]) if fraction[1] == 1 else f"{fraction[0]}/{fraction[1]}"


def lowest(top: int, bottom: int) -> Fraction:
    """The fraction in lowest terms, its denominator positive."""
    divisor = gcd(top, bottom)
    return top // divisor, bottom // divisor


def applied(left: Fraction, symbol: str, right: Fraction) -> Fraction:
    """The result of one operation, before it is reduced: sums have the least common denominator."""
    if symbol == "*":
        return left[0] * right[0], left[1] * right[1]
    if symbol == "/":
        return left[0] * right[1], left[1] * right[0]
    bottom = left[1] * right[1] // gcd(left[1], right[1])
    a, b = left[0] * (bottom // left[1]), right[0] * (bottom // right[1])
    return (a + b if symbol == "+" else a - b), bottom


def _written(left: Fraction, symbol: str, right: Fraction) -> list[str]:
    """One operation: as it is, with a common denominator or as a product, its result, and that in lowest terms."""
    top, bottom = applied(left, symbol, right)
    middle = ""
    if symbol in "+-":
        a, b = left[0] * (bottom // left[1]), right[0] * (bottom // right[1])
        middle = f" = {a}/{bottom} {symbol} {b}/{bottom}"
    elif symbol == "/":
        middle = f" = {text(left)} * {text((right[1], right[0]))}"
    shown = text(left), text(right) if symbol != "/" else f"({text(right)})"
    lines = [f"{shown[0]} {symbol} {shown[1]}{middle} = {top}/{bottom}"]
    if (divisor := gcd(top, bottom)) > 1 or bottom == 1:
        lines.append(f"divide by {divisor}: {text(lowest(top, bottom))}")
    return lines


class Fractions(Family):
    """Sums, differences, products and quotients of fractions."""

    name: ClassVar[str] = "fractions"
    about: ClassVar[str] = "add, subtract, multiply and divide fractions in order, the result in lowest terms"
    levels: ClassVar[str] = (
        f"levels 2n - 1 and 2n: n operations; even levels start from a denominator of 10 to 24, odd ones of 2 to 9; "
        f"no denominator or numerator beyond {LIMIT}"
    )

    def draw(self, random: Random, level: int) -> Chain:
        symbols = "+-*/" if level >= DIVIDES_FROM else "+-*"
        start = value = random.choice(FRACTIONS[level % 2 == 0])
        steps: list[tuple[str, Fraction]] = []
        while len(steps) < (level + 1) // 2:
            symbol = random.choice(symbols)
            operand = random.choice(FRACTIONS[level % 2 == 0 and random.random() < 0.3])
            top, bottom = lowest(*applied(value, symbol, operand))
            if top and bottom <= LIMIT and -LIMIT <= top <= LIMIT:
                steps.append((symbol, operand))
                value = top, bottom
        return Chain(start, tuple(steps))

    def statement(self, task: Chain) -> str:
        steps = "; ".join([f"{VERBS[symbol]} {text(operand)}" for symbol, operand in task.steps])
        return (
            f"Start with {text(task.start)} and do in order: {steps}. "
            "Give the result in lowest terms (written like 5/3, -1/2 or 4)"
        )

    def answer(self, task: Chain) -> str:
        value = task.start
        for symbol, operand in task.steps:
            value = lowest(*applied(value, symbol, operand))
        return text(value)

    def trace(self, task: Chain) -> list[str]:
        lines, value = [], task.start
        for symbol, operand in task.steps:
            lines += _written(value, symbol, operand)
            value = lowest(*applied(value, symbol, operand))
        return lines

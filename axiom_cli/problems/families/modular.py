"""Arithmetic modulo m: chains, powers by repeated squaring, linear congruences."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

LINEAR_FROM = 3
WORDING = {"+": "add {}", "-": "subtract {}", "*": "multiply by {}", "^": "square"}


@dataclass(frozen=True)
class Walk:
    """A start and steps as (symbol of WORDING, number), all modulo m."""

    modulus: int
    start: int
    steps: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Power:
    """base ** exponent * factor + addend modulo m."""

    modulus: int
    base: int
    exponent: int
    factor: int
    addend: int


@dataclass(frozen=True)
class Congruence:
    """factor * x + addend = right modulo m, the factor prime to m."""

    modulus: int
    factor: int
    addend: int
    right: int


def _stepped(value: int, symbol: str, number: int) -> tuple[str, int]:
    """One step before it is reduced: as it is written, and its result."""
    if symbol == "^":
        return f"{value}*{value}", value * value
    result = {"+": value + number, "-": value - number, "*": value * number}[symbol]
    return f"{value}{symbol}{number}" if symbol == "*" else f"{value} {symbol} {number}", result


def _reduced(shown: str, value: int, modulus: int) -> str:
    """A line of a calculation and, where its result is out of range, the quotient and the remainder."""
    quotient, remainder = divmod(value, modulus)
    return f"{shown} = {value} = {quotient}*{modulus} + {remainder}" if quotient else f"{shown} = {value}"


def _walked(task: Walk) -> list[str]:
    lines, value = [], task.start
    for symbol, number in task.steps:
        shown, result = _stepped(value, symbol, number)
        lines.append(_reduced(shown, result, task.modulus))
        value = result % task.modulus
    return lines


def _raised(task: Power) -> list[str]:
    """The exponent as a sum of powers of two, the squares, the product of those that count."""
    m, bits = task.modulus, [k for k in range(task.exponent.bit_length()) if task.exponent >> k & 1]
    square, squares = task.base % m, [task.base % m]
    lines = [f"{task.exponent} = {' + '.join(str(2**k) for k in reversed(bits))}", f"power 1: {square}"]
    for k in range(1, bits[-1] + 1):
        lines.append(_reduced(f"power {2**k}: {square}*{square}", square * square, m))
        square = square * square % m
        squares.append(square)
    value = squares[bits[0]]
    for k in bits[1:]:
        lines.append(_reduced(f"{value}*{squares[k]}", value * squares[k], m))
        value = value * squares[k] % m
    if (task.factor, task.addend) != (1, 0):
        product = value * task.factor
        shown = f"{value}*{task.factor} + {task.addend} = {product} + {task.addend}"
        lines.append(_reduced(shown, product + task.addend, m))
    return lines


def _solved(task: Congruence) -> list[str]:
    """Euclid's steps with the multiple of the factor that every remainder is, then the inverse times the right side."""
    m, right = task.modulus, task.right - task.addend
    lines = [_reduced(f"{task.factor}*x = {task.right} - {task.addend}", right, m)]
    a, b, s, t = m, task.factor, 0, 1
    while b > 1:
        q = a // b
        lines.append(f"{a} - {q}*{b} = {a - q * b}: {s} - {q}*{t} = {s - q * t}")
        a, b, s, t = b, a - q * b, t, s - q * t
    inverse, right = t % m, right % m
    return [*lines, f"inverse {inverse}", _reduced(f"{inverse}*{right}", inverse * right, m)]


class Modular(Family):
    """Remainders: a chain of operations, a power, or the solution of a congruence."""

    name: ClassVar[str] = "modular"
    about: ClassVar[str] = "chains of operations, powers and linear congruences modulo m"
    levels: ClassVar[str] = (
        "level n: a modulus from 12n to 12n + 11; n + 1 steps, or an exponent below 2 ** (n // 2 + 3); from level 3 on "
        "also a power with a factor and an addend, or a congruence"
    )

    def draw(self, random: Random, level: int) -> Walk | Power | Congruence:
        modulus = 12 * level + int(random.random() * 12)
        kind = random.random()
        if kind < 0.5:
            steps = tuple([self._step(random, modulus) for _ in range(level + 1)])
            return Walk(modulus, 1 + int(random.random() * (modulus - 1)), steps)
        if level >= LINEAR_FROM and kind < 0.7:
            return self._congruence(random, modulus)
        base, top = 2 + int(random.random() * (modulus - 2)), 2 ** (level // 2 + 3)
        exponent = top // 4 + 1 + int(random.random() * (top - top // 4 - 1))
        extra = level >= LINEAR_FROM
        factor, addend = (2 + int(random.random() * 8), 1 + int(random.random() * 20)) if extra else (1, 0)
        return Power(modulus, base, exponent, factor, addend)

    @staticmethod
    def _step(random: Random, modulus: int) -> tuple[str, int]:
        symbol = "++--***^"[int(random.random() * 8)]
        return symbol, 0 if symbol == "^" else 2 + int(random.random() * (modulus - 2 if symbol != "*" else 10))

    @staticmethod
    def _congruence(random: Random, modulus: int) -> Congruence:
        factor = 0
        while gcd(factor, modulus) > 1:
            factor = 2 + int(random.random() * (modulus - 3))
        return Congruence(modulus, factor, 1 + int(random.random() * (modulus - 1)), int(random.random() * modulus))

    def statement(self, task: Walk | Power | Congruence) -> str:
        if isinstance(task, Walk):
            steps = "; ".join([WORDING[symbol].format(number) for symbol, number in task.steps])
            return (
                f"Calculate modulo {task.modulus} (every result from 0 to {task.modulus - 1}): "
                f"start with {task.start} and do in order: {steps}"
            )
        if isinstance(task, Congruence):
            left = f"{task.factor}*x + {task.addend}"
            return f"Which x from 0 to {task.modulus - 1} makes {left} congruent to {task.right} modulo {task.modulus}?"
        power = f"{task.base}**{task.exponent}"
        whole = f"{power} * {task.factor} + {task.addend}" if task.addend else power
        return f"What is the remainder of {whole} divided by {task.modulus} (** is the power)?"

    def answer(self, task: Walk | Power | Congruence) -> str:
        if isinstance(task, Walk):
            value = task.start
            for symbol, number in task.steps:
                value = _stepped(value, symbol, number)[1] % task.modulus
            return str(value)
        if isinstance(task, Congruence):
            return str((task.right - task.addend) * pow(task.factor, -1, task.modulus) % task.modulus)
        power = pow(task.base, task.exponent, task.modulus)
        return str((power * task.factor + task.addend) % task.modulus)

    def trace(self, task: Walk | Power | Congruence) -> list[str]:
        if isinstance(task, Walk):
            return _walked(task)
        return _solved(task) if isinstance(task, Congruence) else _raised(task)

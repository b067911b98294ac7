"""Understands steps on integers from their words, with digits by division."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


def _digits(number: int, base: int = 10) -> list[int]:
    """The digits of |number|, the last one first."""
    digits, left = [], abs(number)
    while True:
        left, digit = divmod(left, base)
        digits.append(digit)
        if not left:
            return digits


def _number(digits: list[int]) -> int:
    """The number with these decimal digits, the last one first."""
    return sum(digit * 10**place for place, digit in enumerate(digits))


def _divided(words: str, n: int, a: int, b: int) -> int:
    if "number of positive divisors" in words:
        number = a + abs(n) - abs(n) // b * b
        small = [d for d in range(1, number + 1) if d * d <= number and not number % d]
        return 2 * len(small) - (small[-1] ** 2 == number)
    if "sum of those numbers" in words:
        low, high, shift = (int(number) for number in re.findall(r"\d+", words))
        return sum(d for d in range(low, high + 1) if (abs(n) + shift) // d * d == abs(n) + shift)
    quotient, rest = divmod(n, a)
    return n + b if rest else quotient


def _digital(words: str, n: int, a: int) -> int:
    if "squares" in words:
        return sum(digit * digit for digit in _digits(n))
    if "in base" in words:
        return sum(_digits(n, a))
    if "each plus" in words:
        return sum(_digits(n)) + a * len(_digits(n))
    if words.startswith("remove"):
        return _number([digit for digit in _digits(n) if digit != a])
    return _number(_digits(n)[::-1]) * (-1 if n < 0 else 1)


def _paired(words: str, n: int, m: int, numbers: list[int]) -> int:
    if words.startswith("if the remainder"):
        return n + m if (m - numbers[-1]) % numbers[0] == 0 else n - m
    if "times m" in words:
        return n + sum([m] * numbers[0])
    if "larger" in words:
        return sorted([n, m + numbers[0]])[1]
    return (n - m if n > m else m - n) + numbers[0]


def _conditional(words: str, n: int, a: int, b: int) -> int:
    if words.startswith("if n is negative"):
        return abs(n) * a if abs(n) != n else n
    if "greater than" in words:
        return n - b if a < n else n + n
    if words.startswith("as long as"):
        return n // (n & -n) if n else 0
    for _ in range(a):
        n = n * 3 + b if n & 1 else n >> 1
    return n


def _simple(words: str, n: int, a: int, b: int) -> int:
    if words.startswith("clamp"):
        return sorted([a, n, b])[1]
    if words.startswith("replace n by the remainder"):
        return n - n // a * a
    if words.startswith("multiply"):
        return sum([n] * a)
    return a - n if words.startswith("subtract") else n + a


def _step(words: str, n: int, m: int) -> int:
    numbers = [int(number) for number in re.findall(r"-?\b\d+", words)]
    a, b = (numbers + [0, 0])[:2]
    if re.search(r"\bm\b", words):
        return _paired(words, n, m, numbers)
    if "divis" in words:
        return _divided(words, n, a, numbers[-1])
    if "digit" in words:
        return _digital(words, n, a)
    if words.startswith("do "):
        b = numbers[-1]
    return (_conditional if re.match("if |do |as long", words) else _simple)(words, n, a, b)


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of n and perhaps m."""
    *steps, _ = re.search(r"does in order: (.+)\.(?:\n|$)", prompt).group(1).split("; ")  # type: ignore[union-attr]

    def solve(n: int, m: int = 0) -> int:
        for words in steps:
            n = _step(words, n, m)
        return n

    return solve

"""Greatest common divisors and least common multiples by Euclid's steps."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, lcm
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

KINDS = ("gcd", "lcm", "both")
ASKED = {
    "gcd": "What is the greatest common divisor of {}?",
    "lcm": "What is the least common multiple of {}?",
    "both": "What are the greatest common divisor and the least common multiple of {} (two numbers, in this order)?",
}
# The largest number of level n is at least BOUNDS[n - 1] and less than BOUNDS[n], so that no question belongs to two
# levels.
BOUNDS = (60, 180, 500, 1000, 1800, 3000, 4500, 6500, 9000, 13000, 20000)


@dataclass(frozen=True)
class Numbers:
    """Different numbers, and which of KINDS is asked about them."""

    kind: str
    numbers: tuple[int, ...]


def _euclid(a: int, b: int) -> list[str]:
    """The divisions that end in the greatest common divisor, the larger number first."""
    a, b = max(a, b), min(a, b)
    lines = [f"gcd of {a} and {b}"]
    while b:
        lines.append(f"{a} = {a // b}*{b} + {a % b}")
        a, b = b, a % b
    return [*lines, f"gcd {a}"]


def _divisors(numbers: tuple[int, ...]) -> list[str]:
    lines, divisor = [], numbers[0]
    for number in numbers[1:]:
        lines += _euclid(divisor, number)
        divisor = gcd(divisor, number)
    return lines


def _multiples(numbers: tuple[int, ...]) -> list[str]:
    lines, multiple = [], numbers[0]
    for number in numbers[1:]:
        divisor = gcd(multiple, number)
        factor = number // divisor
        lines += _euclid(multiple, number)
        lines += [f"{number} / {divisor} = {factor}", f"lcm {multiple}*{factor} = {multiple * factor}"]
        multiple *= factor
    return lines


def _count(kind: str, level: int) -> int:
    """How many numbers a question has."""
    if kind == "gcd":
        return 2 + (level > 3) + (level > 7)
    return 2 + (kind == "lcm" and level > 5)


def _divisor(random: Random, kind: str, level: int, largest: int) -> int:
    """A common divisor of the numbers, at most a fifth of the largest; large enough that the multiples stay small."""
    if kind == "gcd":
        return 2 + int(random.random() * min(16 + 4 * level, largest // 5 - 2))
    return largest // (5 + int(random.random() * (6 + level)))


class GcdChain(Family):
    """Of two or more numbers, one after the other."""

    name: ClassVar[str] = "gcd_chain"
    about: ClassVar[str] = "greatest common divisor and least common multiple of two and more numbers"
    levels: ClassVar[str] = (
        f"level n: the largest number from {', '.join(map(str, BOUNDS[:-1]))} on; 2 numbers, 3 or 4 at higher levels"
    )

    def draw(self, random: Random, level: int) -> Numbers:
        kind = KINDS[int(random.random() * len(KINDS))]
        low, high = BOUNDS[level - 1], BOUNDS[level]
        wish = low + int(random.random() * (high - low))
        divisor = _divisor(random, kind, level, wish)
        times = max(-(-low // divisor), wish // divisor)
        numbers = [divisor * times]
        while len(numbers) < _count(kind, level):
            number = divisor * (2 + int(random.random() * (times - 2)))
            if number not in numbers:
                numbers.append(number)
        at = int(random.random() * len(numbers))
        numbers[0], numbers[at] = numbers[at], numbers[0]
        return Numbers(kind, tuple(numbers))

    def statement(self, task: Numbers) -> str:
        *first, last = map(str, task.numbers)
        return ASKED[task.kind].format(f"{', '.join(first)} and {last}")

    def answer(self, task: Numbers) -> str:
        if task.kind == "gcd":
            return str(gcd(*task.numbers))
        if task.kind == "lcm":
            return str(lcm(*task.numbers))
        return f"{gcd(*task.numbers)} {lcm(*task.numbers)}"

    def trace(self, task: Numbers) -> list[str]:
        return _divisors(task.numbers) if task.kind == "gcd" else _multiples(task.numbers)

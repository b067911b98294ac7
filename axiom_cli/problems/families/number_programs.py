"""Programs over one or two integers, composed of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.composed import Written, levels_of_half
from axiom_cli.problems.families.family import Exercise


@dataclass(frozen=True)
class Part:
    """One step on n: how it is worded, and its lines of Python.

    `{a}` and `{b}` are parameters with ranges, `{c}` is one less than a. A part that `shrinks` leaves few possible
    values. One that `pairs` uses the second argument m.
    """

    wording: str
    code: str
    a: tuple[int, int] = (1, 1)
    b: tuple[int, int] = (1, 1)
    shrinks: bool = False
    pairs: bool = False


PARTS: tuple[Part, ...] = (
    Part("add {a} to n", "n += {a}", (1, 30)),
    Part("multiply n by {a}", "n *= {a}", (2, 9)),
    Part("subtract n from {a}", "n = {a} - n", (5, 60)),
    Part("if n is negative, replace it by its absolute value times {a}", "if n < 0:\n    n = -n * {a}", (2, 5)),
    Part(
        "replace n by the sum of the decimal digits of |n|, each plus {a}",
        "n = sum(int(digit) + {a} for digit in str(abs(n)))",
        (0, 5),
        shrinks=True,
    ),
    Part(
        "replace n by the sum of the squares of the decimal digits of |n|",
        "n = sum(int(digit) ** 2 for digit in str(abs(n)))",
        shrinks=True,
    ),
    Part(
        "reverse the decimal digits of |n| (leading zeros vanish) and give the result the sign of n",
        "digits = int(str(abs(n))[::-1])\nn = -digits if n < 0 else digits",
    ),
    Part(
        "remove every digit {a} from the decimal digits of |n| (0 if none is left) and drop the sign",
        'n = int(str(abs(n)).replace("{a}", "") or "0")',
        (0, 9),
    ),
    Part(
        "replace n by the sum of the digits of |n| in base {a}",
        "left, n = abs(n), 0\nwhile left:\n    n += left % {a}\n    left //= {a}",
        (2, 9),
        shrinks=True,
    ),
    Part(
        "replace n by the number of positive divisors of the number that is {b} plus the remainder of |n| divided by "
        "{a}",
        "number = {b} + abs(n) % {a}\nn = sum(number % divisor == 0 for divisor in range(1, number + 1))",
        (40, 90),
        (1, 9),
        shrinks=True,
    ),
    Part(
        "replace n by the sum of those numbers from 1 to {b} by which |n| + {a} is divisible",
        "number = abs(n) + {a}\nn = sum(divisor for divisor in range(1, {b} + 1) if number % divisor == 0)",
        (1, 9),
        (6, 15),
        shrinks=True,
    ),
    Part("replace n by the remainder of n divided by {a}, from 0 to {c}", "n %= {a}", (7, 60), shrinks=True),
    Part(
        "clamp n to the range from {a} to {b}, both included",
        "n = max({a}, min({b}, n))",
        (-40, 9),
        (20, 90),
        shrinks=True,
    ),
    Part(
        "if n is divisible by {a}, divide it by {a}, otherwise add {b} to it",
        "if n % {a} == 0:\n    n //= {a}\nelse:\n    n += {b}",
        (2, 6),
        (1, 9),
    ),
    Part(
        "if n is greater than {a}, subtract {b} from it, otherwise double it",
        "if n > {a}:\n    n -= {b}\nelse:\n    n *= 2",
        (3, 60),
        (2, 30),
    ),
    Part("as long as n is even and not 0, halve it", "while n != 0 and n % 2 == 0:\n    n //= 2"),
    Part(
        "do {a} times: if n is even, halve it, otherwise multiply it by 3 and add {b}",
        "for _ in range({a}):\n    if n % 2 == 0:\n        n //= 2\n    else:\n        n = 3 * n + {b}",
        (2, 5),
        (1, 7),
    ),
    Part("add {a} times m to n", "n += {a} * m", (1, 6), pairs=True),
    Part("replace n by the larger of n and m + {a}", "n = max(n, m + {a})", (0, 9), pairs=True),
    Part("replace n by |n - m| plus {a}", "n = abs(n - m) + {a}", (0, 9), pairs=True),
    Part(
        "if the remainder of m divided by {a}, from 0 to {c}, is {b}, add m to n, otherwise subtract m from n",
        "if m % {a} == {b}:\n    n += m\nelse:\n    n -= m",
        (3, 5),
        (0, 2),
        pairs=True,
    ),
)
MOST_SHRINKING = 2
Steps = tuple[tuple[int, int, int], ...]


class NumberPrograms(Written):
    """Digits, divisors, bases, remainders and conditions on one or two integers, several steps in sequence."""

    name: ClassVar[str] = "number_programs"
    about: ClassVar[str] = "write a function of one or two integers: digits, divisors, bases, clamps, conditions"
    levels: ClassVar[str] = "level n: 1 + n // 2 steps"

    def draw(self, random: Random, level: int) -> Steps:
        steps: list[tuple[int, int, int]] = []
        shrinking = 0
        while len(steps) < 1 + level // 2:
            index = random.randrange(len(PARTS))
            part = PARTS[index]
            if any(index == before for before, _, _ in steps) or (part.shrinks and shrinking == MOST_SHRINKING):
                continue
            shrinking += part.shrinks
            steps.append((index, random.randint(*part.a), random.randint(*part.b)))
        return tuple(steps)

    def statement(self, task: Steps) -> str:
        return "; ".join(PARTS[index].wording.format(a=a, b=b, c=a - 1) for index, a, b in task)

    def trace(self, task: Steps) -> list[str]:
        return self.statement(task).split("; ")

    def shared(self, task: Steps, level: int, form: str) -> Sequence[int]:
        """Only the number of steps depends on the level."""
        return levels_of_half(level)

    def exercise(self, task: Steps, level: int, random: Random) -> Exercise:
        pairs = any(PARTS[index].pairs for index, _, _ in task)
        taken = "two integers n and m" if pairs else "an integer n"
        signature = f"solve(n: int{', m: int' if pairs else ''}) -> int"
        code = "\n".join(PARTS[index].code.format(a=a, b=b) for index, a, b in task)
        body = "".join(f"    {line}\n" for line in code.split("\n"))
        return Exercise(
            "solve",
            signature,
            f"takes {taken} and does in order: {self.statement(task)}; return n.",
            f"def {signature}:\n{body}    return n\n",
            _two if pairs else _one,
            _edges([number for _, *parameters in task for number in parameters], pairs=pairs),
            (*self.trace(task), "return n"),
        )


def _one(random: Random) -> list[Any]:
    """One argument: small or large, seldom negative."""
    return [random.choice((1, 1, 1, -1)) * random.randint(0, random.choice((12, 60, 400, 5000)))]


def _two(random: Random) -> list[Any]:
    return [*_one(random), random.randint(-10, 40)]


def _edges(parameters: list[int], *, pairs: bool) -> tuple[list[Any], ...]:
    """0, 1, numbers around the parameters, and numbers with zeros and equal digits; m in all its remainders."""
    near = [parameter + shift for parameter in parameters[:2] for shift in (0, 1, -1)]
    numbers = list(dict.fromkeys([0, 1, -1, 10, 64, -360, 1009, 2020, *near]))
    return tuple([number, *([place % 13 - 4] if pairs else [])] for place, number in enumerate(numbers))

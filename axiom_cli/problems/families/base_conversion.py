"""Whole numbers written in bases 2 to 16."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

DIGITS = "0123456789abcdef"
BASES = tuple(range(2, 17))
SUM_FROM = 3
# A number of level n is at least BOUNDS[n - 1] and less than BOUNDS[n], so that no question belongs to two levels.
BOUNDS = (20, 250, 450, 800, 1450, 2600, 4700, 8500, 15000, 28000, 50000)


@dataclass(frozen=True)
class Conversion:
    """Numbers as (value, base it is written in), and the base in which to write their sum."""

    numbers: tuple[tuple[int, int], ...]
    base: int


def written(value: int, base: int) -> str:
    """A positive number in a base from 2 to 16."""
    text = ""
    while value:
        value, digit = divmod(value, base)
        text = DIGITS[digit] + text
    return text


def _horner(text: str, base: int) -> list[str]:
    """The value of a numeral, digit by digit from the left."""
    value = DIGITS.index(text[0])
    lines = [f"{text} in base {base}, {text[0]}: {value}"]
    for char in text[1:]:
        digit = DIGITS.index(char)
        lines.append(f"{char}: {value}*{base} + {digit} = {value * base} + {digit} = {value * base + digit}")
        value = value * base + digit
    return lines


def _divisions(value: int, base: int) -> list[str]:
    """The numeral of a value, digit by digit from the right."""
    lines, text = [], ""
    while value:
        quotient, digit = divmod(value, base)
        text = DIGITS[digit] + text
        lines.append(f"{value} = {quotient}*{base} + {digit}: {text}")
        value = quotient
    return lines


def _other(random: Random, base: int) -> int:
    """A base that is not `base`."""
    at = int(random.random() * (len(BASES) - 1))
    return BASES[at] if BASES[at] < base else BASES[at + 1]


class BaseConversion(Family):
    """From one base to another; from level 3, also sums of numbers in two bases, written in a third."""

    name: ClassVar[str] = "base_conversion"
    about: ClassVar[str] = "convert numbers between bases 2 to 16, and add numbers given in different bases"
    levels: ClassVar[str] = (
        "level 1: 20 to 249, from or to base 10; level 2: 250 to 449, any bases; then up to 49999, half of them sums"
    )

    def draw(self, random: Random, level: int) -> Conversion:
        low, high = BOUNDS[level - 1], BOUNDS[level]
        value = low + int(random.random() * (high - low))
        if level == 1:
            base = _other(random, 10)
            return Conversion(((value, 10),), base) if random.random() < 0.5 else Conversion(((value, base),), 10)
        first = BASES[int(random.random() * len(BASES))]
        if level < SUM_FROM or random.random() < 0.5:
            return Conversion(((value, first),), _other(random, first))
        addend = low + int(random.random() * (high - low))
        return Conversion(((value, first), (addend, _other(random, first))), _other(random, first))

    def statement(self, task: Conversion) -> str:
        bases = [base for _, base in task.numbers]
        texts = [written(*number) for number in task.numbers]
        rule = " (the digits 10 to 15 are written a to f)" if max(task.base, *bases) > 10 else ""
        if len(texts) == 1:
            return f"Convert {texts[0]} from base {bases[0]} to base {task.base}{rule}"
        terms = f"{texts[0]} in base {bases[0]} and {texts[1]} in base {bases[1]}"
        return f"Add {terms}, and write the sum in base {task.base}{rule}"

    def answer(self, task: Conversion) -> str:
        return written(sum(value for value, _ in task.numbers), task.base)

    def trace(self, task: Conversion) -> list[str]:
        lines = []
        for value, base in task.numbers:
            if base != 10:
                lines += _horner(written(value, base), base)
        values = [value for value, _ in task.numbers]
        if len(values) > 1:
            lines.append(f"{values[0]} + {values[1]} = {sum(values)}")
        return lines if task.base == 10 else lines + _divisions(sum(values), task.base)

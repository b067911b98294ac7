"""Chains of invented units with stated ratios."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

STARTS = ("bl", "d", "f", "g", "k", "l", "m", "n", "p", "r", "sk", "t", "v", "z", "tr")
MIDDLES = ("a", "e", "i", "o", "u")
ENDS = ("b", "d", "g", "k", "l", "m", "n", "p", "r", "t", "nk", "ft")


@dataclass(frozen=True)
class Chain:
    """Units from the largest to the smallest, one of the ith being `ratios[i]` of the next.

    `shown` is the order in which the ratios are stated. `amounts` and the kinds: "down" (of the first and the last unit
    but one, in the last), "up" (an amount of the last unit, to be written in all units), "sum" (two mixed amounts).
    """

    kind: str
    units: tuple[str, ...]
    ratios: tuple[int, ...]
    shown: tuple[int, ...]
    amounts: tuple[tuple[int, ...], ...]


def invented(random: Random, count: int) -> tuple[str, ...]:
    """That many different names of units."""
    units: list[str] = []
    while len(units) < count:
        unit = random.choice(STARTS) + random.choice(MIDDLES) + random.choice(ENDS)
        if unit not in units:
            units.append(unit)
    return tuple(units)


def smallest(amounts: tuple[int, ...], ratios: tuple[int, ...]) -> int:
    """A mixed amount in the smallest unit."""
    total = amounts[0]
    for ratio, amount in zip(ratios, amounts[1:], strict=True):
        total = total * ratio + amount
    return total


def mixed(total: int, ratios: tuple[int, ...]) -> list[int]:
    """The amount of each unit, the largest units first and as many of them as possible."""
    parts = []
    for ratio in reversed(ratios):
        total, rest = divmod(total, ratio)
        parts.append(rest)
    return [total, *reversed(parts)]


def written(amounts: tuple[int, ...] | list[int], units: tuple[str, ...]) -> str:
    """A mixed amount, including units with 0."""
    return " ".join([f"{amount} {unit}" for amount, unit in zip(amounts, units, strict=True)])


class Units(Family):
    """Converts amounts of invented units up and down, and adds mixed amounts."""

    name: ClassVar[str] = "units"
    about: ClassVar[str] = "convert invented units by stated ratios: to the smallest, to a mixed amount, or a sum"
    levels: ClassVar[str] = "level n: 2 + n // 2 units, and ratios up to n + 5, the largest of which occurs"

    def draw(self, random: Random, level: int) -> Chain:
        kind = random.choice(("down", "up", "sum"))
        count = 2 + level // 2
        units, largest = invented(random, count), level + 5
        ratios = [2 + int(random.random() * (largest - 1)) for _ in range(count - 1)]
        # The largest ratio tells the level.
        ratios[int(random.random() * len(ratios))] = largest
        shown = list(range(count - 1))
        random.shuffle(shown)
        make = {"down": self._some, "up": self._total, "sum": self._two}[kind]
        return Chain(kind, units, tuple(ratios), tuple(shown), make(random, ratios))

    @staticmethod
    def _some(random: Random, ratios: list[int]) -> tuple[tuple[int, ...], ...]:
        return ((2 + int(random.random() * 40), *[int(random.random() * ratio) for ratio in ratios]),)

    @staticmethod
    def _total(random: Random, ratios: list[int]) -> tuple[tuple[int, ...], ...]:
        amounts = (1 + int(random.random() * 12), *[int(random.random() * ratio) for ratio in ratios])
        return ((smallest(amounts, tuple(ratios)),),)

    @staticmethod
    def _two(random: Random, ratios: list[int]) -> tuple[tuple[int, ...], ...]:
        return tuple(
            (1 + int(random.random() * 20), *[int(random.random() * ratio) for ratio in ratios]) for _ in range(2)
        )

    def statement(self, task: Chain) -> str:
        units, ratios = task.units, task.ratios
        ratios_text = "; ".join([f"1 {units[n]} = {ratios[n]} {units[n + 1]}" for n in task.shown])
        if task.kind == "down":
            return (
                f"{ratios_text}. How many {units[-1]} are {written(task.amounts[0], units)} together? Give the number."
            )
        rule = (
            f"Use as many of the larger units as possible and write a whole number of every unit, 0 too, largest unit "
            f"first, such as {written(range(len(units)), units)}."  # type: ignore[arg-type]
        )
        if task.kind == "up":
            return f"{ratios_text}. How much are {task.amounts[0][0]} {units[-1]}? {rule}"
        first, second = (written(amounts, units) for amounts in task.amounts)
        return f"{ratios_text}. How much are {first} plus {second}? {rule}"

    def answer(self, task: Chain) -> str:
        if task.kind == "up":
            total = task.amounts[0][0]
        else:
            total = sum([smallest(amounts, task.ratios) for amounts in task.amounts])
        return str(total) if task.kind == "down" else written(mixed(total, task.ratios), task.units)

    def trace(self, task: Chain) -> list[str]:
        units, ratios = task.units, task.ratios
        lines = [f"1 {units[n]} = {ratios[n]} {units[n + 1]}" for n in range(len(ratios))]
        if task.kind == "down":
            return lines + self._down(task)
        if task.kind == "up":
            left = [task.amounts[0][0]]
            columns = [0] * len(ratios) + left
        else:
            columns = [a + b for a, b in zip(*task.amounts, strict=True)]
            pairs = zip(*task.amounts, units, strict=True)
            lines += [f"{a} + {b} = {a + b} {unit}" for a, b, unit in pairs]
        for n in range(len(ratios), 0, -1):
            carry, rest = divmod(columns[n], ratios[n - 1])
            lines.append(f"{columns[n]} {units[n]} = {carry} {units[n - 1]} and {rest} {units[n]}")
            if columns[n - 1] and carry:
                known = f"{columns[n - 1]} + {carry} = {columns[n - 1] + carry}"
                lines.append(f"{known} {units[n - 1]}")
            columns[n - 1], columns[n] = columns[n - 1] + carry, rest
        return lines

    @staticmethod
    def _down(task: Chain) -> list[str]:
        lines, total = [], task.amounts[0][0]
        for n, amount in enumerate(task.amounts[0][1:]):
            product = total * task.ratios[n]
            lines.append(f"{total} {task.units[n]} * {task.ratios[n]} = {product} {task.units[n + 1]}")
            total = product + amount
            lines.append(f"{product} + {amount} = {total} {task.units[n + 1]}")
        return lines

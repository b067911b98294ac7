"""Straight-line programs: each line names a new value."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from string import ascii_uppercase
from typing import ClassVar

from axiom_cli.problems.families.expressions import OPERATORS
from axiom_cli.problems.families.family import LEVELS
from axiom_cli.problems.families.listing import LABELS, Listing, ListingFamily, lines_of, pick

LENGTHS = (2, 3, 4, 6, 8, 11, 14, 18, 22, 26)
ASKED = 3
Values = dict[str, int]


class StraightLine(ListingFamily):
    """A line works out a value from the one before it and a number or any earlier value. All values are digits."""

    name: ClassVar[str] = "straight_line"
    about: ClassVar[str] = "the last values of a program in which every line names a new value"
    levels: ClassVar[str] = f"level n: {', '.join(map(str, LENGTHS))} lines"
    has: Sequence[int] = LEVELS
    asks: ClassVar[str] = "Run these lines and write the last three values (all of them, if there are fewer), in order:"
    start: ClassVar[Values] = {}

    def size(self, level: int) -> int:
        return LENGTHS[level - 1]

    def draw(self, random: Random, level: int) -> Listing:
        names = random.sample(ascii_uppercase, self.size(level))
        values: Values = {}
        lines = []
        for number, name in enumerate(names):
            lines.append(f"{name} = {self._right_side(random, names[:number], values)}")
            values = self.step(values, lines[-1])
        return Listing(pick(random, len(LABELS)), tuple(lines))

    def _right_side(self, random: Random, before: list[str], values: Values) -> str:
        if not before:
            return str(pick(random, 10))
        while True:
            far = before[pick(random, len(before))]
            other = far if random.random() < 0.5 else str(pick(random, 9) + 1)
            parts = [before[-1], other] if random.random() < 0.5 else [other, before[-1]]
            left, right = (values[part] if part in values else int(part) for part in parts)
            sign = "+-*"[pick(random, 3)]
            if 0 <= OPERATORS[sign](left, right) <= 9 and (sign != "*" or min(left, right) > 1):
                return f"{parts[0]} {sign} {parts[1]}"

    def step(self, state: Values, line: str) -> Values:
        name, _, *right = line.split()
        numbers = [state[part] if part in state else int(part) for part in right[::2]]
        return {**state, name: OPERATORS[right[1]](*numbers) if len(right) > 1 else numbers[0]}

    def show(self, state: Values) -> str:
        return " ".join(map(str, list(state.values())[-ASKED:]))

    def trace(self, task: Listing) -> list[str]:
        """Each line with its names replaced by their values, and its value."""
        lines, values = [], self.start
        for text, line in zip(task.labelled(), task.lines, strict=True):
            left, _, right = text.partition(" = ")
            filled = " ".join(str(values.get(part, part)) for part in right.split())
            values = self.step(values, line)
            lines.append(f"{left} = {filled}" + (f" = {list(values.values())[-1]}" if " " in filled else ""))
        return lines

    def second(self, prompt: str) -> str:
        """Each value that is asked for, worked out from its own line backwards."""
        right_sides = dict(line.split(" = ") for line in lines_of(prompt))

        def value(text: str) -> int:
            if text.isdigit():
                return int(text)
            if text in right_sides:
                return value(right_sides[text])
            left, sign, right = text.split()
            return OPERATORS[sign](value(left), value(right))

        return " ".join(str(value(name)) for name in list(right_sides)[-ASKED:])

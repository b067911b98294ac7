"""A calculator with a stack, one key a line."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from axiom_cli.problems.families.expressions import OPERATORS
from axiom_cli.problems.families.listing import LineByLine, lines_of, pick

DEEPEST = 5
Stack = tuple[int, ...]


class StackListing(LineByLine):
    """A number is pushed, a sign takes two and pushes the result: a digit, or where the stack is full and no sign gives
    one, a negative number."""

    name: ClassVar[str] = "stack_listing"
    about: ClassVar[str] = "what numbers and signs, one a line, leave on a stack"
    asks: ClassVar[str] = (
        "A number goes on the stack; a sign takes the last two off it and puts their result on it. Run these lines "
        "and write the stack, the last one last:"
    )
    start: ClassVar[Stack] = ()

    def line(self, random: Random, state: Stack, left: int) -> str:
        signs = [sign for sign in "+-*" if len(state) > 1 and _suits(sign, *state[-2:])]
        if signs and (len(state) >= DEEPEST or random.random() < 0.55):
            return signs[pick(random, len(signs))]
        if len(state) < DEEPEST:
            return str(pick(random, 10))
        return "+" if sum(state[-2:]) <= 9 else "-"

    def step(self, state: Stack, line: str) -> Stack:
        if line.isdigit():
            return (*state, int(line))
        return (*state[:-2], OPERATORS[line](*state[-2:]))

    def show(self, state: Stack) -> str:
        return " ".join(map(str, state))

    def second(self, prompt: str) -> str:
        """From the last line to the first, as prefix notation with its arguments in reverse."""
        left = lines_of(prompt)

        def take() -> int:
            line = left.pop()
            if line.isdigit():
                return int(line)
            right = take()
            return OPERATORS[line](take(), right)

        values = []
        while left:
            values.append(take())
        return " ".join(map(str, reversed(values)))


def _suits(sign: str, left: int, right: int) -> bool:
    """Whether the result is a digit, and worth asking."""
    return 0 <= OPERATORS[sign](left, right) <= 9 and (sign != "*" or min(left, right) > 1)

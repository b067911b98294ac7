"""Listings: labelled lines that are carried out one after the other, each with a little work.

A label says where a line is: the next line is found by its label, without counting. Labels are syllables in a fixed
order, from a random one on, and round again. Difficulty is length: at level 10 a listing has fifteen times as many
lines as at level 1. No label occurs twice in a listing, so none is longer than there are labels.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.family import EVERY_LEVEL, LEVELS, Family

LABELS = tuple(consonant + vowel for consonant in "bcdfghjklmnprstvz" for vowel in "aeiou")
SIZES = (4, 6, 9, 14, 20, 27, 34, 42, 51, 60)
"""Lines at levels 1 to 10."""
MORE = (len(LABELS) - SIZES[-1]) / (len(EVERY_LEVEL) - len(SIZES))
"""Lines by which each further level is longer, so that the last one has as many lines as there are labels."""
GROWS = 0.55
"""The chance that a state that has room for one more thing gets one."""
LINE = re.compile(r"^([a-z]{2}) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Listing:
    """Lines without their labels, and the place of the first one's label."""

    first: int
    lines: tuple[str, ...]

    def labelled(self) -> Iterator[str]:
        """The lines with their labels: `ka P = 4`."""
        return (f"{LABELS[(self.first + n) % len(LABELS)]} {line}" for n, line in enumerate(self.lines))


class ListingFamily(Family):
    """A family whose tasks are listings: a state, and what a line does to it. The answer is the state at the end."""

    asks: ClassVar[str]  # the words above the listing
    start: ClassVar[Any]  # the state before the first line; never changed in place
    words_repeat: ClassVar[bool] = True
    levels: ClassVar[str] = (
        f"level n: {', '.join(map(str, SIZES))} lines; levels continue to {EVERY_LEVEL[-1]} ({len(LABELS)} lines)"
    )
    has: Sequence[int] = EVERY_LEVEL

    @abstractmethod
    def step(self, state: Any, line: str) -> Any:
        """The state after a line."""

    @abstractmethod
    def show(self, state: Any) -> str:
        """A state as it is written."""

    def size(self, level: int) -> int:
        """The number of lines at a level."""
        return SIZES[level - 1] if level in LEVELS else SIZES[-1] + int(MORE * (level - LEVELS[-1]))

    def size_of(self, level: int) -> str:
        return f"{self.size(level)} lines"

    def statement(self, task: Listing) -> str:
        return "\n".join([self.asks, *task.labelled()])

    def states(self, task: Listing) -> Iterator[Any]:
        """The state after each line."""
        state = self.start
        for line in task.lines:
            state = self.step(state, line)
            yield state

    def answer(self, task: Listing) -> str:
        *_, last = self.states(task)
        return self.show(last)

    def trace(self, task: Listing) -> list[str]:
        return [
            f"{line}: {self.show(state)}".rstrip()
            for line, state in zip(task.labelled(), self.states(task), strict=True)
        ]


class LineByLine(ListingFamily):
    """A listing family that draws each line by what the state allows."""

    @abstractmethod
    def line(self, random: Random, state: Any, left: int) -> str:
        """A line that `state` allows; `left` lines are still to be written, this one among them."""

    def draw(self, random: Random, level: int) -> Listing:
        first, lines, state = pick(random, len(LABELS)), [], self.start
        for left in range(self.size(level), 0, -1):
            lines.append(self.line(random, state, left))
            state = self.step(state, lines[-1])
        return Listing(first, tuple(lines))


def grows(random: Random, size: int, most: int, left: int) -> bool:
    """Whether what holds `size` of at most `most` things gets one more: more often than not where it may have one more,
    and always where it would otherwise be empty with `left` lines to write."""
    return not size or (left == 1 and size == 1) or (size < most and random.random() < GROWS)


def pick(random: Random, count: int) -> int:
    """A number below `count`, the same with every version of Python."""
    return int(random.random() * count)


def lines_of(prompt: str) -> list[str]:
    """The lines of a listing in a prompt, without their labels."""
    return [line for _, line in LINE.findall(prompt)]

"""Copying a listing: nothing is worked out."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from axiom_cli.problems import families
from axiom_cli.problems.families.listing import LABELS, SIZES, Listing, ListingFamily, lines_of, pick

KINDS = ("register_machine", "stack_listing", "bracket_listing", "queue_listing", "robot_walk", "straight_line")


class CopyListing(ListingFamily):
    """Lines of one of the other listings, in any order; the answer is the last one and the first one.

    A level has every length above those of the level below, so that copying is learnt at any length."""

    name: ClassVar[str] = "copy_listing"
    about: ClassVar[str] = "copy a listing line by line, then its last and its first line"
    levels: ClassVar[str] = f"level n: more lines than the level below, at most {', '.join(map(str, SIZES))}"
    asks: ClassVar[str] = "Copy these lines and write the last one and the first one without their labels:"
    start: ClassVar[tuple[str, ...]] = ()

    def size_of(self, level: int) -> str:
        return f"at most {super().size_of(level)}"

    def draw(self, random: Random, level: int) -> Listing:
        least = self.size(level - 1) + 1 if level > 1 else 3
        return self.of_size(random, least + pick(random, self.size(level) - least + 1))

    def of_size(self, random: Random, size: int) -> Listing:
        """A listing of `size` lines."""
        kind = families.get(KINDS[pick(random, len(KINDS))])
        lines: list[str] = []
        while len(lines) < size:
            lines += kind.draw(random, 1 + pick(random, 10)).lines
        random.shuffle(lines)
        return Listing(pick(random, len(LABELS)), tuple(lines[:size]))

    def step(self, state: tuple[str, ...], line: str) -> tuple[str, ...]:
        return (*state, line)

    def show(self, state: tuple[str, ...]) -> str:
        return f"{state[-1]} {state[0]}"

    def trace(self, task: Listing) -> list[str]:
        return list(task.labelled())

    def second(self, prompt: str) -> str:
        first, *_, last = lines_of(prompt)
        return f"{last} {first}"

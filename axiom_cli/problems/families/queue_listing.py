"""A queue of numbers."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from axiom_cli.problems.families.listing import LineByLine, grows, lines_of, pick

LONGEST = 5
Queue = tuple[int, ...]


class QueueListing(LineByLine):
    """A number joins at the end; `next` takes the first one away."""

    name: ClassVar[str] = "queue_listing"
    about: ClassVar[str] = "which numbers are in a queue after some joined it and some left"
    asks: ClassVar[str] = (
        "A number joins the end of the queue; next takes the first one away. Run these lines and write the queue, "
        "the first one first:"
    )
    start: ClassVar[Queue] = ()

    def line(self, random: Random, state: Queue, left: int) -> str:
        if grows(random, len(state), LONGEST, left):
            return str(pick(random, 10))
        return "next"

    def step(self, state: Queue, line: str) -> Queue:
        return state[1:] if line == "next" else (*state, int(line))

    def show(self, state: Queue) -> str:
        return " ".join(map(str, state))

    def second(self, prompt: str) -> str:
        """As many of all that joined as did not leave, the last ones."""
        lines = lines_of(prompt)
        joined = [line for line in lines if line != "next"]
        return " ".join(joined[lines.count("next") :])

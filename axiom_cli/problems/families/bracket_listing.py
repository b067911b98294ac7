"""Brackets that open and close, one a line."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from axiom_cli.problems.families.listing import LineByLine, grows, lines_of, pick

CLOSING = {"(": ")", "[": "]", "{": "}"}
DEEPEST = 5


class BracketListing(LineByLine):
    """The state is what closes the brackets that are open, the innermost first."""

    name: ClassVar[str] = "bracket_listing"
    about: ClassVar[str] = "what closes the brackets that are still open after a listing of brackets"
    asks: ClassVar[str] = "Read these lines and write what closes the brackets that are still open, in order:"
    start: ClassVar[str] = ""

    def line(self, random: Random, state: str, left: int) -> str:
        if grows(random, len(state), DEEPEST, left):
            return "([{"[pick(random, 3)]
        return state[0]

    def step(self, state: str, line: str) -> str:
        return CLOSING[line] + state if line in CLOSING else state[1:]

    def show(self, state: str) -> str:
        return " ".join(state)

    def second(self, prompt: str) -> str:
        """Pairs are crossed out until none is left."""
        text = "".join(lines_of(prompt))
        while any(pair in text for pair in ("()", "[]", "{}")):
            text = text.replace("()", "").replace("[]", "").replace("{}", "")
        return " ".join(CLOSING.get(sign, sign) for sign in reversed(text))

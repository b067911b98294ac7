"""The path of a worked answer: its steps, so that two ways of writing one chain of thought are the same.

A step is a line or a sentence of the reasoning. Of a step count its words, numbers, operators and brackets, in order.
docs/metrics.md has the rule.
"""

from __future__ import annotations

import re
from itertools import groupby

from axiom_cli.problems.plain_text import fold
from axiom_cli.problems.reasoning import reasoning

MARKER = re.compile(r"^\s*(?:[-•*#>]+\s+|\d{1,3}[.)]\s+|step\s+\d{1,3}\s*[.):]?\s*)+")
"""What a list or a heading puts in front of a line."""
SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
OPERATORS = str.maketrans({"×": "*", "·": "*", "⋅": "*", "÷": "/"})
EMPHASIS = re.compile(r"\*\*|__")
PIECE = re.compile(r"(?P<number>\d+(?:\.\d+)?)|[^\W\d_]+|[-+*/^%=<>()\[\]{}]")


def path(text: str) -> tuple[str, ...] | None:
    """The steps of the reasoning in a completion, normalised; None for one that does not reason."""
    thought = EMPHASIS.sub("", fold(reasoning(text)).translate(OPERATORS)).casefold()
    lines = (MARKER.sub("", line) for line in thought.split("\n"))
    steps = (" ".join(map(_value, PIECE.finditer(step))) for line in lines for step in SENTENCE_END.split(line))
    return tuple(step for step, _ in groupby(filter(None, steps))) or None


def _value(piece: re.Match[str]) -> str:
    """A number by its value, so that 7.0 and 007 are 7; anything else as it stands."""
    if not piece["number"]:
        return piece[0]
    whole, _, decimals = piece[0].partition(".")
    decimals = decimals.rstrip("0")
    return (whole.lstrip("0") or "0") + f".{decimals}" * bool(decimals)

"""Finds runs and codes by regular expressions."""

from __future__ import annotations

import re
from itertools import groupby


def _encoded(text: str, *, first: bool) -> str:
    pieces = [(char, str(sum(1 for _ in run))) for char, run in groupby(text)]
    return "".join(length + char if first else char + length for char, length in pieces)


def _decoded(text: str, *, first: bool) -> str:
    pairs = re.findall(r"(\d)([a-z])" if first else r"([a-z])(\d)", text)
    return "".join(b * int(a) if first else a * int(b) for a, b in pairs)


def answer(prompt: str) -> str:
    """The strings in code, out of code, or the digits after the steps."""
    iteration = re.search(r"Start with (\d+)\. .* after (\d+) step", prompt)
    if iteration:
        text = iteration.group(1)
        for _ in range(int(iteration.group(2))):
            text = re.sub(r"(\d)\1*", lambda pairs: f"{len(pairs.group())}{pairs.group(1)}", text)
        return text
    first = "length and then the letter" in prompt
    turn = _encoded if "Encode" in prompt else _decoded
    return " ".join(turn(text, first=first) for text in prompt.rpartition(": ")[2].split())

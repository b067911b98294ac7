"""Decides for each number separately whether it is in the set, by evaluating the innermost parentheses first."""

from __future__ import annotations

import re

_IN = {"|": {"01", "10", "11"}, "&": {"11"}, "-": {"10"}, "^": {"01", "10"}}


def _holds(expression: str, number: str, sets: dict[str, list[str]]) -> bool:
    text = re.sub(r"[A-Z]", lambda found: str(int(number in sets[found.group()])), f"({expression})")
    while "(" in text:
        text = re.sub(r"\((\d) (\S) (\d)\)", lambda found: str(int(found[1] + found[3] in _IN[found[2]])), text)
    return text == "1"


def answer(prompt: str) -> str:
    """The numbers in the set, ascending."""
    sets = {name: listed.split(", ") for name, listed in re.findall(r"([A-Z]) = \{([^}]*)\}", prompt)}
    expression = prompt.partition("numbers are in ")[2].partition("?")[0]
    met = sorted({number for listed in sets.values() for number in listed}, key=int)
    return " ".join(number for number in met if _holds(expression, number, sets))

"""Carries the fraction along unreduced, and lets the standard library reduce it at the end."""

from __future__ import annotations

import re
from fractions import Fraction


def answer(prompt: str) -> str:
    """The result of all steps."""
    start, steps = re.fullmatch(r"Start with (\S+) and do in order: (.+)\. Give .+", prompt).groups()  # type: ignore[union-attr]
    top, bottom = map(int, start.split("/"))
    for step in steps.split("; "):
        verb, a, b = re.fullmatch(r"(\w+)(?: by)? (\d+)/(\d+)", step).groups()  # type: ignore[union-attr]
        p, q = int(a), int(b)
        if verb in ("add", "subtract"):
            top, bottom = top * q + (p if verb == "add" else -p) * bottom, bottom * q
        elif verb in ("multiply", "divide"):
            p, q = (p, q) if verb == "multiply" else (q, p)
            top, bottom = top * p, bottom * q
        else:
            raise ValueError(verb)
    return str(Fraction(top, bottom))

"""Rewrites with one regular expression that holds all left sides."""

from __future__ import annotations

import re


def answer(prompt: str) -> str:
    """The string after the steps asked for."""
    rules = dict(re.findall(r"(\w+) -> (\w+)", prompt))
    text = re.search(r"Start with (\w+)", prompt).group(1)  # type: ignore[union-attr]
    limit = re.search(r"after (\d+) steps", prompt)
    left_sides = re.compile("|".join(rules))
    changed, steps = 1, 0
    while changed and not (limit and steps == int(limit.group(1))):
        text, changed = left_sides.subn(lambda match: rules[match.group()], text, count=1)
        steps += changed
    return text

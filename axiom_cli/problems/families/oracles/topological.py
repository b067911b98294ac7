"""Goes through the permutations in alphabetical order and gives the first that keeps every constraint."""

from __future__ import annotations

import re


def _orders(placed: str, left: str, pairs: list[tuple[str, str]]) -> str | None:
    """The first order that begins with `placed` and keeps the pairs; a beginning that breaks one is not extended."""
    if any(second in placed and first not in placed[: placed.index(second)] for first, second in pairs):
        return None
    if not left:
        return placed
    for name in left:
        order = _orders(placed + name, left.replace(name, ""), pairs)
        if order:
            return order
    return None


def answer(prompt: str) -> str:
    """The letters in order."""
    names = re.search(r"tasks ([A-Z ]+) in order", prompt).group(1).split()  # type: ignore[union-attr]
    pairs = re.findall(r"([A-Z]) before ([A-Z])", prompt)
    return " ".join(_orders("", "".join(sorted(names)), pairs) or "")

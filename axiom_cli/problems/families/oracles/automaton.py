"""Computes with the cells as numbers by position."""

from __future__ import annotations

import re


def _born(prompt: str) -> set[int]:
    """The neighborhoods, read as binary numbers, that give 1."""
    numbered = re.search(r"by rule (\d+)", prompt)
    if numbered:
        return {code for code in range(8) if int(numbered.group(1)) // 2**code % 2}
    return {int(three, 2) for three, new in re.findall(r"([01]{3}) gives ([01])", prompt) if new == "1"}


def answer(prompt: str) -> str:
    """The row after the steps."""
    row, count = re.search(r"Start with ([01]+)\. .* after (\d+) step", prompt).groups()  # type: ignore[union-attr]
    born, width, ring = _born(prompt), len(row), "ring" in prompt
    alive = {place for place, cell in enumerate(row) if cell == "1"}
    for _ in range(int(count)):
        codes = dict.fromkeys(range(width), 0)
        for place in alive:
            for shift, weight in ((-1, 1), (0, 2), (1, 4)):
                at = (place + shift) % width if ring else place + shift
                if at in codes:
                    codes[at] += weight
        alive = {place for place, code in codes.items() if code in born}
    return "".join(str(int(place in alive)) for place in range(width))

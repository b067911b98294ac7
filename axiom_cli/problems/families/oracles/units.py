"""Measures every unit by the smallest one, as exact fractions."""

from __future__ import annotations

import re
from fractions import Fraction


def _weights(ratios_text: str) -> dict[str, Fraction]:
    """The size of each unit, with the first one as 1, propagated along the ratios until all are known."""
    ratios = [(big, int(n), small) for big, n, small in re.findall(r"1 (\w+) = (\d+) (\w+)", ratios_text)]
    sizes = {ratios[0][0]: Fraction(1)}
    while len(sizes) <= len(ratios):
        for big, n, small in ratios:
            if big in sizes:
                sizes[small] = sizes[big] / n
            elif small in sizes:
                sizes[big] = sizes[small] * n
    return sizes


def answer(prompt: str) -> str:
    """The number of the smallest unit, or the mixed amount with the largest units taken first."""
    ratios_text, question, *_ = prompt.split(". ")
    sizes = _weights(ratios_text)
    question_text = question.partition("?")[0]
    left = sum(
        (int(n) * sizes[unit] for n, unit in re.findall(r"(\d+) (\w+)", question_text) if unit in sizes), Fraction(0)
    )
    units = sorted(sizes, key=sizes.__getitem__, reverse=True)
    if "How many" in question_text:
        return str(left / sizes[units[-1]])
    parts = []
    for unit in units:
        count = left // sizes[unit]
        left -= count * sizes[unit]
        parts.append(f"{count} {unit}")
    return " ".join(parts)

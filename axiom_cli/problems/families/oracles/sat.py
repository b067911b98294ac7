"""Keeps the set of all assignments that are left, as bits, and lets each clause strike out its own."""

from __future__ import annotations

import re


def column(place: int, count: int) -> int:
    """The assignments that have variable `place` true: alternating runs of 2**place zeros and ones."""
    run = (1 << (1 << place)) - 1 << (1 << place)
    width = 2 << place
    while width < 1 << count:
        run |= run << width
        width *= 2
    return run


def answer(prompt: str) -> str:
    """The assignment in alphabetical order. Raises ValueError unless exactly one is left."""
    clauses = prompt.partition("): ")[2].partition(". ")[0]
    variables = sorted(set(re.findall(r"\b[a-z]\b", clauses)))
    true = {name: column(place, len(variables)) for place, name in enumerate(variables)}
    everything = left = (1 << (1 << len(variables))) - 1
    for clause in clauses.split(", "):
        satisfied = 0
        for literal in clause.split("|"):
            those = true[literal.removeprefix("!")]
            satisfied |= everything ^ those if literal.startswith("!") else those
        left &= satisfied
    if left.bit_count() != 1:
        raise ValueError("not exactly one assignment")
    solution = left.bit_length() - 1
    return " ".join(str(solution >> place & 1) for place in range(len(variables)))

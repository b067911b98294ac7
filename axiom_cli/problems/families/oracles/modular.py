"""Calculates with whole numbers and takes the remainder once at the end; tries every x of a congruence."""

from __future__ import annotations

import re


def _walk(modulus: int, start: int, steps: str) -> int:
    value = start
    for step in steps.split("; "):
        verb, _, rest = step.partition(" ")
        if verb == "square":
            value **= 2
            continue
        number = int(rest.removeprefix("by "))
        value = {"add": value + number, "subtract": value - number, "multiply": value * number}[verb]
    return value % modulus


def _only(solutions: list[int]) -> int:
    (number,) = solutions
    return number


def answer(prompt: str) -> str:
    """The remainder, or the x."""
    if walk := re.fullmatch(r"Calculate modulo (\d+) .+: start with (\d+) and do in order: (.+)", prompt):
        return str(_walk(int(walk[1]), int(walk[2]), walk[3]))
    numbers = [int(text) for text in re.findall(r"\d+", prompt)]
    if prompt.startswith("Which x"):
        _, last, factor, addend, right, modulus = numbers
        return str(_only([x for x in range(last + 1) if (factor * x + addend - right) % modulus == 0]))
    base, exponent, *line, modulus = numbers
    factor, addend = line or (1, 0)
    return str((base**exponent * factor + addend) % modulus)

"""Understands list operations from their words."""

from __future__ import annotations

import math
import re
from bisect import insort
from collections.abc import Callable
from typing import Any


def merge_sorted(numbers: list[int]) -> list[int]:
    out: list[int] = []
    for number in numbers:
        insort(out, number)
    return out


def _step(words: str, numbers: list[int]) -> list[int]:
    """One list operation, understood from its words."""
    match = re.search(r"\d+", words)
    k = int(match.group()) if match else 0
    if "ascending" in words:
        return merge_sorted(numbers)
    if "descending" in words:
        return list(reversed(merge_sorted(numbers)))
    if words.startswith("reverse"):
        return [numbers[-place] for place in range(1, len(numbers) + 1)]
    if "even" in words or "odd" in words:
        return list(filter(lambda number: bool(number & 1) == ("odd" in words), numbers))
    if "above" in words or "greater" in words:
        return list(filter(k.__lt__, numbers))
    if "below" in words or "less than" in words:
        return list(filter(k.__gt__, numbers))
    if words.startswith("add"):
        return list(map(k.__add__, numbers))
    if "drop the first" in words:
        return [number for place, number in enumerate(numbers) if place >= k]
    if "drop the last" in words:
        return [number for place, number in enumerate(numbers) if place < len(numbers) - k]
    return numbers + _found(words, numbers) if words.startswith("append") else numbers


def _found(words: str, numbers: list[int]) -> list[int]:
    if "sum" in words:
        return [int(math.fsum(numbers))]
    ordered = merge_sorted(numbers)
    return ordered[-1:] if "maximum" in words or "largest" in words else ordered[:1]


def answer(prompt: str) -> str:
    """The list after all steps."""
    numbers, steps = re.fullmatch(r"Take the list (.+) and do in order: (.+)", prompt).groups()  # type: ignore[union-attr]
    value = [int(number) for number in numbers.split()]
    for words in steps.split("; "):
        value = _step(words, value)
    return " ".join(map(str, value))


def _opened(words: str, numbers: list[int]) -> list[int]:
    """What a program does first."""
    k = int((re.findall(r"-?\d+", words.partition(", ")[0].partition(" (")[0].removesuffix(" - x")) or [0])[-1])
    if "replace every number" in words:
        return [sorted((number, k))[0 if "greater" in words else 1] for number in numbers]
    if "its index" in words:
        return [number + sum([k] * place) for place, number in enumerate(numbers)]
    if words.startswith("subtract"):
        return list(map((-k).__add__, numbers))
    if words.startswith("multiply"):
        return list(map(k.__mul__, numbers))
    if words.startswith("divide"):
        return [(number - number % k) // k for number in numbers]
    if words.endswith("- x"):
        return [-(number - k) for number in numbers]
    if words.startswith("remove"):
        return [number for number in numbers if math.gcd(number, k) != k]
    if words.startswith("move"):
        return [numbers[(place + k) % len(numbers)] for place in range(len(numbers))] if k < len(numbers) else numbers
    return [number for number in numbers for _ in range(k)]


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of any list."""
    steps = re.search(r"does in order: (.+)\.(?:\n|$)", prompt).group(1)  # type: ignore[union-attr]

    def solve(numbers: list[int]) -> Any:
        first, *others = steps.split("; ")
        numbers = _opened(first, numbers)
        for words in others:
            numbers = _step(words, numbers)
        return numbers

    return solve

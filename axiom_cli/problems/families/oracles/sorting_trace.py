"""Computes the result of passes and steps directly, without single swaps."""

from __future__ import annotations

import re
from collections import deque


def _bubbled(numbers: list[int]) -> list[int]:
    """One pass carries the greatest number so far along."""
    carried, out = numbers[0], []
    for number in numbers[1:]:
        out.append(min(carried, number))
        carried = max(carried, number)
    return [*out, carried]


def _selected(numbers: list[int], k: int) -> list[int]:
    for place in range(k):
        rest = range(place, len(numbers))
        at = min(rest, key=lambda index: (numbers[index], index))
        order = {place: at, at: place}
        numbers = [numbers[order.get(index, index)] for index in range(len(numbers))]
    return numbers


def _partitioned(numbers: list[int]) -> list[int]:
    """Each number less than the pivot sends the first of the others to their end."""
    *before, pivot = numbers
    less, others = [], deque[int]()
    for number in before:
        if number < pivot:
            less.append(number)
            others.rotate(-1)
        else:
            others.append(number)
    others.rotate(-1)
    return [*less, pivot, *others]


def answer(prompt: str) -> str:
    """The list after k passes or steps."""
    listed, count = re.search(r"the list ([\d ]+) as it is after (\d+)", prompt).groups()  # type: ignore[union-attr]
    numbers, k = [int(number) for number in listed.split()], int(count)
    if "bubble" in prompt:
        for _ in range(k):
            numbers = _bubbled(numbers)
    elif prompt.startswith("Insertion"):
        numbers = sorted(numbers[: k + 1]) + numbers[k + 1 :]
    elif "selection" in prompt:
        numbers = _selected(numbers, k)
    elif "partition" in prompt:
        numbers = _partitioned(numbers)
    else:
        size = 2**k
        numbers = [number for at in range(0, len(numbers), size) for number in sorted(numbers[at : at + size])]
    return " ".join(map(str, numbers))

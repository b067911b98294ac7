"""The intermediate states of sorting algorithms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family


@dataclass(frozen=True)
class Stopped:
    """A sort of `numbers` that is stopped after `k` of its passes or steps."""

    kind: str
    numbers: tuple[int, ...]
    k: int


def _text(numbers: Sequence[int]) -> str:
    return " ".join([str(number) for number in numbers])


def bubble(xs: list[int], k: int) -> Iterator[str]:
    """Sorts `xs` in place and yields after each change what was done, like all functions in SORTS."""
    for number in range(1, k + 1):
        for place in range(1, len(xs)):
            left, right = xs[place - 1], xs[place]
            if left > right:
                xs[place - 1], xs[place] = right, left
                yield f"{left} > {right}"
        yield f"pass {number}"


def insertion(xs: list[int], k: int) -> Iterator[str]:
    for place in range(1, k + 1):
        number = xs.pop(place)
        at = place
        while at and xs[at - 1] > number:
            at -= 1
        xs.insert(at, number)
        yield f"insert {number}"


def selection(xs: list[int], k: int) -> Iterator[str]:
    for place in range(k):
        first, smallest = xs[place], min(xs[place:])
        at = xs.index(smallest, place)
        xs[place], xs[at] = smallest, first
        yield f"smallest {smallest}, swap with {first}"


def partition(xs: list[int], k: int) -> Iterator[str]:
    pivot, i = xs[-1], 0
    for place, number in enumerate(xs[:-1]):
        if number < pivot:
            xs[place], xs[i] = xs[i], number
            i += 1
            yield f"{number} < {pivot}, to place {i}"
    xs[-1], xs[i] = xs[i], pivot
    yield f"pivot {pivot} to place {i + 1}"


def merging(xs: list[int], k: int) -> Iterator[str]:
    for exponent in range(k):
        size = 2**exponent
        for start in range(0, len(xs) - size, 2 * size):
            blocks = xs[start : start + size], xs[start + size : start + 2 * size]
            xs[start : start + 2 * size] = sorted(blocks[0] + blocks[1])
            yield f"merge {_text(blocks[0])} with {_text(blocks[1])}"


SORTS: dict[str, Callable[[list[int], int], Iterator[str]]] = {
    "bubble": bubble,
    "insertion": insertion,
    "selection": selection,
    "partition": partition,
    "merging": merging,
}
KINDS = tuple(SORTS)
RULES = {
    "bubble": "A pass of bubble sort compares each number with the next one, from left to right, and swaps the two if "
    "the left one is greater.",
    "insertion": "Insertion sort takes the second number, then the third and so on, and moves each to the left past "
    "all greater numbers before it.",
    "selection": "Step s of selection sort swaps the number at place s (from 1) with the smallest of the numbers from "
    "place s on, the leftmost one where they are equal.",
    "partition": "To partition a list, let p be its last number and i = 1. Go through the numbers before p from left "
    "to right: swap each that is less than p with the one at place i (from 1) and add 1 to i. Then swap p with the one "
    "at place i.",
    "merging": "Pass s of merge sort (from 1) cuts the list from the left into blocks of 2^(s-1) numbers and merges "
    "the first with the second, the third with the fourth and so on in ascending order. What is left over stays.",
}
COUNTED = {
    "bubble": ("pass", "passes"),
    "insertion": ("insertion", "insertions"),
    "selection": ("step", "steps"),
    "partition": ("partition", "partitions"),
    "merging": ("pass", "passes"),
}
QUESTIONS = {
    (kind, k): f"as it is after {k} {COUNTED[kind][k > 1]}, numbers separated by spaces."
    for kind in KINDS
    for k in range(1, 10)
}


def _many(kind: str, level: int) -> int:
    """The number of passes or steps, too few to sort most lists of level + 3 numbers."""
    if kind == "bubble":
        return 1 + level // 4
    if kind == "merging":
        return 1 + (level > 3) + (level > 7)
    return 1 if kind == "partition" else 1 + level // 2


def _after(task: Stopped) -> list[int]:
    numbers = list(task.numbers)
    for _ in SORTS[task.kind](numbers, task.k):
        pass
    return numbers


class SortingTrace(Family):
    """Bubble, insertion, selection and merge sort, and quicksort's partition, stopped before the end."""

    name: ClassVar[str] = "sorting_trace"
    about: ClassVar[str] = "a list after some passes or steps of a stated sorting algorithm"
    levels: ClassVar[str] = (
        "level n: n + 3 numbers up to 10n + 10 or 99; 1 + n // 4 passes of bubble sort, 1 + n // 2 insertions or "
        "selections, 1 to 3 passes of merge sort, or one partition"
    )

    def draw(self, random: Random, level: int) -> Stopped:
        kind = KINDS[int(random.random() * len(KINDS))]
        k, largest = _many(kind, level), min(99, 10 * level + 10)
        while True:
            numbers = [1 + int(random.random() * largest) for _ in range(level + 3)]
            task = Stopped(kind, tuple(numbers), k)
            if _after(task) not in (numbers, sorted(numbers)):
                return task

    def statement(self, task: Stopped) -> str:
        return f"{RULES[task.kind]} Write the list {_text(task.numbers)} {QUESTIONS[task.kind, task.k]}"

    def answer(self, task: Stopped) -> str:
        return _text(_after(task))

    def trace(self, task: Stopped) -> list[str]:
        numbers = list(task.numbers)
        return [f"{what}: {_text(numbers)}" for what in SORTS[task.kind](numbers, task.k)]

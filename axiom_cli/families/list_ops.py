"""Lists of numbers put through several operations in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import ClassVar

from axiom_cli.families.family import Family

LARGEST = 60


@dataclass(frozen=True)
class Operation:
    """One step: how it is worded (`{k}` is its parameter), what it does, and the parameter's range if it has one.

    `code` is the same step as Python over a list `xs`; an operation that `ends` turns the list into one number.
    """

    wording: str
    apply: Callable[[list[int], int], list[int]]
    code: str
    k: tuple[int, int] = (0, 0)
    ends: bool = False


OPERATIONS: tuple[Operation, ...] = (
    Operation("sort ascending", lambda xs, k: sorted(xs), "sorted(xs)"),
    Operation("sort descending", lambda xs, k: sorted(xs, reverse=True), "sorted(xs, reverse=True)"),
    Operation("reverse", lambda xs, k: xs[::-1], "xs[::-1]"),
    Operation("keep even", lambda xs, k: [x for x in xs if x % 2 == 0], "[x for x in xs if x % 2 == 0]"),
    Operation("keep odd", lambda xs, k: [x for x in xs if x % 2 == 1], "[x for x in xs if x % 2 == 1]"),
    Operation("keep above {k}", lambda xs, k: [x for x in xs if x > k], "[x for x in xs if x > {k}]", (5, 45)),
    Operation("keep below {k}", lambda xs, k: [x for x in xs if x < k], "[x for x in xs if x < {k}]", (15, 55)),
    Operation("add {k}", lambda xs, k: [x + k for x in xs], "[x + {k} for x in xs]", (1, 9)),
    Operation("drop the first {k}", lambda xs, k: xs[k:], "xs[{k}:]", (1, 3)),
    Operation("drop the last {k}", lambda xs, k: xs[:-k], "xs[:-{k}]", (1, 3)),
    Operation("sum", lambda xs, k: [sum(xs)], "sum(xs)", ends=True),
    Operation("maximum", lambda xs, k: [max(xs)], "max(xs)", ends=True),
    Operation("minimum", lambda xs, k: [min(xs)], "min(xs)", ends=True),
)
MIDDLE = tuple(n for n, operation in enumerate(OPERATIONS) if not operation.ends)
ENDING = tuple(n for n, operation in enumerate(OPERATIONS) if operation.ends)


@dataclass(frozen=True)
class Pipeline:
    """A list of numbers and the steps to take: (index into OPERATIONS, parameter)."""

    numbers: tuple[int, ...]
    steps: tuple[tuple[int, int], ...]


def words(step: tuple[int, int]) -> str:
    """The step as the statement words it."""
    return OPERATIONS[step[0]].wording.format(k=step[1])


def states(task: Pipeline) -> list[list[int]]:
    """The list after each step."""
    out, numbers = [], list(task.numbers)
    for index, k in task.steps:
        numbers = OPERATIONS[index].apply(numbers, k)
        out.append(numbers)
    return out


def _text(numbers: list[int] | tuple[int, ...]) -> str:
    return " ".join(map(str, numbers))


class ListOps(Family):
    """Sorts, filters, shifts and aggregates, several in a row."""

    name: ClassVar[str] = "list_ops"
    about: ClassVar[str] = "sort, reverse, filter, shift, cut and aggregate a list, several operations in order"
    levels: ClassVar[str] = "level n: a list of n + 3 numbers from 0 to 60, and 1 + n // 2 operations"

    def draw(self, random: Random, level: int) -> Pipeline:
        numbers = [int(random.random() * (LARGEST + 1)) for _ in range(level + 3)]
        left, steps = numbers, []
        for remaining in range(1 + level // 2, 0, -1):
            last = remaining == 1
            step = self._step(random, left, last, steps)
            steps.append(step)
            left = OPERATIONS[step[0]].apply(left, step[1])
        return Pipeline(tuple(numbers), tuple(steps))

    @staticmethod
    def _step(random: Random, numbers: list[int], last: bool, before: list[tuple[int, int]]) -> tuple[int, int]:
        """A step that changes the list, leaves something of it, and was not the one before."""
        while True:
            index = random.choice(ENDING if last and random.random() < 0.5 else MIDDLE)
            k = random.randint(*OPERATIONS[index].k)
            if before and before[-1][0] == index:
                continue
            left = OPERATIONS[index].apply(numbers, k)
            if len(left) >= (1 if last else 2) and (left != numbers or len(numbers) == 2):
                return index, k

    def statement(self, task: Pipeline) -> str:
        return f"Take the list {_text(task.numbers)} and do in order: {'; '.join(map(words, task.steps))}"

    def answer(self, task: Pipeline) -> str:
        return _text(states(task)[-1])

    def trace(self, task: Pipeline) -> list[str]:
        lines, numbers = [], list(task.numbers)
        for step, left in zip(task.steps, states(task), strict=True):
            shown = accumulate(numbers) if OPERATIONS[step[0]].wording == "sum" else left
            lines.append(f"{words(step)}: {_text(list(shown))}")
            numbers = left
        return lines

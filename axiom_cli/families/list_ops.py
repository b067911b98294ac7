"""Lists of numbers put through several operations in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import ClassVar

from axiom_cli.families.family import LEVELS, Exercise, Family

LARGEST = 20


@dataclass(frozen=True)
class Operation:
    """One step: how it is worded (`{k}` is its parameter), what it does, and the parameter's range if it has one.

    `code` is the same step as Python over a list `xs`, and `meaning` says it in full for any list of integers, empty
    ones too. An operation that `ends` comes last. The aggregates keep the list in front of what they find: a lone
    maximum would often be right after wrong steps, and accept wrong reasoning.
    """

    wording: str
    apply: Callable[[list[int], int], list[int]]
    code: str
    meaning: str
    k: tuple[int, int] = (0, 0)
    ends: bool = False


OPERATIONS: tuple[Operation, ...] = (
    Operation("sort ascending", lambda xs, k: sorted(xs), "sorted(xs)", "sort it in ascending order"),
    Operation(
        "sort descending",
        lambda xs, k: sorted(xs, reverse=True),
        "sorted(xs, reverse=True)",
        "sort it in descending order",
    ),
    Operation("reverse", lambda xs, k: xs[::-1], "xs[::-1]", "reverse it"),
    Operation(
        "keep even",
        lambda xs, k: [x for x in xs if x % 2 == 0],
        "[x for x in xs if x % 2 == 0]",
        "keep only the even numbers",
    ),
    Operation(
        "keep odd",
        lambda xs, k: [x for x in xs if x % 2 == 1],
        "[x for x in xs if x % 2 == 1]",
        "keep only the odd numbers",
    ),
    Operation(
        "keep above {k}",
        lambda xs, k: [x for x in xs if x > k],
        "[x for x in xs if x > {k}]",
        "keep only the numbers greater than {k}",
        (3, 15),
    ),
    Operation(
        "keep below {k}",
        lambda xs, k: [x for x in xs if x < k],
        "[x for x in xs if x < {k}]",
        "keep only the numbers less than {k}",
        (6, 18),
    ),
    Operation(
        "add {k}", lambda xs, k: [x + k for x in xs], "[x + {k} for x in xs]", "add {k} to every number", (1, 9)
    ),
    Operation(
        "drop the first {k}",
        lambda xs, k: xs[k:],
        "xs[{k}:]",
        "drop the first {k} of its numbers (all of them where there are fewer)",
        (1, 3),
    ),
    Operation(
        "drop the last {k}",
        lambda xs, k: xs[:-k],
        "xs[:-{k}]",
        "drop the last {k} of its numbers (all of them where there are fewer)",
        (1, 3),
    ),
    Operation(
        "append the sum",
        lambda xs, k: [*xs, sum(xs)],
        "[*xs, sum(xs)]",
        "append the sum of its numbers (0 to an empty list)",
        ends=True,
    ),
    Operation(
        "append the maximum",
        lambda xs, k: [*xs, max(xs)],
        "[*xs, max(xs)] if xs else xs",
        "append the largest of its numbers (nothing to an empty list)",
        ends=True,
    ),
    Operation(
        "append the minimum",
        lambda xs, k: [*xs, min(xs)],
        "[*xs, min(xs)] if xs else xs",
        "append the smallest of its numbers (nothing to an empty list)",
        ends=True,
    ),
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
    levels: ClassVar[str] = "level n: a list of n + 3 numbers from 0 to 20, and 1 + n // 2 operations"
    forms: ClassVar[tuple[str, ...]] = ("answer", "program")

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
            if OPERATIONS[step[0]].wording == "append the sum":
                lines.append(f"sums: {_text(list(accumulate(numbers)))}")
            lines.append(f"{words(step)}: {_text(left)}")
            numbers = left
        return lines

    def shared(self, task: Pipeline, level: int, form: str) -> Sequence[int]:
        """A program is about any list, so that only the number of operations tells its level."""
        return (level,) if form == "answer" else [other for other in LEVELS if other // 2 == level // 2]

    def exercise(self, task: Pipeline, level: int, random: Random) -> Exercise:
        steps = [(OPERATIONS[index], k) for index, k in task.steps]
        what = [*(operation.meaning.format(k=k) for operation, k in steps), "return the list"]
        signature = "solve(xs: list[int]) -> list[int]"
        body = "".join(f"    xs = {operation.code.format(k=k)}\n" for operation, k in steps)
        return Exercise(
            "solve",
            signature,
            f"takes a list of integers and does in order: {'; '.join(what)}.",
            f"def {signature}:\n{body}    return xs\n",
            _any_list,
            tuple([numbers] for numbers in _edges([k for _, k in task.steps])),
            (*what,),
        )


def _any_list(random: Random) -> list[list[int]]:
    """One argument: up to 18 integers, often near each other so that equal ones occur, sometimes negative."""
    low, high = random.choice(((0, LARGEST), (0, LARGEST), (-LARGEST, LARGEST), (-3, 8), (8, 3 * LARGEST)))
    return [[random.randint(low, high) for _ in range(random.randint(4, 18))]]


def _edges(parameters: list[int]) -> list[list[int]]:
    """Lists that are empty, short, of equal numbers, negative, in order, or around the steps' parameters."""
    around = [k + shift for k in parameters for shift in (1, -1, 0, 2)]
    lists = [[], [0], [33, 32], [7, 7, 7, 7, 7], [-4, -3, -2, -1, -9, -8], [20, 21, 22, 23, 24, 25, 26, 27], around]
    return [numbers for place, numbers in enumerate(lists) if numbers not in lists[:place]]

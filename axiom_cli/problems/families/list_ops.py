"""Lists of numbers to which several operations are applied in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import LEVELS, Exercise, Family
from axiom_cli.problems.families.list_operations import OPENINGS, OPERATIONS, Operation

LARGEST = 20
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
    """Sorts, filters, shifts and aggregates, several steps in sequence."""

    name: ClassVar[str] = "list_ops"
    about: ClassVar[str] = "sort, reverse, filter, shift, cut and aggregate a list, several operations in order"
    levels: ClassVar[str] = (
        "level n: a list of n + 3 numbers from 0 to 20, and 1 + n // 2 operations, 2 + n // 2 in the program form"
    )
    forms: ClassVar[tuple[str, ...]] = ("answer", "program")

    def draw(self, random: Random, level: int) -> Pipeline:
        numbers = [int(random.random() * (LARGEST + 1)) for _ in range(level + 3)]
        left, steps = numbers, list[tuple[int, int]]()
        for remaining in range(1 + level // 2, 0, -1):
            last = remaining == 1
            step = self._step(random, left, steps, last=last)
            steps.append(step)
            left = OPERATIONS[step[0]].apply(left, step[1])
        return Pipeline(tuple(numbers), tuple(steps))

    @staticmethod
    def _step(random: Random, numbers: list[int], before: list[tuple[int, int]], *, last: bool) -> tuple[int, int]:
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
        """A program works on any list, so only the number of operations depends on the level."""
        return (level,) if form == "answer" else [other for other in LEVELS if other // 2 == level // 2]

    def exercise(self, task: Pipeline, level: int, random: Random) -> Exercise:
        steps = [(OPERATIONS[index], k) for index, k in task.steps]
        steps.insert(0, _opening(steps, random))
        what = [*(operation.meaning.format(k=k) for operation, k in steps), "return the list"]
        signature = "solve(xs: list[int]) -> list[int]"
        body = "".join(f"    xs = {operation.code.format(k=k)}\n" for operation, k in steps)
        return Exercise(
            "solve",
            signature,
            f"takes a list of integers and does in order: {'; '.join(what)}.",
            f"def {signature}:\n{body}    return xs\n",
            _any_list,
            tuple([numbers] for numbers in _edges([k for _, k in steps])),
            (*what,),
        )


Chosen = tuple[Operation, int]


def _opening(steps: Sequence[Chosen], random: Random) -> Chosen:
    """An operation before the others that changes the result for at least a third of the lists."""
    while True:
        operation = random.choice(OPENINGS)
        k = random.randint(*operation.k)
        if sum(_run(steps, operation.apply(xs, k)) != _run(steps, xs) for xs in SAMPLES) >= len(SAMPLES) // 3:
            return operation, k


def _run(steps: Sequence[Chosen], numbers: list[int]) -> list[int]:
    for operation, k in steps:
        numbers = operation.apply(numbers, k) if numbers else numbers
    return numbers


def _any_list(random: Random) -> list[list[int]]:
    """One argument: up to 18 integers, often close together so that equal ones occur, sometimes negative."""
    low, high = random.choice(((0, LARGEST), (0, LARGEST), (-LARGEST, LARGEST), (-3, 8), (8, 3 * LARGEST)))
    return [[random.randint(low, high) for _ in range(random.randint(4, 18))]]


def _edges(parameters: list[int]) -> list[list[int]]:
    """Lists that are empty, short, of equal numbers, negative, in order, or around the steps' parameters."""
    around = [k + shift for k in parameters for shift in (1, -1, 0, 2)]
    lists = [[], [0], [33, 32], [7, 7, 7, 7, 7], [-4, -3, -2, -1, -9, -8], [20, 21, 22, 23, 24, 25, 26, 27], around]
    return [numbers for place, numbers in enumerate(lists) if numbers not in lists[:place]]


SAMPLES = tuple(_any_list(Random(f"sample/{n}"))[0] for n in range(12))

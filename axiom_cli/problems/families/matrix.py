"""Small matrices to which several operations are applied in order."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

Rows = list[list[int]]
# The lines that move entries as a whole stand first: two of them in a row would be one, or none.
TURNS = ("transpose", "rotate clockwise", "rotate counterclockwise")
KINDS = (*TURNS, "swap rows", "swap columns", "add", "multiply row", "add row", "matrix", "vector")


@dataclass(frozen=True)
class Step:
    """One of KINDS with its parameters: row or column numbers from 1, factors, entries."""

    kind: str
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Steps:
    """A matrix, by its rows, and what to do with it."""

    rows: tuple[tuple[int, ...], ...]
    steps: tuple[Step, ...]


def _cut(numbers: tuple[int, ...], width: int) -> Rows:
    return [list(numbers[at : at + width]) for at in range(0, len(numbers), width)]


def _swapped(rows: Rows, i: int, j: int) -> Rows:
    rows = list(rows)
    rows[i - 1], rows[j - 1] = rows[j - 1], rows[i - 1]
    return rows


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _moved(rows: Rows, kind: str) -> Rows:
    if kind == "transpose":
        return _transposed(rows)
    return _transposed(rows[::-1]) if kind == "rotate clockwise" else _transposed(rows)[::-1]


def applied(rows: Rows, step: Step) -> Rows:
    """The matrix after the step."""
    kind, numbers = step.kind, step.numbers
    if kind in TURNS:
        return _moved(rows, kind)
    if kind == "swap rows":
        return _swapped(rows, *numbers)
    if kind == "swap columns":
        return _transposed(_swapped(_transposed(rows), *numbers))
    if kind == "add":
        return [[entry + numbers[0] for entry in row] for row in rows]
    if kind == "matrix":
        others = _cut(numbers, len(rows[0]))
        return [[a + b for a, b in zip(row, other, strict=True)] for row, other in zip(rows, others, strict=True)]
    if kind == "vector":
        return [[sum([a * b for a, b in zip(row, numbers, strict=True)])] for row in rows]
    i, other = numbers
    out = list(rows)
    if kind == "multiply row":
        out[i - 1] = [other * entry for entry in rows[i - 1]]
    else:
        out[other - 1] = [a + b for a, b in zip(rows[i - 1], rows[other - 1], strict=True)]
    return out


def _text(rows: Rows | tuple[tuple[int, ...], ...]) -> str:
    return " / ".join([" ".join([str(entry) for entry in row]) for row in rows])


def _words(step: Step, width: int) -> str:
    """The step for a matrix of that many columns."""
    kind, numbers = step.kind, step.numbers
    if kind in TURNS:
        return kind
    if kind.startswith("swap"):
        return f"{kind} {numbers[0]} and {numbers[1]}"
    if kind == "add":
        return f"add {numbers[0]} to every entry"
    if kind == "multiply row":
        return f"multiply row {numbers[0]} by {numbers[1]}"
    if kind == "add row":
        return f"add row {numbers[0]} to row {numbers[1]}"
    if kind == "matrix":
        return f"add {_text(_cut(numbers, width))}"
    return f"multiply by the column vector ({' '.join([str(number) for number in numbers])})"


def _two(random: Random, size: int) -> tuple[int, int]:
    """Two different numbers from 1 to `size`."""
    first = int(random.random() * size)
    return first + 1, (first + 1 + int(random.random() * (size - 1))) % size + 1


def _numbers(random: Random, kind: str, height: int, width: int) -> tuple[int, ...]:
    if kind in TURNS:
        return ()
    if kind in ("swap rows", "add row"):
        return _two(random, height)
    if kind == "swap columns":
        return _two(random, width)
    if kind == "add":
        return (1 + int(random.random() * 9),)
    if kind == "multiply row":
        return 1 + int(random.random() * height), 2 + int(random.random() * 2)
    count, low, span = (width, 1, 3) if kind == "vector" else (height * width, 0, 6)
    return tuple([low + int(random.random() * span) for _ in range(count)])


def _kind(random: Random, before: str, *, last: bool) -> str:
    """A kind that does not undo or repeat the one before; a vector only at the end."""
    count = len(KINDS) - (not last)
    while True:
        kind = KINDS[int(random.random() * count)]
        if kind != before and not (kind in TURNS and before in TURNS):
            return kind


class Matrix(Family):
    """Transposes, rotates, swaps, adds and multiplies, several steps in sequence."""

    name: ClassVar[str] = "matrix"
    about: ClassVar[str] = "transpose, rotate, swap rows and columns, add and multiply, several operations in order"
    levels: ClassVar[str] = "level n: n operations on a matrix of 2 or 3 rows and columns, 2 by 2 at levels 1 and 2"

    def draw(self, random: Random, level: int) -> Steps:
        height = 2 + (level > 4 or (level > 2 and random.random() < 0.5))
        width = 2 + (level > 6 or (level > 2 and random.random() < 0.5))
        rows = tuple([tuple([int(random.random() * 10) for _ in range(width)]) for _ in range(height)])
        steps, kind = [], ""
        for remaining in range(level, 0, -1):
            kind = _kind(random, kind, last=remaining == 1)
            steps.append(Step(kind, _numbers(random, kind, height, width)))
            if kind in TURNS:
                height, width = width, height
        return Steps(rows, tuple(steps))

    def statement(self, task: Steps) -> str:
        height, width = len(task.rows), len(task.rows[0])
        words = []
        for step in task.steps:
            words.append(_words(step, width))
            if step.kind in TURNS:
                height, width = width, height
        return (
            "Rows, which / separates, and columns count from 1; rotations are by 90 degrees. Take the matrix "
            f"{_text(task.rows)} and do in order: {'; '.join(words)}. Write the resulting rows, with / between them."
        )

    def answer(self, task: Steps) -> str:
        rows = [list(row) for row in task.rows]
        for step in task.steps:
            rows = applied(rows, step)
        return _text(rows)

    def trace(self, task: Steps) -> list[str]:
        lines, rows = [], [list(row) for row in task.rows]
        for step in task.steps:
            words = _words(step, len(rows[0]))
            if step.kind == "vector":
                lines += [" + ".join(f"{a}*{b}" for a, b in zip(row, step.numbers, strict=True)) for row in rows]
            rows = applied(rows, step)
            lines.append(f"{words}: {_text(rows)}")
        return lines

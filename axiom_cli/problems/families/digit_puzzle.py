"""Strings of digits to which several operations are applied in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

SHORTEST = 3
COMPLEMENT = str.maketrans("0123456789", "9876543210")
SHIFTED = [str.maketrans("0123456789", "0123456789"[k:] + "0123456789"[:k]) for k in range(10)]


@dataclass(frozen=True)
class Operation:
    """One step: how it is worded (`{k}` and `{d}` are its parameters), what it does to a string of digits, and the
    range of k if it has one. Where it is about digits that are `present`, k is one of the string and d is any."""

    wording: str
    apply: Callable[[str, int, int], str]
    k: tuple[int, int] = (0, 0)
    present: bool = False


def _sum(text: str) -> int:
    return sum(map(int, text))


def _root(text: str) -> int:
    total = _sum(text)
    while total > 9:
        total = _sum(str(total))
    return total


OPERATIONS: tuple[Operation, ...] = (
    Operation("reverse", lambda text, k, d: text[::-1]),
    Operation("sort ascending", lambda text, k, d: "".join(sorted(text))),
    Operation("sort descending", lambda text, k, d: "".join(sorted(text, reverse=True))),
    Operation("replace every {k} by {d}", lambda text, k, d: text.replace(str(k), str(d)), present=True),
    Operation("remove every {k}", lambda text, k, d: text.replace(str(k), ""), present=True),
    Operation("move the first {k} digits to the end", lambda text, k, d: text[k:] + text[:k], (2, 4)),
    Operation("move the last {k} digits to the front", lambda text, k, d: text[-k:] + text[:-k], (2, 4)),
    Operation("swap the first and the last digit", lambda text, k, d: text[-1] + text[1:-1] + text[0]),
    Operation("replace every digit x by 9 - x", lambda text, k, d: text.translate(COMPLEMENT)),
    Operation("add {k} to every digit modulo 10", lambda text, k, d: text.translate(SHIFTED[k]), (1, 9)),
    Operation("keep of equal digits only the first", lambda text, k, d: "".join(dict.fromkeys(text))),
    Operation("append the sum of the digits", lambda text, k, d: f"{text}{_sum(text)}"),
    Operation("append the digital root", lambda text, k, d: f"{text}{_root(text)}"),
)
ROOT_RULE = " (the digital root: sum the digits, then the digits of the sum, until one digit is left)"


@dataclass(frozen=True)
class Puzzle:
    """A string of digits and the steps to take: (index into OPERATIONS, k, d)."""

    digits: str
    steps: tuple[tuple[int, int, int], ...]


def words(step: tuple[int, int, int]) -> str:
    """The step as the statement words it."""
    return OPERATIONS[step[0]].wording.format(k=step[1], d=step[2])


def states(task: Puzzle) -> list[str]:
    """The string after each step."""
    out, text = [], task.digits
    for index, k, d in task.steps:
        text = OPERATIONS[index].apply(text, k, d)
        out.append(text)
    return out


def _sums(text: str) -> str:
    return " ".join(map(str, accumulate(map(int, text))))


class DigitPuzzle(Family):
    """Reverses, sorts, replaces, removes, rotates and sums digits."""

    name: ClassVar[str] = "digit_puzzle"
    about: ClassVar[str] = "reverse, sort, replace, remove, rotate and sum the digits of a string, several in order"
    levels: ClassVar[str] = "level n: n + 3 digits, and 2 + n // 2 operations"

    def draw(self, random: Random, level: int) -> Puzzle:
        size = level + SHORTEST
        digits = text = str(10**size + int(random.random() * 10**size))[1:]
        steps: list[tuple[int, int, int]] = []
        for _ in range(2 + level // 2):
            step, text = self._step(random, text, steps[-1][0] if steps else -1)
            steps.append(step)
        return Puzzle(digits, tuple(steps))

    @staticmethod
    def _step(random: Random, text: str, before: int) -> tuple[tuple[int, int, int], str]:
        """A step that changes the string, leaves at least two digits, and is not the one before; and what it leaves."""
        while True:
            index = int(random.random() * len(OPERATIONS))
            operation = OPERATIONS[index]
            if index == before:
                continue
            low, high = operation.k
            k = int(random.choice(text)) if operation.present else low + int(random.random() * (high - low + 1))
            d = int(random.random() * 10) if operation.present else 0
            left = operation.apply(text, k, d)
            if len(left) > 1 and left != text:
                return (index, k, d), left

    def statement(self, task: Puzzle) -> str:
        steps = "; ".join(map(words, task.steps))
        rule = ROOT_RULE if "root" in steps else ""
        return f"Take the digits {task.digits} (zeros in front stay) and do in order{rule}: {steps}"

    def answer(self, task: Puzzle) -> str:
        text = task.digits
        for index, k, d in task.steps:
            text = OPERATIONS[index].apply(text, k, d)
        return text

    def trace(self, task: Puzzle) -> list[str]:
        lines, text = [], task.digits
        for step, left in zip(task.steps, states(task), strict=True):
            wording = words(step)
            if wording.startswith("append"):
                lines.append(f"sums: {_sums(text)}")
                if "root" in wording and (total := _sum(text)) > 9:
                    lines.append(f"digits of {total}: {_sums(str(total))}")
                    if (total := _sum(str(total))) > 9:
                        lines.append(f"digits of {total}: {_sums(str(total))}")
            lines.append(f"{wording}: {left}")
            text = left
        return lines

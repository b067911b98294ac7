"""Run-length encoding, decoding, and look-and-say."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

KINDS = ("encode", "decode", "say")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Iterations of look-and-say at each level, and the number of digits it starts from.
SAID = ((1, 5), (1, 7), (1, 9), (2, 5), (2, 7), (2, 9), (3, 6), (3, 7), (3, 9), (4, 7))
CODES = {
    True: "A run-length code writes each run of equal letters as its length and then the letter: aaab becomes 3a1b.",
    False: "A run-length code writes each run of equal letters as the letter and then its length: aaab becomes a3b1.",
}


@dataclass(frozen=True)
class Runs:
    """Strings as runs of (character, length). `first`: the length stands before the letter. `k` counts iterations."""

    kind: str
    strings: tuple[tuple[tuple[str, int], ...], ...]
    first: bool = True
    k: int = 0


def plain(runs: tuple[tuple[str, int], ...]) -> str:
    return "".join([char * length for char, length in runs])


def coded(runs: tuple[tuple[str, int], ...], *, first: bool = True) -> str:
    return "".join([f"{length}{char}" if first else f"{char}{length}" for char, length in runs])


def runs_of(text: str) -> list[str]:
    """The text cut between unequal neighbors."""
    out, start = [], 0
    for place in range(1, len(text) + 1):
        if place == len(text) or text[place] != text[start]:
            out.append(text[start:place])
            start = place
    return out


def say(text: str) -> str:
    """The digits read aloud: how many of each, and which."""
    return "".join([f"{len(run)}{run[0]}" for run in runs_of(text)])


def _other(random: Random, letters: str | list[str], before: str) -> str:
    while (char := letters[int(random.random() * len(letters))]) == before:
        pass
    return char


def _runs(random: Random, count: int, longest: int) -> tuple[tuple[str, int], ...]:
    out, char = [], ""
    few = random.sample(LETTERS, 4)
    for _ in range(count):
        char = _other(random, few, char)
        out.append((char, 1 + int(random.random() * longest)))
    return tuple(out)


def _digits(random: Random, count: int) -> tuple[tuple[str, int], ...]:
    """Runs of one to three digits, `count` digits together."""
    out, char = [], ""
    while count:
        char = _other(random, "123456789", char)
        length = min(count, 1 + int(random.random() * 3))
        out.append((char, length))
        count -= length
    return tuple(out)


class RunLength(Family):
    """Several strings encoded or decoded, or some digits read aloud again and again."""

    name: ClassVar[str] = "run_length"
    about: ClassVar[str] = "run-length encoding and decoding of strings, look-and-say for some iterations"
    levels: ClassVar[str] = (
        "level n: n + 2 runs of up to 4 + n // 3 letters in 1 to 3 strings; or look-and-say, 1 to 4 steps from 5 to 9 "
        "digits"
    )

    def draw(self, random: Random, level: int) -> Runs:
        kind = KINDS[int(random.random() * len(KINDS))]
        if kind == "say":
            k, digits = SAID[level - 1]
            return Runs(kind, (_digits(random, digits),), k=k)
        strings = 1 + (level > 2) + (level > 6)
        sizes = [(level + 2 + place) // strings for place in range(strings)]
        runs = tuple([_runs(random, size, 4 + level // 3) for size in sizes])
        return Runs(kind, runs, random.random() < 0.5)

    def statement(self, task: Runs) -> str:
        if task.kind == "say":
            return (
                "One step replaces each run of equal digits, from left to right, by its length and the digit: 1151 "
                f"becomes 211511. Start with {plain(task.strings[0])}. What are the digits after {task.k} "
                f"step{'s' * (task.k > 1)}?"
            )
        many = len(task.strings) > 1
        shown = [plain(runs) if task.kind == "encode" else coded(runs, first=task.first) for runs in task.strings]
        return (
            f"{CODES[task.first]} {task.kind.capitalize()} "
            f"{'each of these, in order, separated by spaces' if many else 'this'}: {' '.join(shown)}"
        )

    def answer(self, task: Runs) -> str:
        if task.kind == "encode":
            return " ".join([coded(runs, first=task.first) for runs in task.strings])
        if task.kind == "decode":
            return " ".join([plain(runs) for runs in task.strings])
        text = plain(task.strings[0])
        for _ in range(task.k):
            text = say(text)
        return text

    def trace(self, task: Runs) -> list[str]:
        if task.kind == "say":
            return self._said(plain(task.strings[0]), task.k)
        lines = []
        for runs in task.strings:
            for run in runs:
                both = plain((run,)), coded((run,), first=task.first)
                lines.append(" is ".join(both if task.kind == "encode" else both[::-1]))
            lines.append(f"together {coded(runs, first=task.first) if task.kind == 'encode' else plain(runs)}")
        return lines

    @staticmethod
    def _said(text: str, k: int) -> list[str]:
        lines = []
        for number in range(1, k + 1):
            lines.append(f"runs: {' '.join(runs_of(text))}")
            lines.append(f"said: {' '.join([say(run) for run in runs_of(text)])}")
            text = say(text)
            lines.append(f"step {number}: {text}")
        return lines

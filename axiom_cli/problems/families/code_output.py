"""Small Python programs made of parts, to run in one's head."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

SYLLABLES = ("ba", "ko", "mi", "tu", "re", "sa", "ne", "do")


class State:
    """The variables of a program: a list of integers, an integer and a string."""

    def __init__(self, xs: tuple[int, ...], n: int, s: str) -> None:
        self.xs, self.n, self.s = list(xs), n, s


@dataclass(frozen=True)
class Part:
    """Lines of a program, `{k}` and `{m}` being parameters with ranges, and what they do to the state.

    `run` gives what a loop leaves in its variable after each turn, as the trace shows it.
    """

    code: str
    run: Callable[[State, int, int], list[int] | None]
    k: tuple[int, int] = (1, 1)
    m: tuple[int, int] = (1, 1)

    @property
    def changed(self) -> str:
        """The variables that the code may change."""
        code = f" {self.code}".replace("\n", " ").replace("xs[i] +=", "xs =").replace("xs.append", "xs =")
        return " ".join([name for name in ("xs", "n", "s") if re.search(rf" {name} \S*=", code)])


def _mapped(state: State, k: int, m: int) -> None:
    state.xs = [x * k + m for x in state.xs]


def _called(state: State, k: int, m: int) -> None:
    state.xs = [x - k if x > m else x + k for x in state.xs]


def _kept(state: State, k: int, m: int) -> None:
    state.xs = [x for x in state.xs if x % k != m % k]


def _cut(state: State, k: int, m: int) -> None:
    state.xs = state.xs[k:] + state.xs[:m]


def _reversed(state: State, k: int, m: int) -> None:
    state.xs = state.xs[::-1]


def _stepped(state: State, k: int, m: int) -> None:
    state.xs = state.xs[::k] + [state.n]


def _summed(state: State, k: int, m: int) -> list[int]:
    turns = []
    for x in state.xs:
        state.n = state.n + x if x % k == 1 else state.n - m
        turns.append(state.n)
    return turns


def _folded(state: State, k: int, m: int) -> list[int]:
    turns = []
    for x in state.xs:
        state.n = (state.n * k + x) % m
        turns.append(state.n)
    return turns


def _halved(state: State, k: int, m: int) -> list[int]:
    turns = []
    while state.n > k:
        state.n //= m
        state.xs.append(state.n)
        turns.append(state.n)
    return turns


def _indexed(state: State, k: int, m: int) -> None:
    for i in range(len(state.xs)):
        state.xs[i] += i * k


def _total(state: State, k: int, m: int) -> None:
    state.n = (state.n + sum(state.xs)) % m


def _spun(state: State, k: int, m: int) -> None:
    state.s = state.s[k:] + state.s[:k]


def _mirrored(state: State, k: int, m: int) -> None:
    state.s = state.s[::-1] + str(len(state.xs))


def _compared(state: State, k: int, m: int) -> None:
    if len(state.xs) > k:
        state.n += k
    else:
        state.s += state.s[0]


PARTS: tuple[Part, ...] = (
    Part("xs = [x * {k} + {m} for x in xs]", _mapped, (1, 3), (1, 6)),
    Part(
        "def f(x):\n    if x > {m}:\n        return x - {k}\n    return x + {k}\nxs = [f(x) for x in xs]",
        _called,
        (1, 5),
        (2, 9),
    ),
    Part("xs = [x for x in xs if x % {k} != {m}]", _kept, (3, 5), (0, 2)),
    Part("xs = xs[{k}:] + xs[:{m}]", _cut, (1, 3), (1, 3)),
    Part("xs = xs[::-1]", _reversed),
    Part("xs = xs[::{k}] + [n]", _stepped, (2, 3)),
    Part("for x in xs:\n    if x % {k} == 1:\n        n += x\n    else:\n        n -= {m}", _summed, (2, 4), (1, 3)),
    Part("for x in xs:\n    n = (n * {k} + x) % {m}", _folded, (2, 3), (7, 20)),
    Part("while n > {k}:\n    n //= {m}\n    xs.append(n)", _halved, (2, 8), (2, 3)),
    Part("for i in range(len(xs)):\n    xs[i] += i * {k}", _indexed, (1, 3)),
    Part("n = (n + sum(xs)) % {m}", _total, (1, 1), (11, 40)),
    Part("s = s[{k}:] + s[:{k}]", _spun, (1, 3)),
    Part("s = s[::-1] + str(len(xs))", _mirrored),
    Part("if len(xs) > {k}:\n    n += {k}\nelse:\n    s += s[0]", _compared, (3, 9)),
)


@dataclass(frozen=True)
class Program:
    """The first values of the variables and the parts: (index into PARTS, k, m)."""

    xs: tuple[int, ...]
    n: int
    s: str
    parts: tuple[tuple[int, int, int], ...]


def _between(random: Random, limits: tuple[int, int]) -> int:
    return limits[0] + int(random.random() * (limits[1] - limits[0] + 1))


def _shown(state: State) -> str:
    return f"{state.n} {state.s} {state.xs}"


class CodeOutput(Family):
    """Predicts what a small Python program prints."""

    name: ClassVar[str] = "code_output"
    about: ClassVar[str] = "what a small Python program prints: loops, conditionals, functions, lists and slices"
    levels: ClassVar[str] = "level n: a list of n + 2 numbers, and 1 + n // 2 parts"

    def draw(self, random: Random, level: int) -> Program:
        xs = tuple([int(random.random() * 10) for _ in range(level + 2)])
        syllables = [random.choice(SYLLABLES) for _ in range(2)]
        parts: list[tuple[int, int, int]] = []
        for _ in range(1 + level // 2):
            index = int(random.random() * len(PARTS))
            while parts and index == parts[-1][0]:
                index = int(random.random() * len(PARTS))
            part = PARTS[index]
            parts.append((index, _between(random, part.k), _between(random, part.m)))
        return Program(xs, 3 + int(random.random() * 27), "".join(syllables), tuple(parts))

    def statement(self, task: Program) -> str:
        code = "\n".join([PARTS[index].code.format(k=k, m=m) for index, k, m in task.parts])
        values = f'xs = {list(task.xs)}\nn = {task.n}\ns = "{task.s}"'
        return f"What does this Python program print?\n{values}\n{code}\nprint(n, s, xs)"

    def answer(self, task: Program) -> str:
        state = State(task.xs, task.n, task.s)
        for index, k, m in task.parts:
            PARTS[index].run(state, k, m)
        return _shown(state)

    def trace(self, task: Program) -> list[str]:
        state = State(task.xs, task.n, task.s)
        lines = []
        for index, k, m in task.parts:
            part = PARTS[index]
            turns = part.run(state, k, m)
            lines.append(part.code.partition("\n")[0].format(k=k, m=m))
            if turns:
                lines.append(f"n after each turn: {' '.join(map(str, turns))}")
            lines += [f"{name} = {getattr(state, name)}" for name in part.changed.split()]
        return lines

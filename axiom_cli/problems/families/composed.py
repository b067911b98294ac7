"""What families of composed programs have in common: a specification of several parts in sequence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from textwrap import indent
from typing import Any, ClassVar

from axiom_cli.problems.families import programs
from axiom_cli.problems.families.family import LEVELS, Exercise, Family

SAMPLES = 10
TRIES = 20
TAB = "    "
ENDED = [None]
Steps = tuple[tuple[int, tuple[Any, ...]], ...]
COMPARED = ("greater than|>", "less than|<", "at least|>=", "at most|<=")


@dataclass(frozen=True)
class Part:
    """One step: its words, the same as Python that makes the family's variable anew, and what it makes of what.
    `choices` are the values of `$0`, `$1`, ... in both; one written `words|code` reads differently in each. A part
    whose `gives` no part takes comes last. Code that returns None ends the whole function.
    """

    takes: str
    gives: str
    weight: int
    words: str
    code: str
    choices: tuple[Sequence[Any], ...] = ()


def filled(text: str, chosen: Sequence[Any], side: int) -> str:
    """`text` with its choices put in: side 0 for words, -1 for code."""
    for place, choice in enumerate(chosen):
        text = text.replace(f"${place}", str(choice).split("|")[side])
    return text


def numbers(kind: str, variable: str, low: int = -2, high: int = 9) -> tuple[Part, ...]:
    """Steps on a list of integers, which the family calls `kind`; numbers are compared with `low` to `high` - 1."""

    def part(words: str, expression: str, *choices: Sequence[Any], gives: str = kind) -> Part:
        return Part(kind, gives, 1, words, f"{variable} = {expression.replace('xs', variable)}", choices)

    return (
        part("keep only the numbers that are $0 $1", "[x for x in xs if x $0 $1]", COMPARED, range(low, high)),
        part("keep only the $0 numbers", "[x for x in xs if x % 2 == $0]", ("even|0", "odd|1")),
        part("sort the list in $0 order", "sorted(xs, reverse=$0)", ("ascending|False", "descending|True")),
        part("reverse the list", "xs[::-1]"),
        part("add $0 to every number", "[x + $0 for x in xs]", range(1, 8)),
        part("multiply every number by $0", "[x * $0 for x in xs]", (2, 3, -1, -2)),
        part("multiply every number by its index, counted from $0", "[x * i for i, x in enumerate(xs, $0)]", (0, 1)),
        part("remove every number that occurred earlier in the list", "list(dict.fromkeys(xs))"),
        part("take the sum of the list (0 for an empty one)", "sum(xs)", gives="int"),
    )


@cache
def _function(names: str, variable: str, code: str) -> Callable[..., Any]:
    return programs.compiled(f"def step({names}):\n{indent(code, TAB)}\n    return {variable}\n", "step")


def _fitting(parts: Sequence[Part], left: int, kind: str, used: list[int]) -> list[int]:
    takers = {part.takes for part in parts}
    fitting = [n for n, part in enumerate(parts) if part.takes == kind and part.weight <= left]
    return [n for n in fitting if n not in used and (parts[n].weight == left or parts[n].gives in takers)]


class Written(Family):
    """A family with the program form only: its statement says what the function does, its trace how to write it."""

    forms: ClassVar[tuple[str, ...]] = ("program",)

    def answer(self, task: Any) -> str:
        return ""


def levels_of_half(level: int) -> list[int]:
    """The levels that have as many steps as `level`, where there are 1 + level // 2 or so."""
    return [other for other in LEVELS if other // 2 == level // 2]


class Composed(Written):
    """Functions made of parts. `inputs` gives names, typed names and words of each kind of argument, `results` the type
    of each kind of result; between the parts there is one value, called `variable`."""

    levels: ClassVar[str] = "level n: steps whose weights (1 or 2 each) add up to n + 1"
    variable: ClassVar[str]
    inputs: ClassVar[Mapping[str, tuple[str, str, str]]]
    results: ClassVar[Mapping[str, str]]
    parts: ClassVar[tuple[Part, ...]]
    more: ClassVar[int] = 1  # what the weights add up to, less the level

    @abstractmethod
    def arguments(self, kind: str, random: Random) -> list[Any]:
        """The arguments of one call."""

    @abstractmethod
    def edges(self, kind: str, numbers: list[int]) -> list[list[Any]]:
        """Calls that are always tested; `numbers` are the parameters of the parts."""

    def parts_for(self, kind: str) -> tuple[Part, ...]:
        """The parts from which steps for that kind of argument are drawn."""
        return self.parts

    def kind(self, random: Random) -> str:
        """One of the kinds of argument."""
        return random.choice(list(self.inputs))

    def draw(self, random: Random, level: int) -> tuple[str, Steps]:
        while True:
            kind = self.kind(random)
            if steps := self._steps(random, level + self.more, kind):
                return kind, steps

    def _steps(self, random: Random, left: int, kind: str) -> Steps:
        """Steps of that weight, each of which changes its input; none if no step fits any more."""
        values = [self.arguments(kind, Random(f"sample/{n}")) for n in range(SAMPLES)]
        parts = self.parts_for(kind)
        steps: list[tuple[int, tuple[Any, ...]]] = []
        for _ in range(TRIES):
            fitting = _fitting(parts, left, kind, [index for index, _ in steps])
            if not fitting:
                return ()
            part = parts[index := random.choice(fitting)]
            chosen = tuple(random.choice(choice) for choice in part.choices)
            names = self.inputs[kind][0] if kind in self.inputs else self.variable
            function = _function(names, self.variable, filled(part.code, chosen, -1))
            after = [value if value == ENDED else [function(*value)] for value in values]
            changed = sum(old != new for old, new in zip(values, after, strict=True))
            if changed >= SAMPLES // 3 and len(set(map(repr, after))) >= SAMPLES // 2:
                values, kind, left = after, part.gives, left - part.weight
                steps.append((index, chosen))
            if not left:
                return tuple(steps)
        return ()

    def statement(self, task: tuple[str, Steps]) -> str:
        return f"takes {self.inputs[task[0]][2]} and does in order: {'; '.join(self.trace(task))}; return the result."

    def trace(self, task: tuple[str, Steps]) -> list[str]:
        parts = self.parts_for(task[0])
        return [filled(parts[index].words, chosen, 0) for index, chosen in task[1]]

    def exercise(self, task: tuple[str, Steps], level: int, random: Random) -> Exercise:
        kind, steps = task
        parts = self.parts_for(kind)
        body = "".join(indent(filled(parts[index].code, chosen, -1), TAB) + "\n" for index, chosen in steps)
        result = self.results[parts[steps[-1][0]].gives] + " | None" * ("return None" in body)
        signature = f"solve({self.inputs[kind][1]}) -> {result}"
        numbers = [choice for _, chosen in steps for choice in chosen if isinstance(choice, int)]
        return Exercise(
            "solve",
            signature,
            self.statement(task),
            f"def {signature}:\n{body}    return {self.variable}\n",
            lambda random: self.arguments(kind, random),
            tuple(self.edges(kind, numbers)),
            tuple(self.trace(task)),
        )

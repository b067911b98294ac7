"""What families of composed programs share: a specification of several parts in a row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from textwrap import indent
from typing import Any, ClassVar

from axiom_cli.families import programs
from axiom_cli.families.family import Exercise, Family

SAMPLES = 10
TRIES = 12
TAB = "    "
Steps = tuple[tuple[int, tuple[Any, ...]], ...]
COMPARED = ("greater than|>", "less than|<", "at least|>=", "at most|<=")


@dataclass(frozen=True)
class Part:
    """One step: its words, the same as Python that makes the family's variable anew, and what it makes of what.
    `choices` are the values of `$0`, `$1`, ... in both; one written `words|code` reads differently in each. A part
    whose `gives` no part takes comes last. The weights of a task's parts add up to its level and one more.
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


@cache
def _function(names: str, variable: str, code: str) -> Callable[..., Any]:
    return programs.compiled(f"def step({names}):\n{indent(code, TAB)}\n    return {variable}\n", "step")


class Composed(Family):
    """Functions made of parts. `inputs` gives names, typed names and words of each kind of argument, `results` the type
    of each kind of result; between the parts there is one value, called `variable`."""

    forms: ClassVar[tuple[str, ...]] = ("program",)
    levels: ClassVar[str] = "level n: steps whose weights (1 or 2 each) add up to n + 1"
    variable: ClassVar[str]
    inputs: ClassVar[Mapping[str, tuple[str, str, str]]]
    results: ClassVar[Mapping[str, str]]
    parts: ClassVar[tuple[Part, ...]]

    @abstractmethod
    def arguments(self, kind: str, random: Random) -> list[Any]:
        """The arguments of one call."""

    @abstractmethod
    def edges(self, kind: str, numbers: list[int]) -> list[list[Any]]:
        """Calls that are always tested; `numbers` are the parameters of the parts."""

    def draw(self, random: Random, level: int) -> tuple[str, Steps]:
        while True:
            kind = random.choice(list(self.inputs))
            if steps := self._steps(random, level + 1, kind):
                return kind, steps

    def _steps(self, random: Random, left: int, kind: str) -> Steps:
        """Steps of that weight, each of which changes what it is given; none if there was no way on."""
        values = [self.arguments(kind, Random(f"sample/{n}")) for n in range(SAMPLES)]
        steps: list[tuple[int, tuple[Any, ...]]] = []
        for _ in range(TRIES):
            fitting = self._fitting(left, kind, [index for index, _ in steps])
            if not fitting:
                return ()
            part = self.parts[index := random.choice(fitting)]
            chosen = tuple(random.choice(choice) for choice in part.choices)
            names = self.inputs[kind][0] if kind in self.inputs else self.variable
            function = _function(names, self.variable, filled(part.code, chosen, -1))
            after = [[function(*value)] for value in values]
            changed = sum(old != new for old, new in zip(values, after, strict=True))
            if changed >= SAMPLES // 3 and len(set(map(repr, after))) >= SAMPLES // 2:
                values, kind, left = after, part.gives, left - part.weight
                steps.append((index, chosen))
            if not left:
                return tuple(steps)
        return ()

    def _fitting(self, left: int, kind: str, used: list[int]) -> list[int]:
        takers = {part.takes for part in self.parts}
        fitting = [n for n, part in enumerate(self.parts) if part.takes == kind and part.weight <= left]
        return [n for n in fitting if n not in used and (self.parts[n].weight == left or self.parts[n].gives in takers)]

    def statement(self, task: tuple[str, Steps]) -> str:
        return f"takes {self.inputs[task[0]][2]} and does in order: {'; '.join(self.trace(task))}; return the result."

    def answer(self, task: tuple[str, Steps]) -> str:
        return ""

    def trace(self, task: tuple[str, Steps]) -> list[str]:
        return [filled(self.parts[index].words, chosen, 0) for index, chosen in task[1]]

    def exercise(self, task: tuple[str, Steps], level: int, random: Random) -> Exercise:
        kind, steps = task
        signature = f"solve({self.inputs[kind][1]}) -> {self.results[self.parts[steps[-1][0]].gives]}"
        body = "".join(indent(filled(self.parts[index].code, chosen, -1), TAB) + "\n" for index, chosen in steps)
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

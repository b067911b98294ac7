"""What a problem family is: one definition of statement, reference, oracle and the teacher's reasoning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from axiom_cli.errors import UsageError
from axiom_cli.records import HIGHEST_LEVEL, Problem

LEVELS = range(1, 11)
EVERY_LEVEL = range(1, HIGHEST_LEVEL + 1)
"""LEVELS, and those to which some families continue (`has`)."""
FORMS = ("answer", "program")


@dataclass(frozen=True)
class Exercise:
    """A function to write: the program form of a task.

    `returns` completes the sentence "Write a Python function ... that". `reference` is complete source that defines
    `entry_point`: the solution, never shown, and the oracle of every test. `arguments` draws the arguments of one call;
    `edges` are calls that are always tested. `plan` is the teacher's reasoning.
    """

    entry_point: str
    signature: str
    returns: str
    reference: str
    arguments: Callable[[Random], list[Any]]
    edges: tuple[list[Any], ...] = ()
    plan: tuple[str, ...] = ()


class Family(ABC):
    """Draws tasks of a level from 1 to 10 (or of those that it `has`), states them, and solves them.

    A task is any value that `statement`, `answer` and `trace` understand; two tasks with equal statements are the same
    problem.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    levels: ClassVar[str]
    forms: ClassVar[tuple[str, ...]] = ("answer",)
    open_ended: ClassVar[bool] = False  # whether several answers are right: `accepts` decides
    has: Sequence[int] = LEVELS  # the levels it has
    patience: ClassVar[int] = 20_000  # draws without a new problem after which a level is exhausted
    words_repeat: ClassVar[bool] = False  # whether eight words in a row are often those of another problem, by chance
    slow: ClassVar[bool] = False  # whether `draw` or `judge` is so slow that an audit makes fewer calls

    @abstractmethod
    def draw(self, random: Random, level: int) -> Any:
        """A task of `level`."""

    @abstractmethod
    def statement(self, task: Any) -> str:
        """The question, complete and with one right answer."""

    @abstractmethod
    def answer(self, task: Any) -> str:
        """The canonical answer."""

    @abstractmethod
    def trace(self, task: Any) -> list[str]:
        """The solver-teacher's lines of reasoning, which reach the answer."""

    def accepts(self, prompt: str, answer: str) -> bool:
        """Whether `answer`, which a model wrote, is right, by the prompt alone. Called only if `open_ended`."""
        raise NotImplementedError(f"{self.name} is open_ended and has no `accepts`")

    def judge(self, problem: Problem, answer: str) -> bool | None:
        """Whether `answer` is right for a problem of this family. None if that cannot be decided now."""
        return self.accepts(problem.prompt, answer)

    def second(self, prompt: str) -> Any:
        """The answer by a method other than `answer`, from the prompt alone, for `axiom problems audit`. For a prompt
        in program form, a function that does what is asked. None if there is no other method."""
        return None

    def noted(self, task: Any) -> dict[str, Any]:
        """What `judge` needs in the problem's origin. Called only if `open_ended`."""
        return {}

    def shared(self, task: Any, level: int, form: str) -> Sequence[int]:
        """The levels at which this same question can be drawn. One of them owns it, chosen by its content, so that a
        run over several levels never asks it twice."""
        return (level,)

    def size_of(self, level: int) -> str:
        """How large a task of `level` is, as a number of things: `60 lines`. Empty where it is not that plain."""
        return ""

    def exercise(self, task: Any, level: int, random: Random) -> Exercise:
        """The program form of a task; `random` chooses what the answer form leaves open. Called only if `forms` has
        "program"."""
        raise UsageError(f"{self.name} has no 'program' form", f"it has {', '.join(self.forms)}")

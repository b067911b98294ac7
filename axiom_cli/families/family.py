"""What a problem family is: one definition makes the statement, the reference, the oracle and the teacher's reasoning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random
from typing import Any, ClassVar

LEVELS = range(1, 11)


class Family(ABC):
    """Draws tasks of a level from 1 to 10, states them, and solves them.

    A task is any value that `statement`, `answer` and `trace` understand; two tasks with equal statements are the same
    problem.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    levels: ClassVar[str]

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
        """The lines of reasoning by which the solver-teacher reaches the answer."""

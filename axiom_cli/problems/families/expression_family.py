"""What the families of integer expressions have in common: everything but the notation."""

from __future__ import annotations

from abc import abstractmethod
from random import Random
from typing import ClassVar

from axiom_cli.problems.families import expressions
from axiom_cli.problems.families.expressions import Tree
from axiom_cli.problems.families.family import Exercise, Family


class ExpressionFamily(Family):
    """Expressions over `+ - * // %` in one notation: how to write a tree, what to ask, how to call it in a program."""

    levels: ClassVar[str] = f"level n has n operations; no intermediate value goes beyond +-{expressions.LIMIT}"
    forms: ClassVar[tuple[str, ...]] = ("answer", "program")
    ask: ClassVar[str]
    call: ClassVar[str]

    @staticmethod
    @abstractmethod
    def write(tree: Tree) -> str:
        """The tree in this notation."""

    def draw(self, random: Random, level: int) -> Tree:
        return expressions.draw(random, level)[0]

    def statement(self, task: Tree) -> str:
        rule = f" ({expressions.DIVISION_RULE})" if expressions.divides(task) else ""
        return f"{self.ask}{rule}: {self.write(task)}"

    def answer(self, task: Tree) -> str:
        return str(expressions.evaluate(task))

    def trace(self, task: Tree) -> list[str]:
        return [self.write(tree) for tree in expressions.reductions(task)]

    def exercise(self, task: Tree, level: int, random: Random) -> Exercise:
        opened, names = expressions.open_up(task, random)
        return expressions.exercise(opened, names, self.call.format(self.write(opened)))

"""Integer expressions in the usual notation."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from axiom_cli.families import expressions
from axiom_cli.families.expressions import Tree
from axiom_cli.families.family import Exercise, Family


class Arithmetic(Family):
    """Precedence, parentheses, `+ - * // %`."""

    name: ClassVar[str] = "arithmetic"
    about: ClassVar[str] = "integer expressions with precedence, parentheses, + - * // %"
    levels: ClassVar[str] = "level n has n operations; no intermediate value goes beyond +-50"
    forms: ClassVar[tuple[str, ...]] = ("answer", "program")

    def draw(self, random: Random, level: int) -> Tree:
        return expressions.draw(random, level)[0]

    def statement(self, task: Tree) -> str:
        rule = f" ({expressions.DIVISION_RULE})" if expressions.divides(task) else ""
        return f"Evaluate{rule}: {expressions.infix(task)}"

    def answer(self, task: Tree) -> str:
        return str(expressions.evaluate(task))

    def trace(self, task: Tree) -> list[str]:
        return [expressions.infix(tree) for tree in expressions.reductions(task)]

    def exercise(self, task: Tree, level: int, random: Random) -> Exercise:
        opened, names = expressions.open_up(task, random)
        return expressions.exercise(opened, names, f"`{expressions.infix(opened)}`")

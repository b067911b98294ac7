"""Integer expressions in reverse Polish notation."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from axiom_cli.families import expressions
from axiom_cli.families.expressions import Tree
from axiom_cli.families.family import Exercise, Family


class Rpn(Family):
    """A stack machine's programs, `+ - * // %`."""

    name: ClassVar[str] = "rpn"
    about: ClassVar[str] = "reverse Polish (postfix) integer expressions, + - * // %"
    levels: ClassVar[str] = "level n has n operations; no intermediate value goes beyond +-50"
    forms: ClassVar[tuple[str, ...]] = ("answer", "program")

    def draw(self, random: Random, level: int) -> Tree:
        return expressions.draw(random, level)[0]

    def statement(self, task: Tree) -> str:
        rule = f" ({expressions.DIVISION_RULE})" if expressions.divides(task) else ""
        return f"Evaluate the postfix expression{rule}: {expressions.postfix(task)}"

    def answer(self, task: Tree) -> str:
        return str(expressions.evaluate(task))

    def trace(self, task: Tree) -> list[str]:
        return [expressions.postfix(tree) for tree in expressions.reductions(task)]

    def exercise(self, task: Tree, level: int, random: Random) -> Exercise:
        opened, names = expressions.open_up(task, random)
        what = f"the postfix (reverse Polish) expression `{expressions.postfix(opened)}`"
        return expressions.exercise(opened, names, what)

"""Integer expressions in the usual notation."""

from __future__ import annotations

from typing import ClassVar

from axiom_cli.problems.families import expressions
from axiom_cli.problems.families.expression_family import ExpressionFamily
from axiom_cli.problems.families.expressions import Tree


class Arithmetic(ExpressionFamily):
    """Precedence, parentheses, `+ - * // %`."""

    name: ClassVar[str] = "arithmetic"
    about: ClassVar[str] = "integer expressions with precedence, parentheses, + - * // %"
    ask: ClassVar[str] = "Evaluate"
    call: ClassVar[str] = "`{}`"

    @staticmethod
    def write(tree: Tree) -> str:
        return expressions.infix(tree)

"""Integer expressions in reverse Polish notation."""

from __future__ import annotations

from typing import ClassVar

from axiom_cli.problems.families import expressions
from axiom_cli.problems.families.expression_family import ExpressionFamily
from axiom_cli.problems.families.expressions import Tree


class Rpn(ExpressionFamily):
    """A stack machine's programs, `+ - * // %`."""

    name: ClassVar[str] = "rpn"
    about: ClassVar[str] = "reverse Polish (postfix) integer expressions, + - * // %"
    ask: ClassVar[str] = "Evaluate the postfix expression"
    call: ClassVar[str] = "the postfix (reverse Polish) expression `{}`"

    @staticmethod
    def write(tree: Tree) -> str:
        return expressions.postfix(tree)

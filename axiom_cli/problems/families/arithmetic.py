"""Integer expressions in the usual notation."""

from __future__ import annotations

from typing import ClassVar

from axiom_cli.problems.families import expressions
from axiom_cli.problems.families.expression_family import ExpressionFamily


class Arithmetic(ExpressionFamily):
    """Precedence, parentheses, `+ - * // %`."""

    name: ClassVar[str] = "arithmetic"
    about: ClassVar[str] = "integer expressions with precedence, parentheses, + - * // %"
    write = staticmethod(expressions.infix)
    ask = "Evaluate"
    call = "`{}`"

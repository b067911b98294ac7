"""Integer expressions in reverse Polish notation."""

from __future__ import annotations

from typing import ClassVar

from axiom_cli.problems.families import expressions
from axiom_cli.problems.families.expression_family import ExpressionFamily


class Rpn(ExpressionFamily):
    """A stack machine's programs, `+ - * // %`."""

    name: ClassVar[str] = "rpn"
    about: ClassVar[str] = "reverse Polish (postfix) integer expressions, + - * // %"
    write = staticmethod(expressions.postfix)
    ask = "Evaluate the postfix expression"
    call = "the postfix (reverse Polish) expression `{}`"

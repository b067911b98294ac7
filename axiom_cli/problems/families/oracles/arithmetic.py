"""Reads infix expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axiom_cli.problems.families.oracles.expressions import after_colon, function_of, infix


def answer(prompt: str) -> str:
    """The value of the expression."""
    return str(infix(after_colon(prompt), {}))


def function(prompt: str) -> Callable[..., Any]:
    """The expression as a function."""
    return function_of(prompt, infix)

"""Second solvers, for the audit: each reads nothing but the prompt and solves it by a method other than the family's.

One file a family: `answer(prompt)` gives the answer in answer form, `function(prompt)` a function in program form. They
share no code with the families, so that a mistake in a statement, an oracle or a reference shows as a disagreement.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module, util
from types import ModuleType
from typing import Any

from axiom_cli.problems.families.oracles import handwritten

Function = Callable[..., Any]
NOT_UNDERSTOOD = "(not understood)"
_UNREAD = (ArithmeticError, AttributeError, KeyError, IndexError, SyntaxError, TypeError, ValueError)


@cache
def _solver(family: str) -> ModuleType | None:
    name = f"{__name__}.{family}"
    return import_module(name) if family.isidentifier() and util.find_spec(name) else None


def answer(family: str, prompt: str) -> str | None:
    """The answer to a prompt in answer form; NOT_UNDERSTOOD if it is not worded as expected; None for a family without
    a second solver."""
    solve = getattr(_solver(family), "answer", None)
    try:
        return solve(prompt) if solve else None
    except _UNREAD:
        return NOT_UNDERSTOOD


def function(family: str, prompt: str, entry_point: str) -> Function | None:
    """The function that a prompt in program form asks for; one that returns NOT_UNDERSTOOD if it is not worded as
    expected; None for a family without a second solver."""
    if family == "handwritten":
        return handwritten.FUNCTIONS.get(entry_point)
    make = getattr(_solver(family), "function", None)
    try:
        return make(prompt) if make else None
    except _UNREAD:
        return lambda *args: NOT_UNDERSTOOD

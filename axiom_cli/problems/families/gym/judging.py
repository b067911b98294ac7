"""Scores an answer with its data set's own scorer, in the sandbox."""

from __future__ import annotations

import atexit
import inspect
from functools import cache
from typing import Any

from axiom_cli.problems.families.gym import scorer
from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox, Setup

PACKAGES = ("reasoning_gym", "sympy", "mpmath", "numpy")
LIMITS = Limits(timeout=10.0, memory=1024)
LONGEST = 100_000  # characters of an answer
SCALARS = (type(None), bool, int, float, str)


def accepts(name: str, level: int, levels: int, answer: str, question: dict[str, Any]) -> bool | None:
    """Whether the scorer of data set `name` gives full marks. False also if it fails or runs too long, None if the
    machine could not run it."""
    if len(answer) > LONGEST:
        return False
    args = [name, level, levels, answer, repr(_literal(question))]
    test = {"args": args, "expected": True}
    program = Program("accepts", "accepts(name, level, levels, answer, question)", tests=[test], checker=None)
    status = _box().run(inspect.getsource(scorer), program).status
    return None if status == "infra" else status == "pass"


@cache
def _box() -> Sandbox:
    """One for this process. It runs no model's code, so any isolation is enough."""
    box = Sandbox(LIMITS, jobs=1, setup=Setup(packages=PACKAGES))
    atexit.register(box.close)
    return box


def _literal(value: Any) -> Any:
    """`value` made of built-in types, so that Python can read its repr."""
    if isinstance(value, dict):
        return {_literal(key): _literal(item) for key, item in value.items()}
    for base in (list, tuple, set):
        if isinstance(value, base):
            return base(_literal(item) for item in value)
    if type(value) in SCALARS:
        return value
    return value.item() if hasattr(value, "item") else str(value)

"""Scoring an answer with its data set's own scorer, which runs in the sandbox."""

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
    """Whether the scorer of data set `name` gives full marks; False too where it fails or runs too long. None where the
    machine could not run it."""
    if len(answer) > LONGEST:
        return False
    args = [name, level, levels, answer, repr(_plain(question))]
    test = {"args": args, "expected": True}
    program = Program("accepts", "accepts(name, level, levels, answer, question)", tests=[test], checker=None)
    status = _box().run(inspect.getsource(scorer), program).status
    return None if status == "infra" else status == "pass"


@cache
def _box() -> Sandbox:
    """One for this process. It runs no text of a model, so that whatever isolation there is will do."""
    box = Sandbox(LIMITS, jobs=1, setup=Setup(packages=PACKAGES))
    atexit.register(box.close)
    return box


def _plain(value: Any) -> Any:
    """`value` of built-in types alone, so that it can be written as a literal."""
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items()}
    for base in (list, tuple, set):
        if isinstance(value, base):
            return base(_plain(one) for one in value)
    if type(value) in SCALARS:
        return value
    return value.item() if hasattr(value, "item") else str(value)

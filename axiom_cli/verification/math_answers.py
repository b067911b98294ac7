"""Mathematical answers: equal up to algebra, as the library `math-verify` says.

The library reads text that a model wrote, and may take for ever on it, so it runs in a sandbox with the limits of a
program. No code of a model runs there: the child gets both answers as data and says whether they are equal.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec

from axiom_cli import installation
from axiom_cli.errors import MissingError
from axiom_cli.problems.plain_text import plain
from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Outcome, Sandbox, Setup
from axiom_cli.settings.configs import VerifyConfig

LIBRARY = ("math_verify", "latex2sympy2_extended", "antlr4", "sympy", "mpmath")
"""The packages whose modules may be asked for."""
EQUALITY = "axiom_cli.verification.math_equality"
MEMORY = 1024
"""Mebibytes that the library may use at least."""
COMPARE = f"from {EQUALITY} import equal"
SLOW = "its answer could not be compared in time"
WORDS = {
    "<=": r"\le ", ">=": r"\ge ", "!=": r"\ne ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∞": r"\infty ",
    "π": r"\pi ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "±": r"\pm ", "×": r"\cdot ", "·": r"\cdot ",
    "**": "^", "*": r"\cdot ",
}  # fmt: skip
NAMES = re.compile(r"(?<![A-Za-z\\])(pi|infinity|inf|sin|cos|tan|log|ln|exp|oo)(?![A-Za-z])")
ROOT = re.compile(r"(?:(?<![A-Za-z\\])sqrt|√)\s*(?:\(([^()]*)\)|([\d.]+|[A-Za-z]))")
POWER = re.compile(r"\^\s*(?:\(([^()]*)\)|(-?\d+))")


def require() -> None:
    """Raises MissingError where the library is not installed."""
    if any(find_spec(name) is None for name in LIBRARY):
        raise MissingError("answers of type math need the math-verify package", installation.extra("math"))


def open_sandbox(config: VerifyConfig) -> Sandbox:
    """The sandbox in which the library runs. Raises what `require` raises."""
    require()
    limits = Limits(timeout=config.timeout, memory=max(config.memory, MEMORY))
    return Sandbox(limits, config.jobs, config.isolation, Setup(packages=(*LIBRARY, EQUALITY)))


@lru_cache(maxsize=1024)
def comparison(expected: str, answer: str) -> Program:
    """The program whose one test COMPARE passes if both answers are equal."""
    arguments = [as_latex(expected), as_latex(answer)]
    return Program("equal", "equal(expected, answer)", tests=[{"args": arguments, "expected": True}])


def judged(outcome: Outcome) -> Outcome:
    """What came of the comparison, in the words of an answer."""
    if outcome.status == "fail":
        return replace(outcome, reason="wrong answer" if outcome.reason.startswith("wrong answer") else SLOW)
    return outcome


def as_latex(answer: str) -> str:
    """The answer as one formula; what is not LaTeX yet is made so."""
    text = plain(answer).replace("$", "")
    if any(mark in text for mark in ("\\", "^{", "_{")):
        return text
    text = re.sub(r"[{}]", lambda brace: "\\" + brace[0], text)
    text = ROOT.sub(lambda match: f"\\sqrt{{{match[1] or match[2]}}}", text)
    text = POWER.sub(lambda match: f"^{{{match[1] or match[2]}}}", text)
    for plainly, latex in WORDS.items():
        text = text.replace(plainly, latex)
    return NAMES.sub(lambda match: "\\infty" if match[1] in ("infinity", "inf", "oo") else f"\\{match[1]}", text)

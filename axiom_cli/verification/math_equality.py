"""Whether two formulas are equal up to algebra. Imported in the sandbox only, before its children fork."""

from __future__ import annotations

import re

from math_verify import LatexExtractionConfig, parse, verify

WHOLE = [LatexExtractionConfig(boxed_match_priority=-1)]
"""The text is one formula; nothing is looked for in it."""

BASE = re.compile(r"\d\s*_\s*\{?\s*(\d+)")
"""The base that a number is written in, which the library leaves out."""


def equal(expected: str, answer: str) -> bool:
    """Whether both are formulas of LaTeX, and equal. The caller sets the limits of time and memory."""
    bases, others = BASE.findall(expected), BASE.findall(answer)
    if bases and others and bases != others:
        return False
    ours, theirs = (
        parse(f"${text}$", WHOLE, fallback_mode="no_fallback", parsing_timeout=None) for text in (expected, answer)
    )
    return bool(verify(ours, theirs, allow_set_relation_comp=True, timeout_seconds=None))


# Each child is forked from a process that has parsed and simplified once: this fills the caches of ANTLR and SymPy.
for formula in ("(x+1)^{2}", r"\frac{\sqrt{3}}{3}", r"\{1, 2\}", r"(1, 2] \cup [3, \infty)", "x < 2"):
    equal(formula, "x^{2}+2x+1")

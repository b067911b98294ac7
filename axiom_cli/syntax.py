"""Python source as a syntax tree, which is looked at and never run."""

from __future__ import annotations

import ast
import threading
import warnings

LONGEST = 50_000
# CPython 3.11 counts the depth of all threads' trees together, and fails where two are built at once.
_ONE_AT_A_TIME = threading.Lock()


def parse(code: str, longest: int = LONGEST) -> ast.Module | None:
    """The syntax tree of `code`, or None where it is not Python, or too long or too deep to be looked at."""
    if len(code) > longest:
        return None
    try:
        with _ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None

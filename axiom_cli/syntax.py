"""Python source as a syntax tree. The source is parsed, never run."""

from __future__ import annotations

import ast
import threading
import warnings

LONGEST = 50_000
TRIES = 10
# CPython 3.11 has one depth counter for all trees being built, and raises SystemError when two threads build one. The
# lock keeps our own apart; a traceback that another thread or a destructor prints parses source too, hence the retries.
_ONE_AT_A_TIME = threading.RLock()


def parse(code: str, longest: int = LONGEST) -> ast.Module | None:
    """The syntax tree of `code`, or None if it is not Python, or is too long or too deep to parse."""
    if len(code) > longest:
        return None
    try:
        return tree(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def tree(code: str) -> ast.Module:
    """The syntax tree of `code`. Raises SyntaxError, ValueError, RecursionError or MemoryError."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(TRIES):
            try:
                return ast.parse(code)
            except SystemError as error:
                failure = error
    raise failure

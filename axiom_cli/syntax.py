"""Python source as a syntax tree, which is looked at and never run."""

from __future__ import annotations

import ast
import threading
import warnings

LONGEST = 50_000
TRIES = 10
# CPython 3.11 counts the depth of all trees that are being built in one place, and fails where there are two. Of ours
# there is one at a time. A traceback that another thread or a destructor writes meanwhile parses its lines, too.
_ONE_AT_A_TIME = threading.RLock()


def parse(code: str, longest: int = LONGEST) -> ast.Module | None:
    """The syntax tree of `code`, or None where it is not Python, or too long or too deep to be looked at."""
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

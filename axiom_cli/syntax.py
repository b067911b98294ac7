"""Python source as a syntax tree, and the names in it. The source is parsed, never run."""

from __future__ import annotations

import ast
import builtins
import threading
import warnings
from collections.abc import Iterator

LONGEST = 50_000
TRIES = 10
BUILT_IN = frozenset((*dir(builtins), "__name__", "__doc__", "__file__"))
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


def compiles(parsed: ast.Module) -> bool:
    """Whether Python runs what it parsed: a `return` outside a function, for one, is an error of the compiler's. True
    where a tree is too deep to tell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(parsed, "<string>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    except (RecursionError, MemoryError):
        pass
    return True


def free_names(tree: ast.AST) -> set[str]:
    """The names that are read somewhere and bound nowhere."""
    return read_names(tree) - {name for node in ast.walk(tree) for name in bound_names(node)} - BUILT_IN


def bound_names(node: ast.AST) -> Iterator[str]:
    """The names that this node binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def read_names(tree: ast.AST) -> set[str]:
    """The names that are read somewhere."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}

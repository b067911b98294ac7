"""From the asserts of an imported test to calls with expected values, which a verifier can check from outside.

Only literals are read, and nothing is run. Asserts of any other shape are counted and left out.
"""

from __future__ import annotations

import ast
import doctest
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from axiom_cli import syntax

CLOSE = "float:1e-6"


@dataclass
class Found:
    """Tests read from asserts (from lists if `listed`), the checker they need, and how many were of another shape."""

    tests: list[dict[str, Any]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    left_out: int = 0
    listed: bool = False

    @property
    def checker(self) -> str | None:
        """The verifier's rule for these tests, or None for strict equality."""
        return ",".join(sorted(self.words)) or None


def read(source: str, entry_point: str) -> Found:
    """The tests that `source` holds for `entry_point` (or `candidate`): its asserts, or its lists `inputs` and
    `results`."""
    found = Found()
    tree = syntax.parse(source, longest=len(source))
    if tree is None:
        return found
    lists = _assigned(tree, "inputs"), _assigned(tree, "results")
    if lists[0] is not None and lists[1] is not None:
        found.listed = True
        found.words.add(CLOSE)
        for args, expected in zip(*lists, strict=False):
            _keep(found, list(args), expected)
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            _read_assert(found, node.test, {"candidate", entry_point})
    return found


def shown(prompt: str, entry_point: str) -> list[list[Any]]:
    """The arguments of the calls that a prompt shows as `>>>` examples."""
    try:
        sources = [example.source for example in doctest.DocTestParser().get_examples(prompt)]
    except ValueError:
        return []
    calls = [call for source in sources if (call := _call_in(source, entry_point)) is not None]
    return [json.loads(json.dumps(call)) for call in calls if survives(call)]


def _call_in(source: str, name: str) -> list[Any] | None:
    tree = syntax.parse(source)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    return _arguments(tree.body[0].value, {name})


def _assigned(tree: ast.Module, name: str) -> list[Any] | None:
    """The literal list that is assigned to `name` anywhere in the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            for value in _literals(node.value):
                return value if isinstance(value, list) else None
    return None


def _read_assert(found: Found, test: ast.expr, names: set[str]) -> None:
    if isinstance(test, ast.Constant) and test.value:
        return  # `assert True` says nothing
    for args, expected, word in _shapes(test, names):
        if word:
            found.words.add(word)
        _keep(found, args, expected)
        return
    found.left_out += 1


def _shapes(test: ast.expr, names: set[str]) -> Iterator[tuple[list[Any], Any, str]]:
    """At most one reading of an assert as (arguments, expected, checker)."""
    if (args := _arguments(test, names)) is not None:
        yield args, True, ""
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        if (args := _arguments(test.operand, names)) is not None:
            yield args, False, ""
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        yield from _comparison(test.left, test.ops[0], test.comparators[0], names)


def _comparison(
    left: ast.expr, op: ast.cmpop, right: ast.expr, names: set[str]
) -> Iterator[tuple[list[Any], Any, str]]:
    if isinstance(op, (ast.Eq, ast.Is)) and (args := _arguments(left, names)) is not None:
        for expected in _literals(right):
            yield args, expected, ""
    elif isinstance(op, (ast.Lt, ast.LtE)) and isinstance(left, ast.Call) and _named(left.func, {"abs"}) and left.args:
        difference = left.args[0]
        if isinstance(difference, ast.BinOp) and isinstance(difference.op, ast.Sub):
            for expected in _literals(difference.right):
                if (args := _arguments(difference.left, names)) is not None:
                    yield args, expected, CLOSE


def _arguments(node: ast.expr, names: set[str]) -> list[Any] | None:
    """The literal arguments of a call of one of `names`; None for anything else."""
    if not (isinstance(node, ast.Call) and _named(node.func, names)) or node.keywords:
        return None
    args = [value for arg in node.args for value in _literals(arg)]
    return args if len(args) == len(node.args) else None


def _named(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _literals(node: ast.expr) -> Iterator[Any]:
    """The value of a literal; nothing for any other expression."""
    try:
        yield ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return


def _keep(found: Found, args: list[Any], expected: Any) -> None:
    """Adds a test if JSON can carry it."""
    if not survives([args, expected]):
        found.left_out += 1
        return
    if has_tuple(expected):
        found.words.add("tuple_is_list")
    found.tests.append(json.loads(json.dumps({"args": args, "expected": expected})))


def survives(value: Any) -> bool:
    """Whether JSON gives the value back, save that a tuple becomes a list. Integers beyond 64 bits do not survive."""
    if isinstance(value, (list, tuple)):
        return all(map(survives, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and survives(item) for key, item in value.items())
    if isinstance(value, float):
        return abs(value) < float("inf")
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, str)


def has_tuple(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_tuple, value.values()))
    return isinstance(value, tuple) or (isinstance(value, list) and any(map(has_tuple, value)))

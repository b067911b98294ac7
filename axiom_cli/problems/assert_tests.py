"""From the asserts of an imported test to calls with expected results, which a verifier can check from outside.

Only literals are read, and nothing is run. An assert of any other shape is counted and left out.
"""

from __future__ import annotations

import ast
import doctest
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from axiom_cli import syntax
from axiom_cli.json_codec import carries_test

CLOSE = "float:1e-6"
Reading = tuple[list[Any], Any, str]
"""An assert as (arguments, expected result, rule of comparison)."""


@dataclass
class AssertTests:
    """Tests read from asserts, or from lists of inputs and results if `from_lists`; the rules of comparison that they
    need; and how many were of another shape."""

    tests: list[dict[str, Any]] = field(default_factory=list)
    rules: set[str] = field(default_factory=set)
    left_out: int = 0
    from_lists: bool = False

    @property
    def checker(self) -> str | None:
        """The verifier's rule for these tests, or None for strict equality."""
        return ",".join(sorted(self.rules)) or None

    def add(self, args: list[Any], expected: Any) -> None:
        """Adds a test if JSON can carry it."""
        if not carries_test([args, expected]):
            self.left_out += 1
            return
        if has_tuple(expected):
            self.rules.add("tuple_is_list")
        self.tests.append(json.loads(json.dumps({"args": args, "expected": expected})))


def read_tests(source: str, entry_point: str) -> AssertTests:
    """The tests that `source` holds for `entry_point` (or `candidate`): its asserts, or its lists `inputs` and
    `results`."""
    found = AssertTests()
    tree = syntax.parse(source, longest=len(source))
    if tree is None:
        return found
    inputs, results = _assigned_list(tree, "inputs"), _assigned_list(tree, "results")
    if inputs is not None and results is not None:
        found.from_lists = True
        found.rules.add(CLOSE)
        for args, expected in zip(inputs, results, strict=False):
            found.add(list(args), expected)
        return found
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assert) or (isinstance(node.test, ast.Constant) and node.test.value):
            continue  # `assert True` tests nothing
        reading = next(_readings(node.test, {"candidate", entry_point}), None)
        if reading is None:
            found.left_out += 1
            continue
        args, expected, rule = reading
        if rule:
            found.rules.add(rule)
        found.add(args, expected)
    return found


def shown_calls(prompt: str, entry_point: str) -> list[list[Any]]:
    """The arguments of the calls that a prompt shows as `>>>` examples."""
    try:
        sources = [example.source for example in doctest.DocTestParser().get_examples(prompt)]
    except ValueError:
        return []
    trees = [tree for source in sources if (tree := syntax.parse(source)) is not None and len(tree.body) == 1]
    shown = [_arguments(tree.body[0].value, {entry_point}) for tree in trees if isinstance(tree.body[0], ast.Expr)]
    return [json.loads(json.dumps(args)) for args in shown if args is not None and carries_test(args)]


def _assigned_list(tree: ast.Module, name: str) -> list[Any] | None:
    """The literal list that is assigned to `name` anywhere in the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            for value in _literals(node.value):
                return value if isinstance(value, list) else None
    return None


def _readings(test: ast.expr, names: set[str]) -> Iterator[Reading]:
    """At most one reading of an assert."""
    if (args := _arguments(test, names)) is not None:
        yield args, True, ""
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        if (args := _arguments(test.operand, names)) is not None:
            yield args, False, ""
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        yield from _comparison_readings(test.left, test.ops[0], test.comparators[0], names)


def _comparison_readings(left: ast.expr, op: ast.cmpop, right: ast.expr, names: set[str]) -> Iterator[Reading]:
    """`f(...) == literal`, or `abs(f(...) - literal) < ...`."""
    if isinstance(op, (ast.Eq, ast.Is)) and (args := _arguments(left, names)) is not None:
        for expected in _literals(right):
            yield args, expected, ""
    elif (
        isinstance(op, (ast.Lt, ast.LtE)) and isinstance(left, ast.Call) and _is_name(left.func, {"abs"}) and left.args
    ):
        difference = left.args[0]
        if isinstance(difference, ast.BinOp) and isinstance(difference.op, ast.Sub):
            for expected in _literals(difference.right):
                if (args := _arguments(difference.left, names)) is not None:
                    yield args, expected, CLOSE


def _arguments(node: ast.expr, names: set[str]) -> list[Any] | None:
    """The literal arguments of a call of one of `names`; None for anything else."""
    if not (isinstance(node, ast.Call) and _is_name(node.func, names)) or node.keywords:
        return None
    args = [value for arg in node.args for value in _literals(arg)]
    return args if len(args) == len(node.args) else None


def _is_name(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _literals(node: ast.expr) -> Iterator[Any]:
    """The value of a literal; nothing for any other expression."""
    try:
        yield ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return


def has_tuple(value: Any) -> bool:
    """Whether there is a tuple anywhere in a value."""
    if isinstance(value, dict):
        return any(map(has_tuple, value.values()))
    return isinstance(value, tuple) or (isinstance(value, list) and any(map(has_tuple, value)))

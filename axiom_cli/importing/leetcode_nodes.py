"""Tests of LeetCode's linked lists and trees as data: a function in the prelude makes nodes of the arguments and reads
the result back.

Tests that made nodes of a class which the program may define anew would believe whatever that class says of itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from axiom_cli import json_codec
from axiom_cli.records import Program

MAKERS: Mapping[str, str] = {"list_node": "is_same_list", "tree_node": "is_same_tree"}
"""What the preludes of the set make nodes with, and what its tests compare them by."""
READERS: Mapping[str, str] = {
    "list_node": """
def read_list_node(node):
    values = []
    while node is not None:
        values.append(node.val)
        node = node.next
    return values
""",
    "tree_node": """
def read_tree_node(root):
    values, nodes = [], [root]
    for node in nodes:
        values.append(None if node is None else node.val)
        nodes += [] if node is None else [node.left, node.right]
    while values and values[-1] is None:
        values.pop()
    return values
""",
}


class OtherShapeError(ValueError):
    """An assert is neither `is_same_list(candidate(...), list_node(...))` nor `candidate(...) == ...`."""


class Value(NamedTuple):
    """A literal, and the function that makes nodes of it; an empty name for none."""

    maker: str
    literal: Any


def makes_nodes(tests: str) -> bool:
    """Whether tests make nodes."""
    return any(f"{maker}(" in tests for maker in MAKERS)


def as_data(program: Program, tests: str, method: str) -> Program:
    """The program with these tests as data, called by a function `method` of its prelude. Raises OtherShapeError."""
    calls = list(_calls(tests))
    if not calls or len({len(call) for call in calls}) > 1:
        raise OtherShapeError("no calls, or with different numbers of arguments")
    makers = [max(value.maker for value in column) for column in zip(*calls, strict=True)]
    if any(value.maker not in ("", maker) for call in calls for value, maker in zip(call, makers, strict=True)):
        raise OtherShapeError("lists in one test, trees in another")
    data = [
        {"args": [value.literal for value in args], "expected": _canonical(wanted.literal, makers[-1])}
        for *args, wanted in calls
    ]
    if not json_codec.round_trips(data):
        raise OtherShapeError("values that JSON does not have")
    prelude = f"{program.prelude}\n{READERS.get(makers[-1], '')}{_adapter(method, makers)}"
    return replace(program, entry_point=method, tests=data, test_code=None, checker=None, prelude=prelude)


def _adapter(method: str, makers: Sequence[str]) -> str:
    """A function called as the method, which takes and returns data. `makers` has those of the arguments, then that of
    the result."""
    names = [f"arg{place}" for place in range(len(makers) - 1)]
    args = [f"{maker}({name})" if maker else name for name, maker in zip(names, makers, strict=False)]
    called = f"Solution().{method}({', '.join(args)})"
    returned = f"read_{makers[-1]}({called})" if makers[-1] else called
    return f"\ndef {method}({', '.join(names)}):\n    return {returned}\n"


def _calls(tests: str) -> Iterator[list[Value]]:
    """The arguments of each assert's call, and then what it expects. Raises OtherShapeError."""
    for node in ast.walk(ast.parse(tests)):
        if isinstance(node, ast.Assert):
            call, wanted = _sides(node.test)
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "candidate") or call.keywords:
                raise OtherShapeError(ast.unparse(node))
            yield [_value(part) for part in (*call.args, wanted)]


def _sides(test: ast.expr) -> tuple[ast.expr, ast.expr]:
    """The two expressions that an assert compares. Raises OtherShapeError."""
    if isinstance(test, ast.Call) and len(test.args) == 2 and ast.unparse(test.func) in MAKERS.values():
        return test.args[0], test.args[1]
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        return test.left, test.comparators[0]
    raise OtherShapeError(ast.unparse(test))


def _value(node: ast.expr) -> Value:
    """A literal, or nodes made of one. Raises OtherShapeError."""
    maker = ""
    if isinstance(node, ast.Call) and len(node.args) == 1 and ast.unparse(node.func) in MAKERS:
        maker, node = ast.unparse(node.func), node.args[0]
    try:
        return Value(maker, ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise OtherShapeError(ast.unparse(node)) from None


def _canonical(value: Any, maker: str) -> Any:
    """What the reader of such nodes returns for these."""
    if not maker or not isinstance(value, list):
        return [] if maker and value is None else value
    filled = [place for place, item in enumerate(value) if item is not None]
    return value[: filled[-1] + 1] if filled else []

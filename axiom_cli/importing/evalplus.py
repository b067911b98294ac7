"""Rows of EvalPlus: inputs without results. What should come out is what the row's own solution gives in the sandbox.

Not every row can be said so. Some sets of EvalPlus are judged by oracles of its own, and those of MBPP whose inputs are
tuples or sets have them as lists, which its loader turns back by their numbers. Such rows are refused.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from axiom_cli import syntax
from axiom_cli.errors import InputError
from axiom_cli.importing import schema
from axiom_cli.importing.schema import Row
from axiom_cli.problems import assert_tests
from axiom_cli.records import Problem
from axiom_cli.sandbox import Outcome, Sandbox, suite, values
from axiom_cli.sandbox.inside.reader import Unreadable

MOST = 200
"""Inputs of a row that become tests, those of the original set first: every record of the problem carries them."""
LARGEST = 100_000
"""Characters that the added inputs of a row may take as JSON, all together."""
TOO_MUCH = ("took more than", "its results were too large", "MemoryError")
OWN_ORACLE: Mapping[str, frozenset[str]] = {
    "humaneval": frozenset(["find_zero"]),
    "mbpp": frozenset(
        ["are_equivalent", "sum_div", "surface_Area", "digit_distance_nums", "check_str", "text_match_three",
         "text_starta_endb", "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly",
         "larg_nnum", "intersection_array", "find_dissimilar", "Diff"]
    ),
}  # fmt: skip
"""Functions whose results EvalPlus 0.3.1 does not compare with those of the solution, by set."""


@dataclass(frozen=True)
class Inputs:
    """Lists of arguments, of which the first `base` are the original set's; how many others the row has; and how far a
    float may be off, 0 where it says nothing."""

    calls: Sequence[list[Any]]
    base: int
    left_out: int
    tolerance: float


def read(row: Row) -> Inputs:
    """The inputs of a row, as many as are taken. Raises InputError where they are none."""
    base, plus = (_lists(row, name) for name in ("base_input", "plus_input"))
    if not base and not plus:
        raise InputError("its base_input is empty")
    tolerance = row.get("atol", 0)
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < 1:
        raise InputError(f"its atol is {tolerance!r:.40}, expected a number from 0, less than 1")
    calls = [*base[:MOST], *_bounded(plus[: max(0, MOST - len(base))])]
    return Inputs(calls, min(len(base), MOST), len(base) + len(plus) - len(calls), float(tolerance))


def _lists(row: Row, name: str) -> list[Any]:
    found = schema.tests(row.get(name), name) or []
    if not isinstance(found, list) or not all(isinstance(one, list) for one in found):
        raise InputError(f"its {name} is {found!r:.40}, expected a list of lists of arguments")
    return found


def _bounded(calls: Sequence[list[Any]]) -> Iterator[list[Any]]:
    """Those of `calls` that there is room for; larger ones are passed over."""
    left = LARGEST
    for args in calls:
        if (size := len(str(args))) <= left:
            left -= size
            yield args


def ungradable(row: Row) -> str:
    """Why no tests can say what EvalPlus asks of a row: it does not compare results, or its inputs are no JSON. Nothing
    where they can."""
    origin, entry = str(row["task_id"]).partition("/")[0].lower(), row["entry_point"]
    if entry in OWN_ORACLE.get(origin, ()):
        return "EvalPlus judges it by an oracle of its own, which no tests can say"
    if origin == "mbpp" and any(map(_is_foreign, _shown_arguments(row, entry))):
        return "it is called with tuples, sets or complex numbers, which its inputs have as lists and texts"
    return ""


def _shown_arguments(row: Row, entry: str) -> Iterator[ast.expr]:
    """The arguments in the asserts that the row shows."""
    shown = [line.strip() for line in f"{row['prompt']}\n{row.get('assertion', '')}".splitlines()]
    for tree in map(syntax.parse, (line for line in shown if line.startswith("assert "))):
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == entry:
                yield from node.args


def _is_foreign(arg: ast.expr) -> bool:
    """Whether an argument holds what JSON has not."""
    nodes = list(ast.walk(arg))
    made = any(isinstance(node, (ast.Tuple, ast.Set, ast.Call)) for node in nodes)
    return made or any(isinstance(node, ast.Constant) and isinstance(node.value, (complex, bytes)) for node in nodes)


def answered(problem: Problem, inputs: Inputs, gold: str, box: Sandbox) -> Problem:
    """The problem with a test for each input, what should come out as `gold` gives it.

    Where the sandbox's limits stop `gold`, it runs on half of the added inputs, and so on. Inputs whose result JSON
    cannot carry are left out, and counted in `source`. Raises InputError where it fails, or nothing remains.
    """
    program, calls = problem.program, list(inputs.calls)
    assert program is not None
    while (outcome := box.call(gold, suite.calls(program.entry_point, calls))).status != "pass":
        if len(calls) <= inputs.base or not outcome.reason.startswith(TOO_MUCH):
            why = outcome.reason.replace(" on test ", " on input ")
            raise InputError(f"its solution does not say what to expect: {why}")
        del calls[max(inputs.base, len(calls) // 2) :]
    found = list(_results(calls, outcome))
    if not found:
        raise InputError("no result of its solution can be written as JSON")
    left_out = inputs.left_out + len(inputs.calls) - len(found)
    expected = [value for _, value in found]
    tests = [{"args": args, "expected": value} for args, value in found]
    tests = json.loads(json.dumps(tests))  # a tuple becomes the list that it is in a record
    shown = [case for case in tests if case["args"] in [one["args"] for one in program.examples]]
    program = replace(program, tests=tests, examples=shown, checker=_checker(expected, inputs.tolerance))
    source = {**problem.extra["source"], "tests_left_out": left_out}
    return replace(problem, program=program, extra={**problem.extra, "source": source})


def _results(calls: Sequence[list[Any]], outcome: Outcome) -> Iterator[tuple[list[Any], Any]]:
    for args, data in zip(calls, outcome.returned, strict=True):
        try:
            value = values.read(data)
        except Unreadable:
            continue
        if assert_tests.survives(value):
            yield args, value


def _checker(expected: Sequence[Any], tolerance: float) -> str | None:
    """The rule for these results: `atol` where it is given, else EvalPlus's own where floats are expected."""
    words = [f"float:{tolerance!r}"] if tolerance else [assert_tests.CLOSE] if any(map(_is_floats, expected)) else []
    return ",".join([*words, *(["tuple_is_list"] if any(map(assert_tests.has_tuple, expected)) else [])]) or None


def _is_floats(value: Any) -> bool:
    """A float, or a sequence of floats alone, and of one at least."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return bool(items) and all(isinstance(item, float) for item in items)

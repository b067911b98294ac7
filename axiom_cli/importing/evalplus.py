"""Rows of EvalPlus: inputs without results. What is expected is what the row's own solution returns in the sandbox.

Some rows cannot be graded that way and are refused: EvalPlus judges some functions by oracles of its own, and rows of
MBPP whose arguments are tuples or sets have them as lists, which its loader converts back by task number.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from axiom_cli import json_codec, syntax
from axiom_cli.errors import InputError
from axiom_cli.importing import schema
from axiom_cli.importing.schema import Row
from axiom_cli.problems.assert_tests import AssertTests, Reading
from axiom_cli.records import Problem
from axiom_cli.sandbox import Outcome, Sandbox, suite, values
from axiom_cli.sandbox.inside.reader import UnreadableError

MOST_INPUTS = 200
"""Inputs of a row that become tests, those of the original set first: every record of the problem carries them."""
LARGEST_INPUTS = 100_000
"""Characters that the added inputs of a row may take as JSON, all together."""
FLOAT_TOLERANCE, RELATIVE_TOLERANCE = 1e-6, 1e-7
"""Of EvalPlus 0.3.1, where floats are expected: the absolute one holds where a row has no `atol`."""
LIMIT_REASONS = ("took more than", "its results were too large", "MemoryError")
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
    """The argument lists of a row. The first `base` are the original set's; `left_out` counts those not taken;
    `tolerance` is how far a float may be off, 0 if the row does not say."""

    calls: Sequence[list[Any]]
    base: int
    left_out: int
    tolerance: float


def read_inputs(row: Row) -> Inputs:
    """The inputs of a row, as many as are taken. Raises InputError where they are malformed."""
    base, plus = (_argument_lists(row, name) for name in ("base_input", "plus_input"))
    if not base and not plus:
        raise InputError("its base_input is empty")
    tolerance = row.get("atol", 0)
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < 1:
        raise InputError(f"its atol is {tolerance!r:.40}, expected a number from 0, less than 1")
    calls, room = base[:MOST_INPUTS], LARGEST_INPUTS
    for args in plus[: max(0, MOST_INPUTS - len(base))]:
        if (size := len(str(args))) <= room:
            room -= size
            calls.append(args)
    return Inputs(calls, min(len(base), MOST_INPUTS), len(base) + len(plus) - len(calls), float(tolerance))


def _argument_lists(row: Row, name: str) -> list[Any]:
    calls = schema.tests(row.get(name), name) or []
    if not isinstance(calls, list) or not all(isinstance(args, list) for args in calls):
        raise InputError(f"its {name} is {calls!r:.40}, expected a list of lists of arguments")
    return calls


def ungradable(row: Row) -> str:
    """Why tests cannot grade a row as EvalPlus does: it does not compare results, or the inputs are not JSON. Empty if
    they can."""
    origin, entry_point = str(row["task_id"]).partition("/")[0].lower(), row["entry_point"]
    if entry_point in OWN_ORACLE.get(origin, ()):
        return "EvalPlus judges it by an oracle of its own, which tests cannot express"
    if origin == "mbpp" and any(map(_is_not_json, _shown_arguments(row, entry_point))):
        return "it is called with tuples, sets or complex numbers, which its inputs write as lists and strings"
    return ""


def _shown_arguments(row: Row, entry_point: str) -> Iterator[ast.expr]:
    """The arguments in the asserts that the row shows."""
    lines = [line.strip() for line in f"{row['prompt']}\n{row.get('assertion', '')}".splitlines()]
    for tree in map(syntax.parse, (line for line in lines if line.startswith("assert "))):
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == entry_point:
                yield from node.args


def _is_not_json(arg: ast.expr) -> bool:
    return any(
        isinstance(node, (ast.Tuple, ast.Set, ast.Call))
        or (isinstance(node, ast.Constant) and isinstance(node.value, (complex, bytes)))
        for node in ast.walk(arg)
    )


def with_tests(problem: Problem, inputs: Inputs, gold: str, sandbox: Sandbox) -> Problem:
    """The problem with a test for each input, whose expected result is what the solution `gold` returns.

    Where `gold` exceeds the sandbox's limits, it runs on half of the added inputs, and so on. Inputs whose result JSON
    cannot hold are left out and counted in `source`. Raises InputError where `gold` fails or no test remains.
    """
    program, calls = problem.program, list(inputs.calls)
    assert program is not None
    while (
        outcome := sandbox.run(gold, suite.calls(program.entry_point, calls, program.prelude or ""))
    ).status != "pass":
        if len(calls) <= inputs.base or not outcome.reason.startswith(LIMIT_REASONS):
            reason = outcome.reason.replace(" on test ", " on input ")
            raise InputError(f"its solution does not give expected results: {reason}")
        del calls[max(inputs.base, len(calls) // 2) :]
    results = list(_readable_results(calls, outcome))
    if not results:
        raise InputError("none of its solution's results can be written as JSON")
    left_out = inputs.left_out + len(inputs.calls) - len(results)
    parsed = compared(results, inputs.tolerance)
    tests = parsed.tests(parsed.checker)
    shown = [example["args"] for example in program.examples]
    examples = [test for test in tests if test["args"] in shown]
    program = replace(program, tests=tests, examples=examples, checker=parsed.checker)
    source = {**problem.extra["source"], "tests_left_out": left_out}
    return replace(problem, program=program, extra={**problem.extra, "source": source})


def _readable_results(calls: Sequence[list[Any]], outcome: Outcome) -> Iterator[tuple[list[Any], Any]]:
    for args, data in zip(calls, outcome.returned, strict=True):
        try:
            value = values.read(data)
        except UnreadableError:
            continue
        if json_codec.carries_test(value):
            yield args, value


def compared(cases: Iterable[tuple[list[Any], Any]], tolerance: float) -> AssertTests:
    """Arguments with expected results as tests that compare as EvalPlus 0.3.1 does: by Python's `==`, or else floats by
    `numpy.allclose` with its own relative tolerance. Whole numbers are exact. What JSON cannot hold is left out."""
    readings, left_out = [], 0
    for args, expected in cases:
        if not json_codec.round_trips(args) or not json_codec.carries_test(expected):
            left_out += 1
            continue
        rules = []
        if _is_float(expected) or (tolerance and _has_float(expected)):
            rules.append(f"allclose:{tolerance or FLOAT_TOLERANCE!r}:{RELATIVE_TOLERANCE!r}")
        if has_tuple(expected):
            outermost = isinstance(expected, tuple) and not any(map(has_tuple, expected))
            rules.append("tuple" if outermost else "tuple_is_list")
        plain = json.loads(json.dumps(expected))  # a tuple becomes the list that it is in a record
        readings.append(Reading(args, plain, ",".join(rules)))
    return AssertTests(tuple(readings), left_out)


def _is_float(value: Any) -> bool:
    """Whether the value is a float, or a sequence of one or more floats and nothing else."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return bool(items) and all(isinstance(item, float) for item in items)


def _has_float(value: Any) -> bool:
    """Whether there is a float anywhere in a value."""
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    return any(map(_has_float, value)) if isinstance(value, (list, tuple)) else isinstance(value, float)


def has_tuple(value: Any) -> bool:
    """Whether there is a tuple anywhere in a value."""
    if isinstance(value, dict):
        return any(map(has_tuple, value.values()))
    return isinstance(value, tuple) or (isinstance(value, list) and any(map(has_tuple, value)))


PLAIN_ASSERTION = re.compile(r"assertion\((\w+)\(\*\w+\), (?:\w+|(ref_func)\(\*\w+\)), ([\d.e-]+)\)")


class HubTests(NamedTuple):
    """What a `test` of the hub says: inputs, their results if it lists them, and how far a float may be off."""

    inputs: list[Any]
    results: list[Any] | None
    tolerance: float


def read_hub_tests(source: str, entry_point: str) -> HubTests | None:
    """The lists of a `test` that ends in `assertion(candidate(*inp), exp, atol)`. None for one that compares anything
    else than results, or has no lists."""
    tree = syntax.parse(source, longest=len(source))
    inputs = _assigned_list(tree, "inputs") if tree else None
    if tree is None or inputs is None:
        return None
    results = _assigned_list(tree, "results")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (compared := PLAIN_ASSERTION.fullmatch(ast.unparse(node))):
            function, reference, tolerance = compared.groups()
            if function in ("candidate", entry_point) and (results is None) == bool(reference):
                return HubTests(inputs, results, float(tolerance))
    return None


def _assigned_list(tree: ast.Module, name: str) -> list[Any] | None:
    """The literal list that is assigned to `name` anywhere in the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return None
            return value if isinstance(value, list) else None
    return None

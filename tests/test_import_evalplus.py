"""Rows of EvalPlus: what their inputs should give is for their solutions to say."""

from __future__ import annotations

import json

import pytest

from axiom_cli.importing.evalplus import MOST_INPUTS
from axiom_cli.importing.importer import import_problems
from axiom_cli.settings.configs import VerifyConfig
from test_import_problems import CONFIG, HUMANEVAL, _one

BARE = {key: value for key, value in HUMANEVAL.items() if key != "test"}
EVALPLUS = {**HUMANEVAL, "contract": "\n    assert a < 99", "base_input": [[1, 2], [5, 7]], "plus_input": [[0, -4]],
            "atol": 0}  # fmt: skip


def _evalplus(**changed):
    return _one({**EVALPLUS, **changed}, "evalplus")


def test_evalplus_s_own_rows_have_inputs_whose_results_their_solution_gives():
    program = _evalplus().problem.program
    sums = [([1, 2], 3), ([5, 7], 12), ([0, -4], -4)]
    assert program.tests == [{"args": args, "expected": total} for args, total in sums]
    assert program.examples == program.tests[:1] and program.checker is None and program.test_code is None
    again = _one({**BARE, "base_input": json.dumps([[1, 2]])}, "evalplus").problem
    assert again.program.tests == [{"args": [1, 2], "expected": 3}] and again.extra["source"]["tests_left_out"] == 0


@pytest.mark.parametrize(
    ("body", "atol", "checker"),
    [
        ("a + b", 0, None),
        ("a + b", 1e-4, None),
        ("a / 4", 0, "allclose:1e-06:1e-07"),
        ("[a / 4, 0.5]", 0, "allclose:1e-06:1e-07"),
        ("[a / 4, 'x']", 0, None),
        ("[a / 4, 'x']", 1e-4, "allclose:0.0001:1e-07"),
        ("(a + 2, b)", 0, "tuple"),
        ("[(a + 2, b)]", 0, "tuple_is_list"),
        ("a > 3", 0, "bool_is_int"),
        ("{'k': (a / 4,)}", 0.5, "allclose:0.5:1e-07,tuple_is_list"),
    ],
)
def test_how_results_of_evalplus_are_compared(body, atol, checker):
    inputs = {"base_input": [[1, 2], [5, 7]], "plus_input": [[10, -4]]}
    found = _evalplus(canonical_solution=f"    return {body}\n", atol=atol, **inputs)
    assert found.problem.program.checker == checker
    assert json.loads(json.dumps(found.problem.program.tests)) == found.problem.program.tests


def test_of_many_inputs_the_first_are_taken_and_the_rest_counted():
    many = [[n, n] for n in range(1000)]
    found = _evalplus(plus_input=many)
    tests = found.problem.program.tests
    assert len(tests) == MOST_INPUTS and [test["args"] for test in tests[:3]] == [[1, 2], [5, 7], [0, 0]]
    assert (
        found.problem.extra["source"]["tests_left_out"] == 1002 - MOST_INPUTS
        and f"beyond {MOST_INPUTS} inputs" in found.note
    )
    wide = [[[0] * 40_000, n] for n in range(5)]
    found = _evalplus(canonical_solution="    return b\n", plus_input=[*wide, [1, 1]])
    assert len(found.problem.program.tests) == 3 and found.problem.extra["source"]["tests_left_out"] == 5
    assert _evalplus(base_input=many, plus_input=[]).problem.extra["source"]["tests_left_out"] == 1000 - MOST_INPUTS


def test_inputs_that_the_solution_does_not_manage_and_results_that_json_has_not_are_left_out():
    slow = "    while a == 9:\n        pass\n    return a\n"
    (found,) = import_problems(
        [{**EVALPLUS, "canonical_solution": slow, "plus_input": [[2, 2], [3, 3], [9, 9], [4, 4]]}],
        "evalplus", VerifyConfig(timeout=0.5, jobs=1),
    )  # fmt: skip
    assert [test["args"][0] for test in found.problem.program.tests] == [1, 5, 2]
    assert found.problem.extra["source"]["tests_left_out"] == 3 and found.note
    odd = "    return {1} if a == 0 else float('nan') if a == 5 else a\n"
    found = _evalplus(canonical_solution=odd, plus_input=[[0, 1], [7, 7]])
    assert [test["args"][0] for test in found.problem.program.tests] == [1, 7]
    assert found.problem.extra["source"]["tests_left_out"] == 2


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"canonical_solution": "    return 1 // (a - 5)\n"}, "does not give expected results: ZeroDivisionError"),
        ({"canonical_solution": "    return 1 // (a - 5)\n"}, "on input 2"),
        ({"canonical_solution": "    return {a}\n"}, "none of its solution's results can be written as JSON"),
        ({"canonical_solution": "    return add\n"}, "does not give expected results: returned something that"),
        ({"entry_point": "sub"}, "does not define sub"),
        ({"base_input": [1, 2]}, "its base_input is [1, 2], expected a list of lists of arguments"),
        ({"base_input": [], "plus_input": []}, "its base_input is empty"),
        ({"atol": "small"}, "its atol is 'small'"),
        ({"atol": -1}, "its atol is -1"),
        ({"entry_point": "find_zero"}, "by an oracle of its own"),
        ({"task_id": "Mbpp/2", "entry_point": "Diff"}, "by an oracle of its own"),
        ({"task_id": "Mbpp/3", "prompt": '"""Adds.\nassert add((1,), 2) == 3\n"""\ndef add(a, b):\n'}, "with tuples"),
    ],
)
def test_rows_of_evalplus_that_no_tests_can_say(changed, reason):
    _, found = import_problems([HUMANEVAL, {**EVALPLUS, **changed}], "evalplus", CONFIG)
    assert found.problem is None and reason in found.reason, found.reason


def test_rows_without_tests_are_told_what_is_missing():
    (_, found) = import_problems([HUMANEVAL, BARE], "humaneval", CONFIG)
    assert found.reason == "it has no 'test'"
    (_, found) = import_problems([HUMANEVAL, {**BARE, "base_input": [[1, 2]]}], "humaneval", CONFIG)
    assert found.reason == "it has no 'test', but inputs, which --as evalplus reads"
    (_, found) = import_problems([HUMANEVAL, BARE], "evalplus", CONFIG)
    assert found.reason == "it has neither 'base_input' nor 'test'"
    (found,) = import_problems([EVALPLUS], "evalplus", config=None)
    assert found.problem is None and found.reason

"""Rows of EvalPlus: what their inputs should give is for their solutions to say."""

from __future__ import annotations

import json

import pytest

from axiom_cli.importing.evalplus import MOST_INPUTS
from axiom_cli.importing.importer import import_problems
from axiom_cli.sandbox import Limits, Sandbox
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


@pytest.mark.slow
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


HUB = """import numpy as np


def is_floats(x) -> bool:
    return isinstance(x, float)


def assertion(out, exp, atol):
    assert out == exp or np.allclose(out, exp, rtol=1e-07, atol=atol)


def check(candidate):
    inputs = {inputs}
    results = {results}
    for i, (inp, exp) in enumerate(zip(inputs, results)):
        assertion(candidate(*inp), exp, {atol})
"""


def _hub(results, atol=0, solution="a + b", inputs=((1, 2), (5, 7)), test=HUB):
    test = test.format(inputs=[list(args) for args in inputs], results=results, atol=atol)
    return _one({**BARE, "canonical_solution": f"    return {solution}\n", "test": test}, "evalplus")


@pytest.mark.slow
def test_rows_of_the_hub_keep_their_tolerance_for_floats_alone():
    assert _hub([3, 12]).problem.program.checker is None
    assert _hub([3, 12], 1e-4).problem.program.checker is None
    assert _hub([3.5, 12.5], 1e-4, "a + b + 0.5").problem.program.checker == "allclose:0.0001:1e-07"
    mixed = _hub([0.5, 12], 0, "a / b if b == 2 else a + b").problem.program
    assert mixed.checker == "allclose:1e-06:1e-07" and mixed.tests[1]["checker"] == ""
    assert _hub([(1, 2), (5, 7)], 0, "(a, b)").problem.program.checker == "bool_is_int,tuple"


def test_rows_of_the_hub_whose_solution_gives_the_results():
    test = HUB.replace("    results = {results}\n", "").replace("for i, (inp, exp) in enumerate(zip(inputs, results))",
        "for i, inp in enumerate(inputs)").replace("exp, {atol}", "ref_func(*inp), {atol}")  # fmt: skip
    program = _hub(None, test=test).problem.program
    assert [case["expected"] for case in program.tests] == [3, 12] and program.checker is None


def test_rows_of_the_hub_that_compare_something_else_stay_code():
    test = HUB.replace("candidate(*inp), exp", "set(candidate(*inp)), set(exp)").replace("import numpy as np\n", "")
    program = _hub([[2, 1], [7, 5]], solution="[a, b]", test=test).problem.program
    assert program.tests is None and "set(candidate(*inp))" in program.test_code
    assert "numpy" in _hub([[2, 1], [7, 5]], solution="[a, b]", test="import numpy as np\n" + test).reason


def test_inputs_of_the_hub_that_json_cannot_hold_are_left_out():
    found = _hub([3, 12, 2], inputs=((1, 2), (5, 7), ((1,), (2,))), solution="a + b if a != (1,) else 2")
    assert [case["args"] for case in found.problem.program.tests] == [[1, 2], [5, 7]]
    assert found.problem.extra["source"]["tests_left_out"] == 1 and found.note


OUTPUTS = [
    0, 1, 1.0, True, 2, 2.0, 2.0000005, 2.000005, 4000000, 4000001, 4000000.3, 4000000.9, [2.0, 1.0], [2.0000005, 1],
    [2, 1], (2.0, 1.0), [2.0], "2", None, [4000001], [4000000], [True], [1],
]  # fmt: skip


def evalplus_equal(out, exp, atol):
    """The comparison of EvalPlus 0.3.1, less its leak of one test's tolerance into the next ones; whole numbers are
    exact, and one may be near a float."""
    items = exp if isinstance(exp, (list, tuple)) else [exp]
    floats = [isinstance(item, float) for item in items]
    if out == exp or not (any(floats) if atol else all(floats)):
        return out == exp
    others = out if isinstance(out, (list, tuple)) else [out]
    alike = type(out) is type(exp) or (_is_number(out) and _is_number(exp))
    if not alike or len(items) != len(others) or not all(map(_is_number, (*items, *others))):
        return False
    pairs = zip(items, others, strict=True)
    return all(a == b or (not _both_whole(a, b) and abs(a - b) <= (atol or 1e-6) + 1e-7 * abs(a)) for a, b in pairs)


def _is_number(value):
    return type(value) in (int, float)


def _both_whole(a, b):
    return isinstance(a, int) and isinstance(b, int)


@pytest.mark.parametrize("atol", [0, 1e-3])
def test_results_are_compared_as_evalplus_compares_them(atol):
    expected = [value for value in OUTPUTS if value is not None]
    found = _evalplus(
        canonical_solution=f"    return {expected!r}[a]\n", base_input=[[n, 0] for n in range(len(expected))],
        plus_input=[], atol=atol,
    )  # fmt: skip
    differ = []
    with Sandbox(Limits(), jobs=1) as box:
        for out in OUTPUTS:
            outcome = box.run(f"def add(a, b): return {out!r}", found.problem.program)
            if outcome.passed != sum(evalplus_equal(out, exp, atol) for exp in expected):
                differ.append((out, outcome, [exp for exp in expected if evalplus_equal(out, exp, atol)]))
    assert differ == []

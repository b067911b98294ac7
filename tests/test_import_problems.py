"""Other people's problems come in as records that the verifier can grade, or with the reason why not."""

from __future__ import annotations

import pytest

from axiom_cli.configs import VerifyConfig
from axiom_cli.errors import InputError, UsageError
from axiom_cli.families import draw, handwritten
from axiom_cli.stages.import_problems import import_problems
from axiom_cli.stages.overlap import overlap

HUMANEVAL = {
    "task_id": "HumanEval/900",
    "prompt": 'def add(a: int, b: int) -> int:\n    """Adds.\n    >>> add(1, 2)\n    3\n    """\n',
    "entry_point": "add",
    "canonical_solution": "    return a + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(5, 7) == 12\n"
    "    assert abs(candidate(1, 1) - 2) < 1e-6\n    assert True, 'well done'\n",
}
LOOP = HUMANEVAL["test"] + "    for i in range(3):\n        assert candidate(i, i) == 2 * i\n"
MBPP = {
    "task_id": 901,
    "text": "Write a function to swap a pair.",
    "code": "def swap(pair):\r\n    return (pair[1], pair[0])",
    "test_list": ["assert swap((1, 2)) == (2, 1)", "assert swap((3, 4)) == (4, 3)", "assert swap((0, 9)) == (9, 0)"],
    "test_setup_code": "",
    "challenge_test_list": [],
}
DOUBLE = "def f(x):\n    return 2 * x\n"
CONFIG = VerifyConfig(jobs=1)


def _one(row, form):
    (found,) = import_problems([row], form, CONFIG)
    return found


def test_humaneval():
    problem = _one(HUMANEVAL, "humaneval").problem
    assert (problem.family, problem.split, problem.title) == ("humaneval", "test", "HumanEval/900")
    assert problem.program.examples == [{"args": [1, 2], "expected": 3}], "what the prompt shows is not graded"
    assert problem.program.tests == [{"args": [5, 7], "expected": 12}, {"args": [1, 1], "expected": 2}]
    assert problem.program.checker == "float:1e-6"
    assert problem.program.test_code is None
    assert problem.program.signature == "add(a: int, b: int) -> int"


def test_tests_that_no_list_of_calls_can_say_stay_code():
    problem = _one({**HUMANEVAL, "test": LOOP}, "humaneval").problem
    assert (problem.program.tests, problem.program.test_code) == (None, LOOP)
    assert problem.program.examples == [{"args": [1, 2], "expected": 3}]
    wrong = _one({**HUMANEVAL, "test": LOOP, "canonical_solution": "    return a - b\n"}, "humaneval")
    assert wrong.problem is None and "the assert on line 2 of its test code" in wrong.reason
    broken = _one({**HUMANEVAL, "test": "import numpy as np\n" + LOOP}, "humaneval")
    assert broken.problem is None and "numpy" in broken.reason
    shown = "def check(candidate):\n    assert candidate(1, 2) == 3\n"
    assert _one({**HUMANEVAL, "test": shown}, "humaneval").problem.program.test_code == shown
    mbpp = {**MBPP, "test_list": ["assert swap((1, 2)) == (2, 1)", "assert set(swap((3, 4))) == {3, 4}"]}
    assert "set(swap" in _one(mbpp, "mbpp").problem.program.test_code


def test_mbpp_shows_its_first_assert_and_grades_the_others():
    problem = _one(MBPP, "mbpp").problem
    assert "swap(pair)" in problem.prompt
    assert MBPP["test_list"][0] in problem.prompt
    assert problem.program.tests == [{"args": [[3, 4]], "expected": [4, 3]}, {"args": [[0, 9]], "expected": [9, 0]}]
    assert problem.program.checker == "tuple_is_list"


def test_evalplus_takes_inputs_with_their_results():
    test = "inputs = [[1, 2], [5, 6]]\nresults = [3, 11]\nfor i, r in zip(inputs, results): pass"
    problem = _one({**HUMANEVAL, "test": test}, "evalplus").problem
    assert problem.program.tests == [{"args": [5, 6], "expected": 11}]
    half = test.replace("[[1, 2], [5, 6]]", "[[{1}, 2], [5, 6]]")
    partly = _one({**HUMANEVAL, "test": half}, "evalplus").problem
    assert len(partly.program.tests) == 1 and partly.extra["source"]["tests_left_out"] == 1
    bare = {key: value for key, value in HUMANEVAL.items() if key != "test"}
    assert "results" in _one({**bare, "base_input": [[1, 2]]}, "evalplus").reason


def test_jsonl():
    rows = [
        {"prompt": "How many?", "answer": " 4  2 ", "note": "kept"},
        {"prompt": "Double.", "entry_point": "f", "tests": [{"args": [2], "expected": 4}], "reference": DOUBLE},
        handwritten.get("fizzbuzz").to_dict(),
    ]
    first, second, third = (one.problem for one in import_problems(rows, "jsonl", CONFIG))
    assert first.answer == "4 2" and first.extra == {"note": "kept"}
    assert second.program.tests == rows[1]["tests"]
    assert third == handwritten.get("fizzbuzz")


def test_a_gold_solution_that_fails_its_own_tests_is_refused():
    wrong = {**HUMANEVAL, "canonical_solution": "    return a - b\n"}
    found = _one(wrong, "humaneval")
    assert found.problem is None
    assert "gold" in found.reason and "wrong answer" in found.reason
    assert next(import_problems([wrong], "humaneval", check=False)).problem


def test_rows_that_hold_nothing_to_check_are_refused():
    assert "no test" in _one({**HUMANEVAL, "test": "def check(candidate):\n    pass\n"}, "humaneval").reason
    assert "not Python" in _one({**HUMANEVAL, "test": "def ("}, "humaneval").reason
    never = "def check(candidate):\n    assert [1] == sorted([1])\n"
    assert "never calls" in _one({**HUMANEVAL, "test": never}, "humaneval").reason


@pytest.mark.parametrize("row", [{}, {"prompt": 3}, {"task_id": 1, "test_list": 7, "code": ""}, {"prompt": "x"}])
@pytest.mark.parametrize("form", ["humaneval", "mbpp", "evalplus", "jsonl"])
def test_a_row_of_another_form_is_named(row, form):
    with pytest.raises(InputError) as error:
        list(import_problems([HUMANEVAL if form == "humaneval" else row, row], form, check=False))
    assert "row" in str(error.value)


def test_an_unknown_form():
    with pytest.raises(UsageError):
        import_problems([], "leetcode")


def test_overlap_counts_equals_and_shared_runs_but_no_boilerplate():
    names = ["arithmetic", "rpn", "parentheses", "list_ops", "modular", "matrix", "calendar", "shortest_path"]
    left = list(draw.problems(names, 400, range(5, 8), "test", 0))
    right = list(draw.problems(names, 400, range(5, 8), "train", 0))
    assert overlap(left, right).exact == 0
    assert overlap(left, right).ngram < 40, "the words of the statements are no overlap"
    assert overlap(left, left).exact == 400
    assert overlap(left, [*right, *left[:10]]).exact == 10
    ten = handwritten.problems()
    assert overlap(ten, ten[:3]).ngram == 3
    assert overlap([], []).to_dict()["exact_rate"] == 0


@pytest.mark.parametrize("field", ["test_code", "checker", "reference"])
def test_a_program_s_texts_are_texts(field):
    row = {"prompt": "Double.", "entry_point": "f", "tests": [{"args": [2], "expected": 4}], field: ["f(1)"]}
    with pytest.raises(InputError, match=field):
        list(import_problems([row], "jsonl", check=False))

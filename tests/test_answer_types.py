"""Answers are compared by type: right ones pass however they are written, and wrong ones never do."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from importlib.util import find_spec

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from answer_cases import CASES, MATH_CASES, Case
from axiom_cli.errors import InputError
from axiom_cli.problems import answer_types
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification import math_answers
from axiom_cli.verification.verify import verify
from command_line import axiom, rows

MOST = 0.01
has_math = pytest.mark.skipif(find_spec("math_verify") is None, reason="needs pip install 'axiom-rl[math]'")


def problem(expected, answer_type=None, **more):
    return Problem("p", "set", "t", "?", 1, "train", answer=expected, answer_type=answer_type, **more)


def sample(expected, text, answer_type=None, **more):
    return Sample(problem(expected, answer_type, **more), ModelRef("m", "d"), "scripted", {}, 0, 1, text)


def faults(cases: list[Case]) -> dict[bool, list[Case]]:
    """The cases that are judged wrongly, by what would have been right."""
    found = defaultdict(list)
    verdicts = verify((sample(case.expected, case.text, case.answer_type) for case in cases), VerifyConfig(jobs=2))
    for case, verdict in zip(cases, verdicts, strict=True):
        assert verdict.status != "infra"
        if verdict.passed != case.right:
            found[case.right].append(case)
    return found


def test_of_the_corpus_at_most_one_in_a_hundred_is_judged_wrongly_on_either_side():
    right = sum(case.right for case in CASES)
    assert len(CASES) >= 300 and len({case.form for case in CASES}) >= 20
    found = faults(CASES)
    assert len(found[True]) <= MOST * right, found[True]
    assert len(found[False]) <= MOST * (len(CASES) - right), found[False]


@has_math
@pytest.mark.slow
def test_mathematics_is_compared_up_to_algebra():
    found = faults(MATH_CASES)
    assert not found[True] and not found[False], found


@has_math
@pytest.mark.slow
def test_a_formula_that_takes_too_long_fails_and_those_beside_it_do_not():
    hard = "(a+b+c+d+e+f+g+h)^{400} - (a+b+c+d+e+f+g+h)^{399} \\cdot (a+b+c+d+e+f+g+h+1)"
    samples = [sample("x+1", f"Answer: {text}", "math") for text in ("1+x", hard, "\\sin(" * 3000, "1+x", "x")]
    verdicts = list(verify(samples, VerifyConfig(timeout=2.0, jobs=1)))
    assert [verdict.status for verdict in verdicts] == ["pass", "fail", "fail", "pass", "fail"]
    assert all(verdict.reason in ("", "wrong answer", math_answers.SLOW) for verdict in verdicts)


@has_math
@pytest.mark.slow
def test_no_formula_is_run_as_code(tmp_path):
    target = tmp_path / "made"
    code = f"__import__('os').system('touch {target}')"
    texts = [code, f"$\\text{{{code}}}$", f"[{code} for _ in '1']", f"1 + {code}"]
    verdicts = list(verify((sample("x+1", f"Answer: {text}", "math") for text in texts), VerifyConfig(jobs=1)))
    assert [verdict.status for verdict in verdicts] == ["fail"] * 4 and not target.exists()


def test_without_the_library_mathematics_is_refused_with_the_command_that_installs_it():
    line = json.dumps(sample("x+1", "Answer: x+1", "math").to_dict())
    run = subprocess.run(
        [sys.executable, "-c", HIDING.format(line=line)], check=False, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 4 and "[math]'" in run.stderr and not run.stdout, run.stderr


HIDING = """
import importlib.util, io, sys
known = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "math_verify" else known(name, package)
sys.argv = ["axiom", "verify"]
sys.stdin = io.TextIOWrapper(io.BytesIO({line!r}.encode()))
from axiom_cli.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("kind", ["integer", "number", "list", "choice"])
def test_an_answer_that_is_not_of_its_type_is_the_problem_s_fault(kind):
    expected = "[1, 2)" if kind == "list" else "forty two"
    (verdict,) = verify([sample(expected, "Answer: 42", kind)], VerifyConfig())
    assert verdict.status == "infra" and "not of its answer_type" in verdict.reason
    with pytest.raises(InputError):
        answer_types.is_right(problem(expected, kind), "42")


def test_an_import_refuses_an_answer_that_is_not_of_its_type(tmp_path):
    rows_in = [
        {"prompt": "a", "answer": "42", "answer_type": "integer"},
        {"prompt": "b", "answer": "x", "answer_type": "integer"},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows_in)))
    run = axiom(*["problems", "import", "in.jsonl", "--as", "jsonl", "--refused", "refused.jsonl"], cwd=tmp_path)
    assert [row["answer_type"] for row in rows(run.stdout)] == ["integer"]
    assert "not of its answer_type" in (tmp_path / "refused.jsonl").read_text()


VALUES = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.lists(st.integers(-99, 99), min_size=1, max_size=6).map(str),
    st.text(st.sampled_from("ab1.,;[]()\"' -"), min_size=1, max_size=12)
    .filter(str.strip)
    .map(lambda text: " ".join(text.split())),
)


@settings(deadline=None, max_examples=300)
@given(VALUES, st.sampled_from(["{}", "**{}**", "${}$", "\\boxed{{{}}}", '"{}"', "{}."]))
def test_every_answer_is_right_for_itself_however_it_is_marked(expected, marks):
    said = marks.format(expected)
    assert answer_types.is_right(problem(expected), expected)
    if expected.isalnum():
        assert answer_types.is_right(problem(expected), said)


@settings(deadline=None, max_examples=300)
@example("[[1]", "0")
@given(VALUES, VALUES)
def test_answers_that_are_the_same_vote_for_the_same(one, other):
    if answer_types.is_right(problem(one), other):
        assert answer_types.ballot(problem(one), one) == answer_types.ballot(problem(one), other)
    if one.isdigit() and other.isdigit() and int(one) != int(other):
        assert answer_types.ballot(problem(one), one) != answer_types.ballot(problem(one), other)


@settings(deadline=None, max_examples=300)
@given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15))
def test_whole_numbers_are_equal_in_value_alone(one, other):
    for text in (f"{one}", f"{one:,}", f"{one}.0", f"${one}$", f"**{one}**"):
        assert answer_types.is_right(problem(str(one)), text)
        assert answer_types.is_right(problem(str(other)), text) is (one == other)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(
    st.text(st.sampled_from("0123456789.,/eE^{}\\$%*×-+ ½[]()abx'\"frac\0é²"), max_size=40),
    st.sampled_from(["5", "[1]", "B", "x", "1/2"]),
)
def test_no_answer_crashes_the_comparison(said, expected):
    for kind in (None, "text", "list", "math"):
        assert answer_types.is_right(problem(expected, kind), said) in (True, False, None)
        assert isinstance(answer_types.ballot(problem(expected, kind), said), str)


@pytest.mark.parametrize("kind", [None, "text"])
def test_brackets_alone_may_have_spaces_or_commas_between_them_or_nothing(kind):
    for said, right in {
        "]})": True,
        "], }, )": True,
        "] } )": True,
        "]}": False,
        ")}]": False,
        "] } x )": False,
    }.items():
        assert answer_types.is_right(problem("] } )", kind), said) is right


@pytest.mark.parametrize("mark", ["1,", "[", "(1,", "'", "1/", "9", "a ", "**", "\\text{", "$", "1 ", "(", "-", "=5"])
def test_a_long_answer_is_compared_in_a_moment(mark):
    began = time.process_time()
    for kind in (None, "integer", "number", "text", "list", "choice"):
        said = mark * (2**20 // len(mark))
        for expected in ("5", "B"):
            if kind is None or answer_types.is_readable(expected, kind):
                assert answer_types.is_right(problem(expected, kind), said) is False
                answer_types.ballot(problem(expected, kind), said)
    assert time.process_time() - began < 8

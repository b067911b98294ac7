"""Samples in, verdicts out: in order, as they come, each with the isolation it was reached under."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tracemalloc

import pytest

from axiom_cli import jsonl
from axiom_cli.configs import VerifyConfig
from axiom_cli.errors import InputError
from axiom_cli.records import ModelRef, Problem, Program, Sample, Verdict
from axiom_cli.stages.verify import verify

CONFIG = VerifyConfig(timeout=1.0, jobs=1)
TESTS = [{"args": [n], "expected": 2 * n} for n in range(1, 16)]
DOUBLE = Program("double", "def double(n)", tests=TESTS)


def sample(text, answer=None, program=None, **changes):
    problem = Problem("p1", "test", "a test", "?", 3, "train", answer=answer, program=program)
    return Sample(problem, ModelRef("m", "d"), "scripted", {}, 0, 1, text, **changes)


def written(code):
    return sample(f"<think>\nhm\n</think>\n```python\n{code}\n```", program=DOUBLE)


def one(sample, config=CONFIG):
    return next(verify([sample], config))


def test_answers_match_exactly():
    right = one(sample("<think>\n6*7\n</think>\nAnswer: 42", answer="42"))
    assert (right.status, right.isolation, right.passed_tests, right.total_tests) == ("pass", "exact", 1, 1)
    for text, reason in (
        ("Answer: 43", "wrong answer"),
        ("Answer: 42.0", "wrong answer"),
        ("Answer: 42 or so", "wrong answer"),
        ("42", "no line"),
        ("<think>\nAnswer: 42\n</think>", "no line"),
    ):
        verdict = one(sample(text, answer="42"))
        assert verdict.status == "fail" and reason in verdict.reason


def test_a_truncated_answer_fails_and_an_engine_error_is_infra():
    assert "length limit" in one(sample("Answer: 42", answer="42", finish="length")).reason
    assert one(sample("Answer: 42", answer="42", finish="error")).status == "infra"
    assert one(sample("", program=DOUBLE, finish="error")).status == "infra"


def test_programs_run_in_the_sandbox():
    verdict = one(written("def double(n):\n    print(n)\n    return 2 * n"))
    assert (verdict.status, verdict.passed_tests, verdict.total_tests) == ("pass", 15, 15)
    assert verdict.isolation in ("strong", "good", "basic", "limited")
    wrong = one(written("def double(n):\n    return 14"))
    assert (wrong.status, wrong.passed_tests, wrong.reason) == ("fail", 1, "wrong answer on test 1")
    assert "no program that defines double" in one(sample("I do not know", program=DOUBLE)).reason
    assert "cut off" in one(sample("```python\ndef dou", program=DOUBLE, finish="length")).reason
    assert one(written("class Solution:\n    def double(self, n):\n        return n + n")).status == "pass"


def test_forms_mix_and_order_is_kept():
    samples = []
    for n in range(60):
        samples.append(sample(f"Answer: {n}", answer=str(n if n % 2 else n + 1)))
        samples.append(written(f"def double(n):\n    return 2 * n if {n} % 3 else {n}"))
    verdicts = list(verify(iter(samples), VerifyConfig(timeout=1.0, jobs=2)))
    assert [verdict.sample for verdict in verdicts] == samples
    assert [v.status for v in verdicts[::2]] == ["pass" if n % 2 else "fail" for n in range(60)]
    assert [v.status for v in verdicts[1::2]] == ["pass" if n % 3 else "fail" for n in range(60)]
    assert {v.isolation for v in verdicts[::2]} == {"exact"}


FORMS = {"answer": lambda: sample("Answer: 1", answer="1"), "program": lambda: written("def double(n): return 2*n")}


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
def test_the_first_verdict_comes_before_the_input_ends(make):
    gate = threading.Event()

    def samples():
        yield make()
        assert gate.wait(20), "the first verdict was held back"
        yield make()

    verdicts = verify(samples(), CONFIG)
    assert next(verdicts).status == "pass"
    gate.set()
    assert [verdict.status for verdict in verdicts] == ["pass"]


def test_memory_stays_flat():
    def samples(count):
        for n in range(count):
            yield written(f"def double(n):\n    return {n % 50}  # {'x' * 2000}")

    def peak(count):
        tracemalloc.start()
        for _ in verify(samples(count), CONFIG):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(3000) < peak(600) * 1.5 + 1_000_000


def test_verdicts_survive_the_pipe():
    verdict = one(written("def double(n): return n * 2"))
    assert jsonl.parse(jsonl.dump(verdict), 1, Verdict) == verdict


def test_bad_input_is_named_in_its_turn():
    asserts = Program("f", "def f(x)", test_code="def check(f):\n    assert f(1) == 1")
    verdicts = verify([written("def double(n): return 2 * n"), sample("```python\ndef f(x): return 1\n```",
                      program=asserts)], CONFIG)  # fmt: skip
    assert next(verdicts).status == "pass"
    with pytest.raises(InputError, match="test_code"):
        next(verdicts)


def test_a_closed_consumer_ends_at_once_while_the_input_is_still_open():
    """As in `axiom solve | axiom verify | head -1`: no abort because a thread still reads standard input."""
    code = (
        "import sys\nfrom axiom_cli import jsonl\nfrom axiom_cli.configs import VerifyConfig\n"
        "from axiom_cli.records import Sample\nfrom axiom_cli.stages.verify import verify\n"
        "verdicts = verify(jsonl.read(sys.stdin.buffer, Sample), VerifyConfig(timeout=1.0, jobs=1))\n"
        "print(next(verdicts).status)\nverdicts.close()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment)  # fmt: skip
    process.stdin.write(jsonl.dump(written("def double(n): return 2 * n")))
    process.stdin.flush()
    assert process.wait(timeout=60) == 0
    assert process.stdout.read() == b"pass\n"
    assert process.stderr.read() == b""
    process.stdin.close()

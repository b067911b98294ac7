"""Samples in, verdicts out: in order, as they come, each with the isolation it was reached under."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import tracemalloc

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.records import ModelRef, Problem, Program, Sample, Verdict
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.solution_rows import solution_row
from axiom_cli.verification.verify import verify
from command_line import axiom, rows

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


def test_answers_match_in_value():
    right = one(sample("<think>\n6*7\n</think>\nAnswer: 42", answer="42"))
    assert (right.status, right.isolation, right.passed_tests, right.total_tests) == ("pass", "exact", 1, 1)
    for text, reason in (
        ("Answer: 43", "wrong answer"),
        ("Answer: 84/2", "wrong answer"),
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


@pytest.mark.slow
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


SUM = Program("<stdin>", "reads numbers, prints their sum", tests=[
    {"args": ["1 2\n3\n"], "expected": "6\n"}, {"args": [""], "expected": "0"}, {"args": ["-5"], "expected": " -5"},
])  # fmt: skip
SCRIPTS = {
    "sys.stdin": "import sys\nprint(sum(map(int, sys.stdin.read().split())))",
    "lines": "import sys\nprint(sum(int(n) for line in sys.stdin for n in line.split()))",
    "input": "total = 0\nwhile True:\n    try:\n        total += sum(map(int, input().split()))\n"
    "    except EOFError:\n        break\nprint(total, end='')",
    "main guard": "def main():\n    print(sum(map(int, open(0).read().split())))\n"
    "if __name__ == '__main__':\n    main()",
    "bytes": "import sys\nread = sys.stdin.buffer.read\nsys.stdout.write(str(sum(map(int, read().split()))) + '\\n')",
    "open": "print(sum(map(int, open('/dev/stdin', 'rb').read().split())))\nraise SystemExit",
    "exit": "import sys\nprint(sum(map(int, sys.stdin.read().split())))\nsys.exit(0)",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_read_standard_input_and_print(name):
    verdict = one(sample(f"<think>\nadd\n</think>\n```python\n{SCRIPTS[name]}\n```", program=SUM))
    assert (verdict.status, verdict.reason, verdict.total_tests) == ("pass", "", 3)


@pytest.mark.slow
def test_scripts_that_are_wrong():
    for code, passed, reason in (
        ("print(6)", 1, "wrong answer on test 2"),
        ("import sys\nprint(sum(map(int, sys.stdin.read().split())))\n1 / 0", 0, "ZeroDivisionError"),
        ("def f(x): return x", 0, "wrong answer on test 1"),
        ("", 0, "no program"),
        ("print(", 0, "no program"),
    ):
        verdict = one(sample(f"```python\n{code}\n```", program=SUM))
        assert (verdict.status, verdict.passed_tests) == ("fail", passed) and reason in verdict.reason
    assert "no program" in one(sample("I would add them up.", program=SUM)).reason


def test_a_method_by_name():
    counter = Program("Counter.square", "def square(self, x)", tests=[{"args": [3], "expected": 9}])
    code = "```python\nclass Counter:\n    def square(self, x): return x * x\n```"
    assert one(sample(code, program=counter)).status == "pass"


def test_tests_that_are_code():
    asserts = Program("double", "def double(n)", test_code="for n in range(9):\n    assert double(n) == n + n")
    verdict = one(sample("```python\ndef double(n): return 2 * n\n```", program=asserts))
    assert (verdict.status, verdict.passed_tests, verdict.total_tests) == ("pass", 1, 1)
    verdict = one(sample("```python\ndef double(n): return n * n\n```", program=asserts))
    assert (verdict.status, verdict.reason) == ("fail", "the assert on line 2 of its test code does not hold")
    missing = one(sample("no code", program=asserts))
    assert (missing.status, missing.total_tests) == ("fail", 1)


@pytest.mark.slow
def test_one_test_may_have_a_limit_of_its_own():
    code = "```python\ndef double(n):\n    while n > 14: pass\n    return 2 * n\n```"
    verdict = one(sample(code, program=DOUBLE), VerifyConfig(timeout=20.0, test_timeout=0.3, jobs=1))
    assert (verdict.status, verdict.passed_tests) == ("fail", 14)
    assert verdict.reason == "took more than 0.3 s of processor time for one test, on test 15"
    stubborn = (
        "```python\nimport signal\nfor number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "def double(n):\n    for timer in (0, 1, 2): signal.setitimer(timer, 0)\n"
        "    return sum(range(10**12)) if n > 14 else 2 * n\n```"
    )
    verdict = one(sample(stubborn, program=DOUBLE), VerifyConfig(timeout=20.0, test_timeout=0.3, jobs=1))
    assert (verdict.passed_tests, verdict.reason[:44]) == (14, "took more than 0.3 s of processor time for o")
    slow = (
        "```python\nimport time\ndef double(n):\n    until = time.process_time() + 0.05\n"
        "    while time.process_time() < until: pass\n    return 2 * n\n```"
    )
    assert one(sample(slow, program=DOUBLE), VerifyConfig(timeout=20.0, test_timeout=0.5, jobs=1)).status == "pass"


def test_packages_are_there_if_the_user_allows_them():
    text = "```python\nimport numpy as np\ndef double(n): return (np.linalg.inv([[0.5]])[0, 0] * n).item()\n```"
    verdict = one(sample(text, program=DOUBLE))
    assert (verdict.status, verdict.reason) == ("fail", "ModuleNotFoundError: No module named 'numpy'")
    verdict = one(sample(text, program=DOUBLE), VerifyConfig(jobs=1, allow="numpy"))
    assert verdict.status == "pass", verdict.reason
    assert verdict.isolation == one(sample("```python\ndef double(n): return 2 * n\n```", program=DOUBLE)).isolation
    with pytest.raises(MissingError, match="--allow nonesuch: the package is not installed"):
        one(sample(text, program=DOUBLE), VerifyConfig(allow="numpy, nonesuch"))


def test_no_isolation_has_to_be_asked_for_twice():
    text = "```python\ndef double(n): return 2 * n\n```"
    with pytest.raises(UsageError, match="--isolation none"):
        one(sample(text, program=DOUBLE), VerifyConfig(isolation="none"))
    assert one(sample(text, program=DOUBLE), VerifyConfig(isolation="none", unsafe_no_sandbox=True)).status == "pass"


def test_numpy_s_numbers_are_no_data_and_its_parts_are_there():
    text = "```python\nimport numpy as np\ndef double(n):\n    np.random.seed(n)\n    return np.int64(2 * n)\n```"
    verdict = one(sample(text, program=DOUBLE), VerifyConfig(jobs=1, allow="numpy"))
    assert verdict.reason == "returned bytes, or an array or number made of them, on test 1"


def test_bad_input_is_named_in_its_turn():
    asserts = Program("f", "def f(x)", test_code="def check(f):\n    assert f(1 == 1")
    verdicts = verify([written("def double(n): return 2 * n"), sample("```python\ndef f(x): return 1\n```",
                      program=asserts)], CONFIG)  # fmt: skip
    assert next(verdicts).status == "pass"
    with pytest.raises(InputError, match="test_code"):
        next(verdicts)


def test_a_closed_consumer_ends_at_once_while_the_input_is_still_open():
    """As in `axiom solve | axiom verify | head -1`: no abort because a thread still reads standard input."""
    code = (
        "import sys\nfrom axiom_cli import jsonl\nfrom axiom_cli.settings.configs import VerifyConfig\n"
        "from axiom_cli.records import Sample\nfrom axiom_cli.verification.verify import verify\n"
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


BROKEN = Program("f", "f(x)", test_code="import nonesuch\nassert f(1)")
CALLED = Program("f", "f(x)", tests=[{"args": [1], "expected": 1}])
UNJUDGED = {
    "the engine": lambda: sample("Answer: 1", answer="1", finish="error"),
    "the test code of the problem": lambda: sample("```py\ndef f(x): return 1\n```", program=BROKEN),
    "the sandbox": lambda: sample("```py\nimport os\ndef f(x): return os.fork()\n```", program=CALLED),
}
FIRST = {
    "the engine": "the engine failed on this sample",
    "the test code of the problem": "its test code does not run: ModuleNotFoundError",
    "the sandbox": "needs what the sandbox does not have: PermissionError",
}


@pytest.mark.parametrize("blamed", UNJUDGED)
def test_what_kept_a_sample_from_being_judged_is_named_with_its_reason(blamed, tmp_path):
    line = jsonl.dump(UNJUDGED[blamed]())
    done = axiom("verify", cwd=tmp_path, stdin=line + line)
    assert done.returncode == 0
    said = f"warning: 2 samples could not be judged: {blamed} failed, not the sample; first: {FIRST[blamed]}"
    assert said in done.stderr.decode()
    assert "machine" not in done.stderr.decode()


def test_an_integer_beyond_64_bits_is_judged_as_it_stands(tmp_path):
    tests = [{"args": [25], "expected": math.factorial(25)}]
    factorial = Program("f", "def f(n)", tests=tests)
    right = sample("```python\nfrom math import factorial as f\n```", program=factorial)
    wrong = sample("```python\nimport math\ndef f(n): return float(math.factorial(n))\n```", program=factorial)
    found = rows(axiom("verify", cwd=tmp_path, stdin=jsonl.dump(right) + jsonl.dump(wrong)).stdout)
    assert [(verdict["status"], verdict["reason"]) for verdict in found][0] == ("pass", "")
    assert found[1]["status"] == "fail"


def test_a_class_solution_is_written_out_as_a_plain_row():
    verdict = one(written("class Solution:\n    def double(self, n):\n        return n + n"))
    assert solution_row(verdict)["solution_code"].startswith("class Solution")


def test_a_block_without_an_end_counts_unless_the_sample_was_cut_off():
    text = "```python\ndef double(n):\n    return 2 * n"
    assert one(sample(text, program=DOUBLE)).status == "pass"
    assert "cut off" in one(sample(text, program=DOUBLE, finish="length")).reason

"""`verify --audit`: attacks, speed, the tests' false-positive rate and determinism, as a table and as a record."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli import jsonl
from axiom_cli.audit import mutation_score, soundness, verifier
from axiom_cli.audit.soundness import RerunReport, rerun_accepted
from axiom_cli.commands.auditor import Auditor
from axiom_cli.problems import input_mutation
from axiom_cli.problems.families import handwritten
from axiom_cli.records import ModelRef, Problem, Program, Sample
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace
from command_line import axiom, failed, rows, talk

CONFIG = VerifyConfig(timeout=2.0, jobs=1)
REFERENCE = "def f(n):\n    return n * 2 - 0\n"


def problem(tests, reference=REFERENCE, family="sums", entry="f"):
    program = Program(entry, f"def {entry}(n)", tests=tests, reference=reference)
    return Problem(f"{family}-{len(tests)}", family, "t", "?", 3, "test", program=program)


def calls(*numbers):
    return [{"args": [n], "expected": 2 * n} for n in numbers]


def score(*problems):
    (found,) = mutation_score.scores(problems, CONFIG)
    return found


@pytest.mark.slow
def test_tests_that_let_wrong_programs_through_are_measured():
    strong, weak = score(problem(calls(1, 5, -3))), score(problem(calls(0)))
    assert (strong.killed, strong.survived, strong.equivalent) == (5, 0, 1), "n * 2 + 0 is the same program"
    assert (weak.killed, weak.survived, weak.equivalent) == (3, 2, 1), "n * 3 and n * 1 pass a test with n = 0"
    assert weak.weakest == ("sums-1",)
    found = weak.to_dict()
    assert (found["let_through"], found["score"]) == (0.4, 0.6)
    assert 0 < found["interval"][0] < 0.4 < found["interval"][1] < 1


@pytest.mark.slow
def test_a_hand_written_problem_is_compared_on_calls_of_its_own():
    found = score(*[one for one in handwritten.problems() if one.id in ("fibonacci", "binary_search")])
    assert found.mutated == 2
    assert found.score > 0.9


def test_what_cannot_be_mutated_is_counted():
    broken = problem(calls(1), reference="def f(n):\n    return n\n")
    bare = problem(calls(1, 2), reference=None)
    found = score(broken, bare)
    assert (found.problems, found.mutated, found.score) == (2, 0, None)
    assert found.to_dict()["interval"] == [0.0, 1.0]


def test_a_survivor_without_calls_to_compare_counts_as_wrong():
    script = "n = int(input())\nprint(n * 2 - 0)\n"
    tests = [{"args": ["0"], "expected": "0"}]
    found = score(problem(tests, reference=script, entry="<stdin>"))
    assert (found.survived, found.equivalent) == (3, 0)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(values, max_size=3), max_size=3), st.integers())
def test_calls_near_others_keep_their_types_and_leave_the_others_alone(seeds, seed):
    before = repr(seeds)
    source = input_mutation.random_calls(seeds, random.Random(seed))
    found = [next(source, None) for _ in range(10)]
    assert repr(seeds) == before
    if not seeds:
        assert found == [None] * 10
        return
    shapes = {tuple(type(value) for value in call) for call in seeds}
    assert {tuple(type(value) for value in call) for call in found} <= shapes


def test_calls_near_others_differ():
    source = input_mutation.random_calls([[[1, 2, 3], "abc", 5]], random.Random(0))
    assert len({repr(next(source)) for _ in range(100)}) > 50


def sample(code):
    right = "def double(n):\n    return n + n\n"
    one = replace(problem(calls(1, 2), right, entry="double"), id="p1")
    return Sample(one, ModelRef("m", "d"), "scripted", {}, 0, 1, f"```python\n{code}\n```")


def by_hash_seed(seed):
    command = [sys.executable, "-c", "print(hash('abc'))"]
    return int(subprocess.check_output(command, env={**os.environ, "PYTHONHASHSEED": str(seed)}))


def test_a_program_that_hangs_on_the_hash_seed_is_found():
    lucky = f"def double(n):\n    return 2 * n if hash('abc') == {by_hash_seed(0)} else 0"
    samples = [sample("def double(n):\n    return 2 * n"), sample(lucky), sample("def double(n):\n    return 1")]
    found = RerunReport()
    verdicts = list(rerun_accepted(verify(samples, CONFIG), CONFIG, found))
    assert [one.status for one in verdicts] == ["pass", "pass", "fail"]
    assert (found.programs, found.disagreed, found.undecided) == (2, 1, 0)
    assert found.examples[0]["hash_seed"] == 1 and "wrong answer" in found.examples[0]["reason"]


def test_verdicts_come_before_accepted_programs_are_run_again():
    def forever():
        while True:
            yield sample("def double(n):\n    return 2 * n")

    assert next(rerun_accepted(verify(forever(), CONFIG), CONFIG, RerunReport())).passed


@pytest.mark.slow
def test_the_small_programs_meet_their_fate():
    programs = list(soundness.small_programs(200))
    assert len({code for _, code, _ in programs}) == 200
    assert {len(program.tests) for _, _, program in programs} == {5}
    workers, rate = soundness.throughput(CONFIG, 1)
    assert workers == 1 and rate > 0


def test_tests_that_contradict_the_solution_are_unsound():
    bad = problem([{"args": [1], "expected": 3}, *calls(2)])
    found = [one for one, _ in soundness.check_references([problem(calls(1, 2), family="good"), bad], CONFIG)]
    assert {one.family for one in found} == {"sums"}


def test_an_attack_that_succeeds_fails_the_audit():
    attack = {"attack": "tamper_x", "about": "", "harm": ["3 of its tests passed"]}
    row = {"level": "strong", "attacks": 5, "undecided": 1, "succeeded": [attack]}
    found = verifier.VerifierAudit("strong", attacks=[row])
    assert found.to_dict()["passed"] is False
    assert found.failures == ["tamper_x succeeds at strong"]
    assert ["attacks", "at level strong", "3 of 5 failed, as they must; 1 undecided"] in verifier.summary_rows(found)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_machine_and_the_tests_of_problems_are_audited(tmp_path):
    done = axiom("verify", "--audit", cwd=tmp_path, stdin=b"".join(map(jsonl.dump, handwritten.problems()[:2])))
    assert (done.returncode, talk(done)[-1]) == (0, "the tests of 2 problems are sound")
    (record,) = rows(done.stdout)
    assert (record["kind"], record["passed"], record["failures"]) == ("verifier_audit", True, [])
    assert record["attacks"][0]["attacks"] >= 100
    assert record["attacks"][-1]["level"] == "limited"
    assert all(row["verdicts_per_second"] > 0 for row in record["throughput"])
    assert record["problems"] == 2 and record["tests"][0]["family"] == "handwritten"
    assert record["determinism"]["programs"] == 0
    assert any("failed, as they must" in line for line in talk(done))
    assert "of" in next(line for line in talk(done) if line.startswith("tests"))
    workspace = Workspace.open(tmp_path / ".axiom")
    (kept,) = workspace.receipts()
    assert jsonl.orjson.loads(workspace.get_bytes(kept["audit"])) == record


@pytest.mark.parametrize("stdin", [None, io.TextIOWrapper(io.BytesIO())], ids=["none", "empty"])
def test_an_audit_needs_no_input(monkeypatch, stdin):
    monkeypatch.setattr(sys, "stdin", stdin)
    assert list(Auditor(CONFIG).samples(None, skip_bad=False, check=lambda record: None)) == []


def test_a_problem_whose_own_solution_fails_ends_the_audit_at_once(tmp_path):
    bad = replace(problem([{"args": [1], "expected": 3}, *calls(2)]), id="bad")
    both = jsonl.dump(bad) + jsonl.dump(sample("def double(n):\n    return 2 * n"))
    done = axiom("verify", "--audit", cwd=tmp_path, stdin=both)
    failed(done, 6, "the tests of 1 problem are unsound; nothing else was audited", "its own solution does not pass")
    assert [row["kind"] for row in rows(done.stdout)] == ["verdict"], "the audit of samples is kept, not mixed in"
    digest = next(line for line in talk(done) if line.startswith("audit sha256:")).partition(":")[2]
    workspace = Workspace.open(tmp_path / ".axiom")
    kept = jsonl.orjson.loads(workspace.get_bytes(workspace.resolve(f"sha256:{digest}")))
    alone = axiom("verify", "--audit", "-o", "audit.json", cwd=tmp_path, stdin=jsonl.dump(bad))
    assert (alone.returncode, alone.stdout) == (6, b"")
    assert [row["kind"] for row in rows((tmp_path / "audit.json").read_bytes())] == ["verifier_audit"]
    assert (kept["problems"], kept["determinism"]["programs"], kept["attacks"]) == (2, 1, [])

"""`--skip-bad`: a record that cannot be used costs itself, not the run, whatever is wrong with it."""

from __future__ import annotations

import json
from random import Random

import pytest

from command_line import axiom, failed, rows, talk
from test_import_fuzz import deeper, mutate

ANSWER = {
    "kind": "problem",
    "id": "a",
    "family": "made",
    "title": "t",
    "prompt": "1 + 1?",
    "level": 3,
    "split": "train",
}
ANSWER |= {"answer": "2"}
DOUBLE = {"entry_point": "double", "signature": "double(n)", "tests": [{"args": [2], "expected": 4}]}
PROGRAM = {**{name: ANSWER[name] for name in ANSWER if name != "answer"}, "id": "p", "program": DOUBLE}
TESTS = [{"args": 3, "expected": 4}]
BAD = {
    "an unknown family": ({**ANSWER, "checker": "no_such_family"}, 4, "there is no family called 'no_such_family'"),
    "a judge": ({**ANSWER, "checker": "judges:f"}, 2, "problem a is judged by judges:f"),
    "an unknown rule": ({**PROGRAM, "program": {**DOUBLE, "checker": "nearly"}}, 3, "unknown checker 'nearly'"),
    "tests that are none": ({**PROGRAM, "program": {**DOUBLE, "tests": TESTS}}, 3, "test 1 of program 'double'"),
    "test code that is no Python": (
        {**PROGRAM, "program": {**DOUBLE, "tests": None, "test_code": "def ("}},
        *(3, "the test_code of program 'double' is not Python"),
    ),
    "no answer": ({**ANSWER, "answer": None}, 3, "needs either an answer or a program"),
    "a script's numbers": (
        {**PROGRAM, "program": {**DOUBLE, "entry_point": "<stdin>", "tests": [{"args": [1], "expected": "1"}]}},
        *(3, "gives standard input as [1]"),
    ),
}


def sample(problem, text="Answer: 2"):
    model = {"name": "m", "digest": "d"}
    known = {
        "engine": "scripted",
        "params": {},
        "index": 0,
        "attempt": 1,
        "text": text,
        "token_ids": [],
        "finish": "stop",
    }
    return {"kind": "sample", "problem": problem, "model": model, **known}


def lines(*records):
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


@pytest.mark.parametrize("kind", BAD)
def test_verify(kind, tmp_path):
    bad, code, said = BAD[kind]
    stdin = lines(sample(ANSWER), sample(bad), sample(ANSWER))
    done = axiom("verify", cwd=tmp_path, stdin=stdin)
    failed(done, code, "error: line 2: ", said)
    assert len(rows(done.stdout)) <= 1, "and what was verified before is there"
    done = axiom("verify", "--skip-bad", cwd=tmp_path, stdin=stdin)
    assert [row["status"] for row in rows(done.stdout)] == ["pass", "pass"]
    assert done.returncode == 0 and talk(done)[0].startswith("warning: 1 bad line skipped; first: line 2: ")


@pytest.mark.parametrize("kind", ["an unknown rule", pytest.param("an unknown family", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "words", [("solve", "--strategy", "retry", "--samples", "1"), ("coldstart", "--include-failed")]
)
def test_what_verifies_on_its_way(words, kind, tmp_path):
    bad, code, said = BAD[kind]
    (tmp_path / "script.json").write_text(json.dumps({"*": ["Answer: 2"]}))
    words = (*words, "--engine", "scripted", "--model", "script.json") if words[0] == "solve" else words
    problem = {**ANSWER, "family": "handwritten"}
    stdin = lines(problem, bad, {**problem, "id": "b"})
    failed(axiom(*words, cwd=tmp_path, stdin=stdin), code, "error: line 2: ", said)
    done = axiom(*words, "--skip-bad", cwd=tmp_path, stdin=stdin)
    assert "Traceback" not in done.stderr.decode()
    assert any(line.startswith("warning: 1 bad line skipped; first: line 2: ") for line in talk(done)), talk(done)


def test_a_vote_runs_programs_on_their_examples(tmp_path):
    bad = {**PROGRAM, "program": {**DOUBLE, "examples": DOUBLE["tests"], "checker": "nearly"}}
    (tmp_path / "script.json").write_text(json.dumps({"*": ["```python\ndef double(n): return 2 * n\n```"]}))
    words = ("solve", "--strategy", "vote", "--samples", "2", "--engine", "scripted", "--model", "script.json")
    stdin = lines(PROGRAM, bad, {**ANSWER, "checker": "judges:f"})
    failed(axiom(*words, cwd=tmp_path, stdin=stdin), 3, "error: line 2: unknown checker 'nearly'")
    done = axiom(*words, "--skip-bad", cwd=tmp_path, stdin=stdin)
    assert [row["problem"]["id"] for row in rows(done.stdout)] == ["p", "a"]


@pytest.mark.slow
def test_train(tmp_path):
    verdict = {"kind": "verdict", "sample": sample(ANSWER), "status": "pass", "passed_tests": 1, "total_tests": 1}
    verdict |= {"reason": "", "isolation": "exact"}
    odd = [{**verdict, "sample": {**verdict["sample"], **change}} for change in ({"text": None}, {"token_ids": 3})]
    odd += [{**verdict, "status": "won"}, {**verdict, "sample": sample(BAD["no answer"][0])}, {"kind": "verdict"}]
    stdin = lines(verdict, *odd, {**verdict, "sample": sample(BAD["an unknown rule"][0], "def double(n): return n")})
    failed(axiom("train", "--show", "2", cwd=tmp_path, stdin=stdin), 3, "error: line 2: ")
    done = axiom("train", "--show", "2", "--skip-bad", cwd=tmp_path, stdin=stdin)
    assert done.returncode == 0 and f"warning: {len(odd)} bad lines skipped; first: line 2: " in done.stderr.decode()


CODE = "```python\ndef double(n): return 2 * n\n```"
AS_CODE = {**PROGRAM, "program": {**DOUBLE, "tests": None, "test_code": "assert double(2) == 4"}}
SAMPLES = [sample(ANSWER), sample(PROGRAM, CODE), sample(AS_CODE, CODE)]
PARTS = (("problem",), ("problem", "program"), ("model",), ("sample", "problem"), ("sample", "problem", "program"))


def faulty(record, random):
    """The record with a fault in it, or in a record that it holds."""
    record = json.loads(json.dumps(record))
    *path, last = random.choice(PARTS)
    holder = record
    for name in path:
        holder = holder.get(name, {})
    if random.random() < 0.5 or not isinstance(holder.get(last), dict):
        return random.choice([mutate, deeper])(record, random)
    holder[last] = mutate(holder[last], random)
    return record


@pytest.mark.slow
@pytest.mark.parametrize("command", ["verify", "solve", "coldstart", "train"])
def test_records_with_faults_cost_themselves(command, tmp_path):
    random = Random(f"records/{command}")
    graded = {"status": "pass", "passed_tests": 1, "total_tests": 1, "reason": "", "isolation": "exact"}
    right = {"verify": SAMPLES, "train": [{"kind": "verdict", "sample": one, **graded} for one in SAMPLES]}
    right = right.get(command) or [one["problem"] for one in SAMPLES]
    (tmp_path / "script.json").write_text(json.dumps({"*": ["Answer: 2"]}))
    words = {
        "solve": ("--strategy", "retry", "--samples", "1", "--engine", "scripted", "--model", "script.json"),
        "coldstart": ("--include-failed",),
        "train": ("--show", "1"),
    }.get(command, ())
    made = [random.choice(right) if n % 5 == 0 else faulty(random.choice(right), random) for n in range(2000)]
    done = axiom(command, "--skip-bad", *words, cwd=tmp_path, stdin=lines(*made))
    assert done.returncode == 0 and "Traceback" not in done.stderr.decode(), done.stderr.decode()
    assert "bad lines skipped; first: line " in done.stderr.decode()
    if command == "verify":
        assert 400 <= len(rows(done.stdout)) < 2000

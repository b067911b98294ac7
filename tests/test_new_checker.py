"""Judges that users bring: those of docs/new_checker.md, and ones that misbehave, each in the user's own package."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import MissingError, UsageError
from axiom_cli.importing.importer import import_problems
from axiom_cli.records import ModelRef, Problem, Program, Sample
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import verify
from chat_server import chat_server, completion
from command_line import ROOT, axiom, failed, rows, talk

PAGE = (ROOT / "docs" / "new_checker.md").read_text()
PHONE, GRADED = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ALLOWED = ("--allow-checkers", "judges")


def sample(text: str, checker: str = "judges:phone_number", **changes) -> Sample:
    problem = Problem("p1", "phones", "a phone", "Which number?", 3, "train", answer="+49", checker=checker)
    return Sample(problem, ModelRef("m", "d"), "scripted", {}, 0, 1, text, **changes)


RIGHT = sample("<think>+1 5550</think>Call +49 301234.")
WRONG = sample("Call +1 5550123.")
NONE = sample("<think>+49 301234</think>I do not know.")
SAMPLES = b"".join(map(jsonl.dump, [RIGHT, WRONG, NONE]))


@pytest.fixture
def judges(tmp_path: Path) -> Path:
    (tmp_path / "judges.py").write_text(PHONE)
    return tmp_path


def test_the_judge_of_the_page_judges_the_whole_text(judges: Path) -> None:
    done = axiom("verify", *ALLOWED, cwd=judges, stdin=SAMPLES)
    assert done.returncode == 0, done.stderr
    verdicts = [(row["status"], row["reason"], row["isolation"]) for row in rows(done.stdout)]
    assert verdicts == [("pass", "", "exact"), ("fail", "wrong answer", "exact"), ("fail", "no phone number", "exact")]


def test_a_judge_that_is_not_allowed_is_not_run(judges: Path) -> None:
    (judges / "judges.py").write_text("open('ran', 'w')\n" + PHONE)
    failed(
        axiom("verify", cwd=judges, stdin=SAMPLES),
        *(2, "line 1: problem p1 is judged by judges:phone_number, code that runs outside the sandbox"),
        "if you trust the package: --allow-checkers judges",
    )
    exact = jsonl.dump(sample("Answer: +49", checker=""))
    done = axiom("verify", "--skip-bad", "--allow-checkers", "judge", cwd=judges, stdin=exact + SAMPLES + exact)
    assert [row["status"] for row in rows(done.stdout)] == ["pass", "pass"]
    assert talk(done)[0].startswith("warning: 3 bad lines skipped; first: line 2: problem p1 is judged by judges:")
    assert not (judges / "ran").exists()
    absent = b"".join(map(jsonl.dump, [sample("", "no_such_package.sub:judge")]))
    failed(axiom("verify", "--allow-checkers", "no_such_package", cwd=judges, stdin=absent), 4, "is not installed")
    with pytest.raises(UsageError):
        list(verify([RIGHT], VerifyConfig()))


def test_a_judge_with_a_name(tmp_path: Path) -> None:
    (site := tmp_path / "site").mkdir()
    (site / "judges.py").write_text(PHONE)
    (facts := site / "judges-1.0.dist-info").mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: judges\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[axiom.checkers]\nphone = judges:phone_number\n")
    env = {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)])}
    named = b"".join(jsonl.dump(sample(one.text, "phone")) for one in (RIGHT, WRONG))
    done = axiom("verify", *ALLOWED, cwd=tmp_path, stdin=named, env=env)
    assert [row["status"] for row in rows(done.stdout)] == ["pass", "fail"]
    failed(axiom("verify", cwd=tmp_path, stdin=named, env=env), 2, "is judged by judges:phone_number")
    failed(axiom("verify", *ALLOWED, cwd=tmp_path, stdin=named), 4, "phone")


def test_the_model_of_the_page_judges(tmp_path: Path) -> None:
    def reply(request):
        return completion("RIGHT, as asked" if "+49 301234." in request["messages"][0]["content"] else "WRONG number")

    (tmp_path / "judges.py").write_text(GRADED)
    asked = b"".join(jsonl.dump(sample(one.text, "judges:graded")) for one in (RIGHT, WRONG))
    with chat_server(reply) as server:
        env = {"JUDGE_URL": server.address, "JUDGE": "judge-1"}
        done = axiom("verify", *ALLOWED, cwd=tmp_path, stdin=asked, env=env)
    assert [(row["status"], row["reason"]) for row in rows(done.stdout)] == [("pass", ""), ("fail", "WRONG number")]
    assert [request["model"] for request in server.requests] == ["judge-1"] * 2


MISBEHAVING = """
import os, sys, time

def raises(problem, text): return 1 // 0
def exits(problem, text): sys.exit(3)
def dies(problem, text): os._exit(3)
def hangs(problem, text): time.sleep(60)
def spins(problem, text):
    while True: pass
def half(problem, text): return 0.5
def silent(problem, text): pass
def odd(problem, text): return True, 3
def prints(problem, text):
    print("a line for nobody")
    os.write(1, b"and one by the descriptor\\n")
    return text == problem.answer, f"not {problem.answer!r}"
not_callable = 3
"""
SAID = {
    "raises": "raised ZeroDivisionError: integer division or modulo by zero (judges.py:4)",
    "exits": "raised SystemExit: 3 (judges.py:5)",
    "dies": "ended its process",
    "hangs": "took more than 0.5 s",
    "spins": "took more than 0.5 s",
    "half": "returned 0.5, expected True, False or (False, 'the reason')",
    "silent": "returned None, expected True, False or (False, 'the reason')",
    "odd": "returned (True, 3), expected True, False or (False, 'the reason')",
    "not_callable": "is not a function",
    "no_such_name": "is not a function",
}


@pytest.mark.slow
def test_a_judge_that_misbehaves_says_nothing_and_the_next_one_is_asked(tmp_path: Path) -> None:
    (tmp_path / "judges.py").write_text(MISBEHAVING)
    texts = [sample("+49", f"judges:{name}") for bad in SAID for name in (bad, "prints")]
    stdin = b"".join(map(jsonl.dump, [*texts, sample("+48", "judges:prints")]))
    done = axiom("verify", *ALLOWED, "--checker-timeout", "0.5", cwd=tmp_path, stdin=stdin)
    verdicts = [(row["status"], row["reason"]) for row in rows(done.stdout)]
    assert done.returncode == 0 and verdicts[-1] == ("fail", "not '+49'")
    assert verdicts[1:-1:2] == [("pass", "")] * len(SAID)
    assert verdicts[:-1:2] == [("infra", f"the checker judges:{name} {said}") for name, said in SAID.items()]
    warned = [line for line in talk(done) if line.startswith("warning: ")]
    assert warned == [
        f"warning: {len(SAID)} samples could not be judged: the checker failed, not the sample; "
        f"first: the checker judges:raises {SAID['raises']}"
    ]
    assert "a line for nobody" in talk(done) and "and one by the descriptor" in talk(done)


def test_a_package_that_does_not_load_is_named(tmp_path: Path) -> None:
    (tmp_path / "judges.py").write_text("import no_such_module\n")
    done = axiom("verify", *ALLOWED, cwd=tmp_path, stdin=SAMPLES)
    said = "does not load: ModuleNotFoundError: No module named 'no_such_module' (judges.py:1)"
    assert {row["reason"] for row in rows(done.stdout)} == {f"the checker judges:phone_number {said}"}


LENGTH = "def short(problem, text):\n    return (len(text) < 40, 'too long')\n"
DOUBLE = Program("double", "double(n)", tests=[{"args": [2], "expected": 4}], checker="judges:short")


def test_a_judge_takes_the_place_of_a_program_s_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "judges.py").write_text(LENGTH)
    monkeypatch.chdir(tmp_path)
    texts = ("```python\ndef double(n): return n\n```", f"```python\ndef double(n): return 2 * n{' ' * 40}\n```")
    problem = Problem("p2", "made", "t", "Double it.", 3, "train", program=DOUBLE)
    samples = [Sample(problem, ModelRef("m", "d"), "scripted", {}, 0, 1, text) for text in texts]
    tested = Problem(
        "p3", "made", "t", "Double it.", 3, "train", program=Program("double", "double(n)", tests=DOUBLE.tests)
    )
    samples += [Sample(tested, ModelRef("m", "d"), "scripted", {}, 0, 1, text) for text in texts]
    verdicts = list(verify(samples, VerifyConfig(jobs=1, allow_checkers="judges")))
    assert [verdict.status for verdict in verdicts] == ["pass", "fail", "fail", "pass"]
    assert [verdict.isolation == "exact" for verdict in verdicts] == [True, True, False, False]
    assert (verdicts[1].reason, verdicts[1].total_tests) == ("too long", 1)


def test_cut_off_or_failed_samples_are_not_shown_to_a_judge() -> None:
    samples = [sample("+49 301234", finish=finish) for finish in ("length", "error")]
    verdicts = verify(samples, VerifyConfig(allow_checkers="judges"))
    assert [verdict.status for verdict in verdicts] == ["fail", "infra"]


@pytest.mark.parametrize(
    ("strategy", "statuses"), [("retry", "fail fail pass pass"), ("vote", "fail"), ("best-of-n", "fail fail")]
)
def test_a_search_asks_the_judge_on_its_way(judges: Path, strategy: str, statuses: str) -> None:
    texts = ["Answer: +1 5550123", "Answer: +1 5550123", "Call +49 301234.", "Call +49 301235."]
    (judges / "script.json").write_text(json.dumps({"p1": texts}))
    words = ("solve", "--engine", "scripted", "--model", "script.json", "--samples", "2", "--strategy", strategy)
    done = axiom(*words, *ALLOWED, cwd=judges, stdin=jsonl.dump(RIGHT.problem))
    judged = axiom("verify", *ALLOWED, cwd=judges, stdin=done.stdout)
    assert [row["status"] for row in rows(judged.stdout)] == statuses.split(), done.stderr
    if strategy == "retry":
        failed(axiom(*words, cwd=judges, stdin=jsonl.dump(RIGHT.problem)), 2, "line 1: problem p1 is judged by judges:")


def test_import_takes_problems_with_a_judge() -> None:
    row = {"prompt": "Which number?", "answer": "+49", "checker": "judges:phone_number"}
    program = {"prompt": "Double it.", **{name: getattr(DOUBLE, name) for name in ("entry_point", "tests", "checker")}}
    wrong = {**row, "prompt": "Which one?", "checker": "no_such_family"}
    found = list(import_problems([row, {**program, "reference": "def double(n): return 0"}, wrong], "jsonl"))
    assert found[0].problem.checker == "judges:phone_number" and found[1].problem.program.checker == "judges:short"
    assert "its checker: there is no family called 'no_such_family'" in found[2].reason


@pytest.mark.parametrize("checker", ["float:1e-6", "gym:chain_sum", "float:inf", "argument:0"])
def test_rules_and_families_are_no_packages(checker: str) -> None:
    problem = Problem("p", "f", "t", "?", 3, "train", answer="1", checker=checker)
    one = Sample(problem, ModelRef("m", "d"), "scripted", {}, 0, 1, "Answer: 1")
    with pytest.raises(MissingError):
        list(verify([one], VerifyConfig(allow_checkers="gym,float,argument")))

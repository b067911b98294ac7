"""coldstart: every teacher's traces meet the verifier, and only verified ones are taken on."""

from __future__ import annotations

import time

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import MissingError, UsageError
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.teacher import teach
from axiom_cli.sampling import teachers
from axiom_cli.sampling.coldstart import coldstart
from axiom_cli.settings.configs import ColdstartConfig
from axiom_cli.workspace.store import Workspace
from chat_server import chat_server, completion
from command_line import axiom, failed

PROBLEMS = list(draw.problems([], 8, [3, 4], "train", 0))
ANSWERS = {problem.prompt: problem.answer for problem in PROBLEMS}


def half_right(body):
    """Right for even seeds."""
    answer = ANSWERS[body["messages"][-1]["content"]]
    return completion(f"<think>\nlet me see\n</think>\nAnswer: {answer if body['seed'] % 2 == 0 else 'unsure'}")


@pytest.mark.parametrize("form", ["answer", "program"])
def test_the_solver_s_traces_all_pass(form):
    problems = list(draw.problems([], 8, [3, 4], "train", 0, form))
    verdicts = list(coldstart(problems, ColdstartConfig(include_failed=True)))
    assert [v.sample.problem for v in verdicts] == problems and all(v.passed for v in verdicts)
    for verdict in verdicts:
        assert verdict.sample.text == teach(verdict.sample.problem) and verdict.sample.text.startswith("<think>\n")
        assert verdict.sample.model.name == "solver"


def test_problems_that_the_solver_does_not_know_are_left_out(tmp_path):
    from dataclasses import replace

    foreign = replace(PROBLEMS[0], family="theirs", extra={})
    assert [v.sample.problem for v in coldstart([foreign, PROBLEMS[1]], ColdstartConfig())] == [PROBLEMS[1]]
    [verdict] = coldstart([foreign], ColdstartConfig(include_failed=True))
    assert verdict.status == "infra"
    failed(
        axiom("coldstart", cwd=tmp_path, stdin=jsonl.dump(foreign)),
        5,
        "no solution by the teacher solver passes",
        "--teacher",
    )


def test_a_remote_teacher_is_verified_like_anyone():
    with chat_server(half_right) as server:
        config = ColdstartConfig(teacher=f"{server.address}#toy", traces=6)
        taken = list(coldstart(PROBLEMS, config))
        assert len(server.requests) == 48
        everything = list(coldstart(PROBLEMS, ColdstartConfig(f"{server.address}#toy", traces=6, include_failed=True)))
    assert {v.status for v in taken} == {"pass"} and {v.status for v in everything} == {"pass", "fail"}
    assert len(everything) == 48 and taken == [v for v in everything if v.passed] and 8 < len(taken) < 40


def test_paid_traces_are_remembered(tmp_path):
    workspace = Workspace.create(tmp_path / ".axiom")
    with chat_server(half_right) as server:
        config = ColdstartConfig(teacher=server.address, teacher_model="toy", traces=2)
        first = list(coldstart(PROBLEMS, config, workspace=workspace))
        assert list(coldstart(PROBLEMS, config, workspace=workspace)) == first
        assert len(server.requests) == 16


@pytest.mark.slow
def test_the_delay_is_kept():
    with chat_server(half_right) as server:
        started = time.monotonic()
        list(coldstart(PROBLEMS[:1], ColdstartConfig(teacher=f"{server.address}#toy", traces=3, delay=0.2)))
    assert time.monotonic() - started >= 0.4


def test_gemini_without_a_key_is_missing_before_anything_is_read(monkeypatch):
    for name in ("AXIOM_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingError) as caught:
        coldstart(iter(PROBLEMS), ColdstartConfig(teacher="gemini"))
    assert caught.value.exit_code == 4 and "GEMINI_API_KEY" in caught.value.hint


@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_gemini_speaks_to_google_with_its_key(monkeypatch, name):
    for other in ("AXIOM_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "a-key")
    teacher = teachers.open_teacher(ColdstartConfig(teacher="gemini"))
    assert teacher.model.name == f"{teachers.GEMINI_ROOT}/v1beta/openai#gemini-2.5-flash"
    teacher.close()
    teacher = teachers.open_teacher(ColdstartConfig(teacher="gemini", teacher_model="gemini-2.5-pro"))
    assert teacher.model.name.endswith("#gemini-2.5-pro")
    teacher.close()


@pytest.mark.parametrize("bad", [{"teacher": "gemeni"}, {"traces": 0}, {"delay": -1.0}])
def test_bad_settings_are_usage_errors(bad):
    with pytest.raises(UsageError):
        coldstart(PROBLEMS, ColdstartConfig(**bad))


def test_an_unknown_teacher_gets_the_closest_one():
    with pytest.raises(UsageError, match="no teacher called 'gemni'") as caught:
        teachers.open_teacher(ColdstartConfig(teacher="gemni"))
    assert caught.value.hint == "did you mean gemini?"

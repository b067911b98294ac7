"""Streams that were closed before the command began: data has nowhere to go, talk is lost, and no file is hurt."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from axiom_cli.jsonl import dump
from axiom_cli.records import ModelRef, Problem, Program, Sample
from cases import slow_but
from command_line import AXIOM, environment, failed, rows

PROBLEM = Problem("p", "f", "one", "What is 1 + 1?", 1, "train", answer="2")
SAMPLE = Sample(PROBLEM, ModelRef("m", "d"), "scripted", {}, 0, 1, "Answer: 2")


def closed(line: str, cwd: Path, redirected: str) -> subprocess.CompletedProcess[bytes]:
    (cwd / "ok.jsonl").write_bytes(dump(SAMPLE))
    (cwd / "problem.jsonl").write_bytes(dump(PROBLEM))
    command = f"{' '.join(AXIOM)} {line} {redirected}"
    return subprocess.run(["bash", "-c", command], cwd=cwd, capture_output=True, env=environment(), timeout=100)


WRITERS = ["verify ok.jsonl", "verify ok.jsonl --format solutions", "verify ok.jsonl -o -", "problems list", "config",
           "problems gen rpn --count 2", "solve problem.jsonl --engine scripted --model solver",
           "coldstart problem.jsonl", "doctor", "problems overlap problem.jsonl problem.jsonl"]  # fmt: skip


@pytest.mark.parametrize("line", slow_but({WRITERS[0], WRITERS[2], "problems gen rpn --count 2"}, WRITERS))
def test_data_that_has_nowhere_to_go_is_said_in_a_line(line: str, tmp_path: Path) -> None:
    failed(closed(line, tmp_path, ">&-"), 4, "error: standard output is closed", "hint: ")


@pytest.mark.parametrize("redirected", slow_but({"<&- >&- 2>&-"}, [">&-", ">&- 2>&-", "<&- >&- 2>&-"]))
def test_a_file_is_written_all_the_same(redirected: str, tmp_path: Path) -> None:
    done = closed("verify ok.jsonl -o out.jsonl", tmp_path, redirected)
    assert done.returncode == 0, done.stderr
    [verdict] = rows((tmp_path / "out.jsonl").read_bytes())
    assert verdict["status"] == "pass"
    assert closed("--help", tmp_path, redirected).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("redirected", slow_but({"2>&-"}, ["2>&-", "<&- 2>&-"]))
def test_talk_that_has_nowhere_to_go_is_lost_and_never_among_the_data(redirected: str, tmp_path: Path) -> None:
    done = closed("verify ok.jsonl", tmp_path, redirected)
    assert done.returncode == 0
    assert len(rows(done.stdout)) == 1
    assert closed("slove", tmp_path, redirected).returncode == 2
    assert closed("verify ok.jsonl", tmp_path, f"{redirected} >&-").returncode == 4


def test_programs_are_judged_with_every_stream_closed(tmp_path: Path) -> None:
    program = Program("f", "def f(x)", tests=[{"args": [1], "expected": 1}])
    problem = Problem("p", "f", "one", "?", 1, "train", program=program)
    text = "```python\ndef f(x): return x\n```"
    (tmp_path / "programs.jsonl").write_bytes(dump(Sample(problem, ModelRef("m", "d"), "scripted", {}, 0, 1, text)))
    done = closed("verify programs.jsonl -o out.jsonl", tmp_path, "<&- >&- 2>&-")
    assert done.returncode == 0
    assert rows((tmp_path / "out.jsonl").read_bytes())[0]["status"] == "pass"

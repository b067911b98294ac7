"""Streams: records by the pipe, broken lines by their number, closed pipes quiet, files whole or not at all."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import orjson
import pytest

from cases import slow_but
from command_line import AXIOM, SCRIPTED, axiom, environment, failed, rows, talk


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    done = axiom("problems", "gen", "rpn", "--count", "4", cwd=tmp_path_factory.mktemp("gen"))
    assert done.returncode == 0
    return done.stdout


@pytest.fixture(scope="module")
def samples(problems: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    words = ("solve", *SCRIPTED, "--model", "solver:0.5", "--samples", "2")
    done = axiom(*words, cwd=tmp_path_factory.mktemp("solve"), stdin=problems)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_pipe_holds_every_record_inside_the_next(samples: bytes, problems: bytes, tmp_path: Path) -> None:
    done = axiom("verify", cwd=tmp_path, stdin=samples)
    assert done.returncode == 0
    verdicts = rows(done.stdout)
    assert [v["sample"] for v in verdicts] == rows(samples)
    assert [v["sample"]["problem"] for v in verdicts[::2]] == rows(problems)
    assert {v["status"] for v in verdicts} == {"pass", "fail"}
    passed = sum(v["status"] == "pass" for v in verdicts)
    assert talk(done) == [f"{passed} of 8 samples passed ({passed / 8:.1%})"]


def test_unknown_fields_go_through(samples: bytes, tmp_path: Path) -> None:
    marked = b"".join(orjson.dumps({**row, "note": "hard"}) + b"\n" for row in rows(samples))
    verdicts = rows(axiom("verify", cwd=tmp_path, stdin=marked).stdout)
    assert {v["sample"]["note"] for v in verdicts} == {"hard"}


def test_the_wrong_kind_says_who_writes_the_right_one(problems: bytes, tmp_path: Path) -> None:
    done = axiom("verify", cwd=tmp_path, stdin=problems)
    failed(done, 3, "line 1: a problem record, expected a sample record", "hint: axiom solve writes sample records")
    assert done.stdout == b""


def test_a_broken_line_is_named_and_may_be_skipped(samples: bytes, tmp_path: Path) -> None:
    lines = samples.splitlines(keepends=True)
    broken = b"".join([*lines[:2], b'{"kind": "sample"\n', *lines[2:], b'{"kind":"sam'])
    done = axiom("verify", cwd=tmp_path, stdin=broken)
    failed(done, 3, "line 3: not JSON", "expected a sample record per line")
    assert len(rows(done.stdout)) == 2
    done = axiom("verify", "--skip-bad", cwd=tmp_path, stdin=broken)
    assert done.returncode == 0
    assert len(rows(done.stdout)) == 8
    assert "2 bad lines skipped; first: line 3" in done.stderr.decode()


def test_a_cut_last_line_is_named(samples: bytes, tmp_path: Path) -> None:
    failed(axiom("verify", cwd=tmp_path, stdin=samples[:-20]), 3, "line 8: not JSON", "incomplete")


@pytest.mark.parametrize("command", ["solve", "verify", "train", "merge", "coldstart"])
def test_an_empty_pipe_is_nothing_to_do(command: str, tmp_path: Path) -> None:
    failed(axiom(command, cwd=tmp_path), 5, "came in", "hint: axiom ")


@pytest.mark.parametrize("command", slow_but({"verify", "train"}, ["solve", "verify", "train", "merge", "coldstart"]))
def test_a_terminal_is_no_input(command: str, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run([*AXIOM, command], cwd=tmp_path, stdin=theirs, capture_output=True, env=environment())
    os.close(ours), os.close(theirs)
    failed(done, 2, "nothing is piped in, and no file is named")


@pytest.mark.parametrize("command", ["solve", "verify", "train", "merge", "coldstart"])
def test_a_file_that_is_not_there(command: str, tmp_path: Path) -> None:
    failed(
        axiom(command, "none.jsonl", cwd=tmp_path), 3, "cannot read none.jsonl: No such file", "hint: check the path"
    )


def test_a_file_that_is_nearly_there_or_has_to_be_imported_first(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("question,answer\n1 + 1?,2\n")
    failed(axiom("solve", "mine.cvs", cwd=tmp_path), 3, "cannot read mine.cvs: No such file", "did you mean mine.csv?")
    said = "axiom problems import mine.csv -o problems.jsonl makes records of it"
    failed(axiom("coldstart", "mine.csv", cwd=tmp_path), 3, "mine.csv holds no records", f"hint: {said}")


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    line = " ".join(AXIOM) + " problems gen arithmetic --count 50000 | head -n 1; echo ${PIPESTATUS[0]} >&2"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, env=environment(), timeout=60)
    assert len(rows(done.stdout)) == 1
    assert done.stderr == b"0\n"


def test_a_pipe_closed_at_once_is_quiet(samples: bytes, tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_bytes(samples)
    line = " ".join(AXIOM) + " verify samples.jsonl | true; echo ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, env=environment(), timeout=60)
    assert done.stdout == b"0\n"
    assert b"Error" not in done.stderr


def test_verify_speaks_before_its_input_ends(samples: bytes, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*AXIOM, "verify"], cwd=tmp_path, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(samples.splitlines(keepends=True)[0])
        process.stdin.flush()
        assert orjson.loads(process.stdout.readline())["kind"] == "verdict"
        process.stdin.close()
        assert process.wait() == 0


def test_a_file_appears_whole_or_not_at_all(samples: bytes, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "verdicts.jsonl"
    assert axiom("verify", "-o", str(out), cwd=tmp_path, stdin=samples).stdout == b""
    whole = out.read_bytes()
    assert len(rows(whole)) == 8
    failed(axiom("verify", "-o", str(out), cwd=tmp_path, stdin=samples + b"broken\n"), 3, "line 9")
    assert out.read_bytes() == whole
    assert os.listdir(out.parent) == [out.name]


def test_ctrl_c_keeps_finished_work(samples: bytes, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*AXIOM, "verify"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(samples.splitlines(keepends=True)[0])
    process.stdin.flush()
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert rows(first + rest)[0]["kind"] == "verdict"
    assert said.decode().startswith("error: interrupted; every line on stdout is whole")
    assert b"to resume" not in said, "verify has nowhere to keep its work"
    assert b"Traceback" not in said


def test_plain_lines_without_a_terminal_and_colour_on_one(tmp_path: Path) -> None:
    done = axiom("slove", cwd=tmp_path)
    assert b"\x1b[" not in done.stderr
    assert b"\x1b[" in _on_a_terminal(tmp_path)
    assert b"\x1b[3" not in _on_a_terminal(tmp_path, NO_COLOR="1")


def _on_a_terminal(cwd: Path, **env: str) -> bytes:
    ours, theirs = pty.openpty()
    more = environment(TERM="xterm", **env)
    with subprocess.Popen([*AXIOM, "slove"], cwd=cwd, stderr=theirs, stdout=theirs, env=more) as process:
        process.wait()
    os.close(theirs)
    time.sleep(0.05)
    said = os.read(ours, 10_000)
    os.close(ours)
    return said


def test_quiet_leaves_only_data(samples: bytes, tmp_path: Path) -> None:
    for words in (("--quiet", "verify"), ("verify", "--quiet")):
        done = axiom(*words, cwd=tmp_path, stdin=samples)
        assert (done.returncode, done.stderr) == (0, b"")
        assert len(rows(done.stdout)) == 8
    done = axiom("verify", cwd=tmp_path, stdin=samples, env={"AXIOM_QUIET": "1"})
    assert done.stderr == b""

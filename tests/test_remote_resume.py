"""A run that was stopped: finished samples are kept, and only the others are asked for again."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from axiom_cli import jsonl
from axiom_cli.problems.families import draw
from chat_server import chat_server, seeded
from command_line import AXIOM, axiom, environment, rows

PROBLEMS = list(draw.problems(["arithmetic"], 40, [3], "train", 0))
LINES = b"".join(map(jsonl.dump, PROBLEMS))


def slowly(body):
    time.sleep(0.05)
    return seeded(body)


def words(server, *more):
    return (
        "solve",
        "--model",
        f"{server.address}#toy",
        "--samples",
        "2",
        "--concurrency",
        "2",
        "-o",
        "out.jsonl",
        *more,
    )


def started(server, folder):
    """A run in a process of its own, whose talk is piped."""
    (folder / "problems.jsonl").write_bytes(LINES)
    command = [*AXIOM, *words(server), "problems.jsonl"]
    return subprocess.Popen(command, cwd=folder, env=environment(), stderr=subprocess.PIPE)


def waited_for(server, count):
    ends = time.monotonic() + 60
    while len(server.requests) < count and time.monotonic() < ends:
        time.sleep(0.02)
    assert len(server.requests) >= count


@pytest.mark.slow
def test_ctrl_c_ends_at_once_and_only_what_is_missing_is_asked_for_again(tmp_path):
    with chat_server(slowly) as server:
        run = started(server, tmp_path)
        waited_for(server, 30)
        server.faults = ["slow"] * 4
        waited_for(server, 36)
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
        assert run.returncode == 130 and b"finished work is kept" in said and b"Traceback" not in said
        assert time.monotonic() - began < 3
        asked, server.faults = len(server.requests), []
        done = axiom(*words(server), cwd=tmp_path, stdin=LINES)
        again = len(server.requests) - asked
        assert done.returncode == 0 and len(rows((tmp_path / "out.jsonl").read_bytes())) == 80
        assert 80 - asked <= again <= 80 - asked + 8
        axiom(*words(server, "-o", "b.jsonl"), cwd=tmp_path, stdin=LINES)
        assert len(server.requests) == asked + again
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()


@pytest.mark.slow
def test_finished_samples_are_kept_behind_a_slow_one(tmp_path):
    """The first request takes for ever: the samples that came after it are saved all the same."""
    with chat_server(seeded) as server:
        server.faults = ["slow"]
        run = started(server, tmp_path)
        waited_for(server, 30)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        assert run.returncode == 130
        asked, server.faults = len(server.requests), []
        done = axiom(*words(server), cwd=tmp_path, stdin=LINES)
        again = len(server.requests) - asked
    assert done.returncode == 0 and len(rows((tmp_path / "out.jsonl").read_bytes())) == 80
    assert again <= 80 - asked + 4


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_run_loses_a_few_seconds(tmp_path):
    with chat_server(lambda body: (time.sleep(0.25), seeded(body))[1]) as server:
        run = started(server, tmp_path)
        waited_for(server, 64)
        run.kill()
        run.communicate()
        asked = len(server.requests)
        done = axiom(*words(server), cwd=tmp_path, stdin=LINES)
        again = len(server.requests) - asked
    assert done.returncode == 0 and len(rows((tmp_path / "out.jsonl").read_bytes())) == 80
    assert 80 - asked <= again < 60
    bodies = [str(body) for body in server.requests]
    assert len(set(bodies)) == 80


@pytest.mark.slow
def test_a_sample_that_could_not_be_had_is_asked_for_again(tmp_path):
    long = {"error": {"message": "the prompt exceeds the context length"}}
    with chat_server() as server:
        server.faults = [(400, long, {})]
        done = axiom(*words(server, "--concurrency", "1"), cwd=tmp_path, stdin=LINES)
        assert done.returncode == 0 and len(server.requests) == 80
        first = rows((tmp_path / "out.jsonl").read_bytes())
        assert [row["finish"] for row in first].count("error") == 1
        axiom(*words(server), cwd=tmp_path, stdin=LINES)
    assert 1 <= len(server.requests) - 80 <= 2
    assert all(row["finish"] == "stop" for row in rows((tmp_path / "out.jsonl").read_bytes()))

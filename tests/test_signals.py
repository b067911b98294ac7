"""SIGTERM and SIGHUP end a command as Ctrl-C does; what a killed writer leaves beside -o is found by the next run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.drafts import filling, room_beside
from command_line import AXIOM, axiom, environment


def wait_for(found, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def drafts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".out.jsonl.")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_a_command_as_ctrl_c_does(tmp_path: Path, name: str) -> None:
    words = [*AXIOM, "problems", "gen", "rpn", "--count", "1000000", "-o", "out.jsonl"]
    running = subprocess.Popen(
        words, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),  # nohup ignores a hangup
    )  # fmt: skip
    wait_for(lambda: drafts(tmp_path))
    running.send_signal(getattr(signal, name))
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130 and "error: interrupted" in said and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_who_ignores_a_hangup_goes_on_and_a_child_dies_of_a_signal(tmp_path: Path) -> None:
    line = f"trap '' HUP; exec {' '.join(AXIOM)} problems gen rpn --count 3000 -o out.jsonl"
    running = subprocess.Popen(["sh", "-c", line], cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL)
    wait_for(lambda: drafts(tmp_path) or (tmp_path / "out.jsonl").exists())
    running.send_signal(signal.SIGHUP)
    assert running.wait(timeout=100) == 0 and (tmp_path / "out.jsonl").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [("SIGTERM", "SIGTERM"), ("SIGINT", "SIGINT"), ("SIGINT", "SIGTERM")])
def test_the_second_signal_stops_at_once(tmp_path: Path, first: str, second: str) -> None:
    code = (
        "import sys, time\nfrom axiom_cli import app\n"
        "def run(words):\n    try:\n        print('ready', flush=True); time.sleep(100)\n"
        "    finally:\n        print('cleaning', flush=True)\n"
        "        try:\n            time.sleep(100)\n        finally:\n            time.sleep(100)\n"
        "app.run = run\nsys.argv = ['axiom', 'solve']\nsys.exit(app.main())"
    )
    python = [AXIOM[0], "-c", code]
    running = subprocess.Popen(
        python, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert running.stdout.readline() == "ready\n"
    running.send_signal(getattr(signal, first))
    assert running.stdout.readline() == "cleaning\n"
    time.sleep(1.2)
    running.send_signal(getattr(signal, second))
    _, said = running.communicate(timeout=5)
    assert running.returncode == 130 and "Traceback" not in said


def test_what_a_killed_writer_left_is_removed_by_the_next_run_of_that_name(tmp_path: Path) -> None:
    stale, others = tmp_path / ".out.jsonl.0123abcd", [".out.jsonl.bak", ".other.jsonl.0123abcd", ".out.jsonl.mine0000"]
    for name in (stale.name, *others):
        (tmp_path / name).write_bytes(b"half a li")
    with jsonl.atomic(tmp_path / "out.jsonl") as stream:
        assert not stale.exists()
        stream.write(b"{}\n")
        [living] = set(drafts(tmp_path)) - {tmp_path / name for name in others}
        jsonl.save(tmp_path / "out.jsonl", [{"written": "meanwhile"}])
        assert living.exists()
    assert (tmp_path / "out.jsonl").read_bytes() == b"{}\n"
    assert sorted(os.listdir(tmp_path)) == sorted(["out.jsonl", *others])


def test_what_a_killed_export_left_is_removed_and_what_it_had_moved_away_is_back(tmp_path: Path) -> None:
    target, living = tmp_path / "out", tmp_path / "out.bak"
    for name in (".out.0123abcd", ".out.0123abcd.old", ".out.mine", living.name):
        (tmp_path / name).mkdir()
    (tmp_path / ".out.0123abcd.old" / "earlier").touch()
    with suppress(KeyError), filling(target, target) as draft:
        (draft / "half").touch()
        with room_beside(target, target):
            assert draft.is_dir() and sum(path.name.startswith(".out.") for path in tmp_path.iterdir()) == 3
        raise KeyError
    assert os.listdir(target) == ["earlier"]
    with filling(target, target) as draft:
        (draft / "whole").touch()
    assert os.listdir(target) == ["whole"]
    assert sorted(os.listdir(tmp_path)) == [".out.mine", "out", "out.bak"]


@pytest.mark.slow
def test_sigkill_leaves_a_draft_that_the_same_command_removes(tmp_path: Path) -> None:
    words = ["problems", "gen", "rpn", "--count", "1000000", "-o", "out.jsonl"]
    running = subprocess.Popen([*AXIOM, *words], cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL)
    wait_for(lambda: drafts(tmp_path))
    running.kill()
    running.wait()
    assert drafts(tmp_path)
    assert axiom(*["3" if word == "1000000" else word for word in words], cwd=tmp_path).returncode == 0
    assert os.listdir(tmp_path) == ["out.jsonl"]

"""Exit codes and the line that goes with each, as documented in docs/cli.md."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from axiom_cli import __version__
from axiom_cli.jsonl import dump
from axiom_cli.records import Problem
from command_line import AXIOM, ROOT, SCRIPTED, axiom, environment, extra, failed, rows, talk

PROBLEM = dump(Problem("p", "f", "one", "What is 1 + 1?", 1, "train", answer="2"))


def test_version_and_help(tmp_path: Path) -> None:
    assert axiom("--version", cwd=tmp_path).stdout.decode() == f"axiom {__version__}\n"
    start, asked = axiom(cwd=tmp_path), axiom("--help", cwd=tmp_path)
    assert start.returncode == asked.returncode == 0
    assert b"axiom loop" in start.stdout and len(start.stdout.splitlines()) <= 20
    assert b"workspace" in asked.stdout
    for group in ("problems", "workspace"):
        bare, asked = axiom(group, cwd=tmp_path), axiom(group, "--help", cwd=tmp_path)
        assert (bare.returncode, bare.stdout, bare.stderr) == (0, asked.stdout, b"")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["slove"], 2, "hint: did you mean solve?"),
        (["problems", "genn"], 2, "hint: did you mean gen?"),
        (["verify", "--fail-udner", "1"], 2, "--fail-under"),
        (["loop", "--samples", "many"], 2, "'--samples': 'many' is not a whole number\n"),
        (["loop", "--problems", ""], 2, "--problems is empty\n"),
        (["loop", "--lr", "many"], 2, "'--lr': 'many' is not a number\n"),
        (["problems", "overlap", "-", "-"], 2, "A and B are both stdin"),
        (["problems", "gen", "--count", "many"], 2, "--count"),
        (["problems", "gen", "--difficulty", "low"], 2, "hint: write LO-HI"),
        (["problems", "gen", "--split", "tset"], 2, "not one of train, val, test"),
        (["problems", "gen", "--form", "prose"], 2, "not one of answer, program"),
        (["verify", "--format", "xml"], 2, "not one of verdicts, solutions"),
        (["verify", "--fail-under", "2"], 2, "a rate is between 0 and 1"),
        (["--workspace"], 2, "--workspace needs a folder"),
        (["problems", "gen", "arithmetik"], 4, "hint: did you mean arithmetic?"),
        (["solve", "--problems", "two_sums"], 4, "hint: did you mean two_sum?"),
        (["solve", "--problems", "two_sum", "--engine", "scritped"], 4, "hint: did you mean scripted?"),
        (["solve", "--problems", "two_sum", "--model", "no/such/model"], 4, "no/such/model"),
        (["report", "nothing_like_it"], 4, "there is no experiment called 'nothing_like_it'"),
        (["workspace", "ls"], 10, "no workspace"),
        (["workspace", "ls", "--workspace", "elsewhere"], 10, "elsewhere is not a workspace"),
    ],
)
def test_documented_failures(words: list[str], code: int, said: str, tmp_path: Path) -> None:
    failed(axiom(*words, cwd=tmp_path, stdin=None, env={"HF_HUB_OFFLINE": "1"}), code, said, "hint: ")


def test_nothing_passing_to_train_on_and_a_failed_gate(tmp_path: Path) -> None:
    wrong = axiom("solve", *SCRIPTED, "--model", "solver:1", cwd=tmp_path, stdin=PROBLEM).stdout
    gate = axiom("verify", "--fail-under", "0.5", cwd=tmp_path, stdin=wrong)
    failed(gate, 6, "0.000 of the samples passed, under 0.5")
    assert len(rows(gate.stdout)) == 8
    failed(axiom("train", cwd=tmp_path, stdin=gate.stdout), 5)
    right = axiom("solve", *SCRIPTED, "--model", "solver", cwd=tmp_path, stdin=PROBLEM).stdout
    assert axiom("verify", "--fail-under", "0.5", cwd=tmp_path, stdin=right).returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_audit_of_tests_that_contradict_the_solution(tmp_path: Path) -> None:
    [sample] = rows(
        axiom("solve", *SCRIPTED, "--model", "solver", "--samples", "1", "--problems", "fizzbuzz", cwd=tmp_path).stdout
    )
    sample["problem"]["program"]["tests"][3]["expected"] = ["Buzz"]
    failed(axiom("verify", "--audit", cwd=tmp_path, stdin=dump(sample)), 6, "its own solution does not pass")


def test_wrong_answers_never_change_the_code(tmp_path: Path) -> None:
    wrong = axiom("solve", *SCRIPTED, "--model", "solver:1", cwd=tmp_path, stdin=PROBLEM).stdout
    assert axiom("verify", cwd=tmp_path, stdin=wrong).returncode == 0


def test_a_workspace_of_a_newer_format(tmp_path: Path) -> None:
    (tmp_path / ".axiom").mkdir()
    (tmp_path / ".axiom" / "format").write_text("axiom workspace 99\n")
    failed(axiom("workspace", "ls", cwd=tmp_path), 10, "format 99")


def test_a_damaged_workspace(tmp_path: Path) -> None:
    axiom("solve", *SCRIPTED, "--model", "solver", cwd=tmp_path, stdin=PROBLEM)
    [entry] = rows(axiom("workspace", "ls", cwd=tmp_path).stdout)
    assert axiom("workspace", "fsck", cwd=tmp_path).returncode == 0
    [path] = [path for path in tmp_path.glob(".axiom/objects/**/*") if path.is_file()]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"Answer: 2", b"Answer: 3"))
    failed(axiom("workspace", "show", entry["digest"], cwd=tmp_path), 12)
    failed(axiom("workspace", "fsck", cwd=tmp_path), 12, "1 damaged item")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        command, env = [*AXIOM, "problems", "gen", "rpn"], environment(PYTHONUNBUFFERED="")
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, env=env)
    assert done.returncode == 4
    assert done.stderr.decode().splitlines()[0] == "error: cannot write to standard output: No space left on device"
    assert "hint: make room" in done.stderr.decode()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = axiom("problems", "gen", "rpn", "-o", "/proc/nothing/here.jsonl", cwd=tmp_path)
    failed(done, 4, "cannot write to /proc/nothing/here.jsonl", "hint: ")


def test_the_name_of_a_hand_written_problem_leads_to_it(tmp_path: Path) -> None:
    done = axiom("problems", "gen", "two_sum", cwd=tmp_path)
    failed(
        done,
        4,
        "there is no family called 'two_sum'",
        "hint: that is a hand-written problem: axiom problems show two_sum",
    )


@pytest.mark.parametrize("words", [("gen", ""), ("gen", ","), ("audit", " "), ("show", "")])
def test_a_blank_name_does_not_stand_for_all(words: tuple[str, ...], tmp_path: Path) -> None:
    failed(axiom("problems", *words, cwd=tmp_path), 2, "a name is blank", "hint: leave it out")


def test_debug_shows_the_traceback_and_keeps_the_code(tmp_path: Path) -> None:
    done = axiom("problems", "gen", "arithmetik", "--debug", cwd=tmp_path)
    assert done.returncode == 4
    assert "Traceback" in done.stderr.decode()
    assert talk(done)[-2].startswith("error: there is no family called")


@pytest.mark.parametrize(
    ("value", "traceback"), [("0", False), ("false", False), ("no", False), ("1", True), ("true", True)]
)
def test_the_debug_variable_is_a_setting_like_others(value: str, traceback: bool, tmp_path: Path) -> None:
    done = axiom("problems", "gen", "arithmetik", cwd=tmp_path, env={"AXIOM_DEBUG": value})
    assert done.returncode == 4
    assert ("Traceback" in done.stderr.decode()) is traceback


def test_a_debug_variable_that_says_nothing_is_one_line(tmp_path: Path) -> None:
    done = axiom("problems", "gen", cwd=tmp_path, env={"AXIOM_DEBUG": "perhaps"})
    failed(done, 2, "variable AXIOM_DEBUG: debug = 'perhaps'")


def test_a_bug_keeps_its_traceback_and_exits_1(tmp_path: Path) -> None:
    (tmp_path / "buggy.py").write_text(
        "import sys\nfrom axiom_cli import app\n"
        "import axiom_cli.problems.families.draw as draw\n"
        "draw.parse_levels = lambda text: 1 / 0\n"
        "sys.exit(app.main(['problems', 'gen']))\n"
    )
    done = subprocess.run([sys.executable, "buggy.py"], cwd=tmp_path, capture_output=True, env=environment())
    assert done.returncode == 1
    assert b"ZeroDivisionError" in done.stderr and b"Traceback" in done.stderr


def test_ctrl_c_leaves_no_half_file(tmp_path: Path) -> None:
    words = ["problems", "gen", "--count", "10000000", "-o", "out.jsonl"]
    with subprocess.Popen([*AXIOM, *words], cwd=tmp_path, stderr=subprocess.PIPE, env=environment()) as process:
        while not any(path.stat().st_size for path in tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert b"Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_help_costs_little_more_than_its_libraries(tmp_path: Path) -> None:
    """Measured against importing typer and rich, in turn, so that a busy machine slows both."""
    commands = {"help": [*AXIOM, "--help"], "import": [sys.executable, "-c", "import typer, rich"]}
    times: dict[str, list[float]] = {"help": [], "import": []}
    for _ in range(7):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, check=True)
            times[name].append(time.perf_counter() - start)
    assert statistics.median(times["help"]) < 3 * statistics.median(times["import"])


def test_the_cli_page_is_the_cli() -> None:
    from axiom_cli.commands.document import document

    assert (ROOT / "docs" / "cli.md").read_text() == document(), "python -m axiom_cli.commands.document > docs/cli.md"


def test_a_missing_extra_is_told_before_a_record_is_read(tmp_path: Path) -> None:
    """The package is hidden, as it is installed on some machines; the file of adapters does not exist."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['gguf'] = None\n")
    env = environment(PYTHONPATH=f"{tmp_path}{os.pathsep}{environment()['PYTHONPATH']}")
    words = [*AXIOM, "merge", "none.jsonl", "--gguf", "model.gguf"]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, timeout=100)
    failed(done, 4, "needs the package gguf", extra("gguf", tmp_path))

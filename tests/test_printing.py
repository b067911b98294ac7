"""Standard output is for records: what families of others print goes elsewhere, and what they raise ends no stream."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.problems.families.plug_ins import describe_error
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.terminal import stdout_guard
from command_line import AXIOM, ROOT, axiom, environment, rows, talk

LOUD = """
import sys
from axiom_cli.problems.families.family import Family
print("loaded")

class Loud(Family):
    name, about, levels, open_ended = "loud", "doubling", "level n: numbers below 10 ** (n + 3)", True

    def draw(self, random, level):
        print("drawn")
        print(".", end="", flush=True)
        sys.stdout.buffer.write(b"bytes")
        return random.randrange(10 ** (level + 3))

    def statement(self, task):
        print("stated")
        return f"Double the number {task}."

    def answer(self, task):
        print("answered")
        return str(2 * task)

    def trace(self, task):
        print("traced")
        return [f"{task} + {task}"]

    def accepts(self, prompt, answer):
        print("judged")
        return int(answer) == 2 * int(prompt.split()[-1][:-1])

    def second(self, prompt):
        print("solved")
        return str(2 * int(prompt.split()[-1][:-1]))
"""


@pytest.fixture
def loud(tmp_path: Path) -> dict[str, str]:
    """Variables under which the family is installed."""
    (tmp_path / "loud.py").write_text(LOUD)
    info = tmp_path / "loud-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: loud\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[axiom.families]\nloud = loud:Loud\n")
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}


def test_what_a_plug_in_prints_is_not_among_the_records(tmp_path, loud):
    made = axiom("problems", "gen", "loud", "--count", "3", cwd=tmp_path, env=loud)
    assert [row["family"] for row in rows(made.stdout)] == ["loud"] * 3
    assert all(any(word in line for line in talk(made)) for word in ("loaded", "drawn", "stated", "answered", "bytes"))
    taught = axiom("coldstart", "--workspace", "w", cwd=tmp_path, env=loud, stdin=made.stdout)
    assert [row["kind"] for row in rows(taught.stdout)] == ["verdict"] * 3
    assert any("traced" in line for line in talk(taught))
    quiet = axiom("problems", "gen", "loud", "--count", "3", "--quiet", cwd=tmp_path, env=loud)
    assert (quiet.stdout, quiet.stderr) == (made.stdout, b"")
    listed = axiom("problems", "list", "--json", cwd=tmp_path, env=loud)
    assert any(row["name"] == "loud" for row in rows(listed.stdout)) and "loaded" in talk(listed)


def test_a_judge_may_print_and_raise(tmp_path, loud):
    (problem,) = [
        Problem.from_dict(row)
        for row in rows(axiom("problems", "gen", "loud", "--count", "1", cwd=tmp_path, env=loud).stdout)
    ]
    texts = ["no number", f"0{problem.answer}", "7"]
    samples = (Sample(problem, ModelRef("m", "d"), "scripted", {}, 0, 1, f"Answer: {text}") for text in texts)
    done = axiom("verify", cwd=tmp_path, env=loud, stdin=b"".join(map(jsonl.dump, samples)))
    assert [row["status"] for row in rows(done.stdout)] == ["infra", "pass", "fail"], talk(done)
    reason = rows(done.stdout)[0]["reason"]
    assert f"the family 'loud' failed on problem {problem.id}: ValueError: invalid literal" in reason
    assert "(loud.py:" in reason
    assert "judged" in talk(done) and done.returncode == 0


@pytest.mark.slow
def test_an_audit_of_a_plug_in_that_prints(tmp_path, loud):
    words = ("problems", "audit", "loud", "clock", "--draws", "100", "--count", "20", "--jobs", "2")
    done = axiom(*words, cwd=tmp_path, env=loud)
    assert [(row["family"], row["failures"]) for row in rows(done.stdout)] == [("loud", []), ("clock", [])]
    assert "solved" in talk(done)


def test_lines_of_others_are_whole(capsys):
    with stdout_guard.guard():
        print("dots", end="")
        print("no line yet", file=sys.stderr)
        print(" end here\nand", "rest", end="", flush=True)
        kept = stdout_guard.stdout()
    assert sys.stdout is kept is stdout_guard.stdout()
    found = capsys.readouterr()
    assert (found.out, found.err) == ("", "no line yet\ndots end here\nand rest\n")
    with stdout_guard.guard(quiet=True):
        print("nothing")
        print("data", file=stdout_guard.stdout())
    found = capsys.readouterr()
    assert (found.out, found.err) == ("data\n", "")


WRAPS = """
import io, sys
sys.stdout.reconfigure(line_buffering=True)
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
"""


def test_who_wraps_standard_output_takes_stderr_from_nobody(loud: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(WRAPS + LOUD.replace("return random.rand", "1 / 0; return random.rand"))
    done = axiom("problems", "gen", "loud", "--count", "2", cwd=tmp_path, env=loud)
    assert (done.returncode, talk(done)[-2].startswith("error: ")) == (3, True), done.stderr
    assert "ZeroDivisionError" in done.stderr.decode() and "lost sys.stderr" not in done.stderr.decode()


def test_where_nobody_reads_stderr_what_is_printed_is_lost_and_no_record(loud: dict[str, str], tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        command = [*AXIOM, "problems", "gen", "loud", "--count", "5", "-o", "out.jsonl"]
        subprocess.run(command, cwd=tmp_path, stderr=full, env=environment(**loud), timeout=100)
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 5


def test_an_error_s_text_may_be_no_text() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert describe_error(Odd()) == "Odd: "
    assert describe_error(ValueError("\ud800 here")) == "ValueError: ? here"

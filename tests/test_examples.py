"""Every example, and every console block of the documentation, is run as a user would run it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import fork_server
from command_line import ROOT, environment, rows

README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = ROOT / "examples"
Shell = Callable[..., "subprocess.CompletedProcess[bytes]"]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if BLOCK.search(page.read_text("utf-8"))]
LONG = {"use_the_result", "overnight", "on_a_cluster", "your_machine", "device_check"}
"""Pages whose commands take seconds."""


def make_shell(programs: Path) -> Shell:
    """Runs a line in a shell that knows `axiom` and `python`."""
    fork_server.write_program(programs / "axiom")
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (programs / "python").chmod(0o755)

    def run(line: str, cwd: Path, together: bool = False, **more: str) -> subprocess.CompletedProcess[bytes]:
        """The finished process; `together` puts what it says on stderr among its stdout, as a terminal does."""
        env = environment(PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", LC_ALL="C", **more)
        errors = subprocess.STDOUT if together else subprocess.PIPE
        return subprocess.run(["sh", "-c", line], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=errors, timeout=900)

    return run


@pytest.fixture(scope="module")
def shell(tmp_path_factory) -> Shell:
    return make_shell(tmp_path_factory.mktemp("bin"))


@pytest.mark.slow
def test_the_pipe_keeps_the_short_accepted_samples_of_hard_problems(shell, tmp_path):
    done = shell(f"sh {EXAMPLES / 'pipe.sh'}", tmp_path)
    assert done.returncode == 0, done.stderr
    verdicts = rows(done.stdout)
    assert len(verdicts) > 20
    assert {v["status"] for v in verdicts} == {"pass"}
    assert min(v["sample"]["problem"]["level"] for v in verdicts) == 4
    assert max(v["sample"]["tokens"] for v in verdicts) <= 120


@pytest.mark.parametrize(
    ("condition", "kept"),
    [("a.b '>=' 2", "2"), ("a.b '!=' 2", "1"), ("name == x", "1"), ("absent == null", ""), ("a == 1", "")],
)
def test_where_keeps_lines_as_they_came(shell, tmp_path, condition, kept):
    (tmp_path / "in").write_text('{"n":1, "a":{"b":1},"name":"x"}\n{"n":2, "a":{"b":2},"name":"y"}\n')
    done = shell(f"python {EXAMPLES / 'where.py'} {condition} < in", tmp_path)
    assert [line[5:6] for line in done.stdout.decode().splitlines()] == list(kept)


@pytest.mark.slow
def test_comparing_two_runs_says_which_is_better(shell, tmp_path):
    done = shell(f"sh {EXAMPLES / 'compare.sh'}", tmp_path)
    assert done.returncode == 0, done.stderr
    [comparison] = rows(done.stdout)
    assert comparison["verdict"] == "better" and comparison["problems"] == 40
    assert b"Better: " in done.stderr and b"of the samples of verdicts_solver_0.2 pass" in done.stderr
    same = shell(f"sh {EXAMPLES / 'compare.sh'} scripted solver:0.5 solver:0.5", tmp_path)
    assert b"Inconclusive" in same.stderr


@pytest.mark.slow
def test_a_family_from_outside_is_installed_drawn_audited_and_solved(shell, tmp_path):
    pytest.importorskip("setuptools", reason="the example's build backend is not installed here")
    shutil.copytree(EXAMPLES / "roman_family", tmp_path / "source")
    install = "python -m pip install -q --no-build-isolation --no-deps --no-index --target site ./source"
    done = shell(install, tmp_path)
    assert done.returncode == 0, done.stderr
    path = os.pathsep.join([str(ROOT), str(tmp_path / "site")])
    listed = rows(shell("axiom problems list", tmp_path, PYTHONPATH=path).stdout)
    assert "roman" in [row["name"] for row in listed if row["kind"] == "family"]
    line = "axiom problems gen roman --count 30 --difficulty 1-10 | axiom coldstart --include-failed"
    verdicts = rows(shell(line, tmp_path, PYTHONPATH=path).stdout)
    assert len(verdicts) == 30 and {v["status"] for v in verdicts} == {"pass"}
    audit = shell("axiom problems audit roman --draws 300", tmp_path, PYTHONPATH=path)
    assert audit.returncode == 0, audit.stderr


def test_a_whole_family_stands_in_thirty_lines(shell, tmp_path):
    done = shell(f"python {EXAMPLES / 'new_family.py'}", tmp_path)
    assert done.returncode == 0, done.stderr
    *problems, audit = rows(done.stdout)
    assert [problem["level"] for problem in problems] == [1, 5, 10]
    assert all(problem["family"] == "digits" and problem["answer"] for problem in problems)
    assert audit["passed"] and audit["draws"] == 1000
    assert len((EXAMPLES / "new_family.py").read_text().splitlines()) <= 30


def test_the_readme_has_its_two_commands_each_one_line_to_paste():
    """`.ci/run` reads them out of it and runs them."""
    loop, tests = re.findall(r"^```sh\n(python3 -m venv .*)\n```$", README, re.MULTILINE)
    assert loop.endswith("axiom loop") and tests.endswith("pytest")


def replayed(text: str, shell: Shell, folder: Path) -> str:
    """The page with every console block's output as it is now. Raises where a command fails."""

    def block(found: re.Match[str]) -> str:
        lines = [line[2:] for line in found[1].splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"$ {line}\n{said(line)}" for line in lines) + "```"

    def said(line: str) -> str:
        done = shell(line, folder, together=True)
        assert done.returncode == 0, (line, done.stdout.decode())
        return done.stdout.decode()

    return BLOCK.sub(block, text)


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page.stem in LONG else ()) for page in PAGES],
    ids=lambda page: page.stem,
)
def test_a_page_shows_what_its_commands_say(shell, tmp_path, page):
    if not shutil.which("jq"):
        pytest.skip("the page uses jq, which is not installed here")
    text = page.read_text("utf-8")
    assert replayed(text, shell, tmp_path) == text, f"python {Path(__file__).name} rewrites the outputs"


def test_every_link_of_the_documentation_leads_somewhere():
    """The gallery is left out: its statements are full of brackets, and it links to nothing."""
    pages = [ROOT / "README.md", EXAMPLES / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        if page.name != "families.md"
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_the_line_for_processors_installs_the_torch_that_the_constraints_keep():
    """Otherwise the line after it would load another build, for graphics cards."""
    pinned = re.search(r"^torch==(\S+)$", (ROOT / ".ci" / "constraints.txt").read_text("utf-8"), re.MULTILINE)[1]
    lines = re.findall(r"pip install torch==(\S+) --index-url https://download.pytorch.org/whl/cpu", README)
    assert lines == [pinned]


def test_the_tutorial_and_the_formats_have_blocks_to_run():
    assert {"tutorial", "formats"} <= {page.stem for page in PAGES}


if __name__ == "__main__":
    end = fork_server.start(environment(HF_HUB_OFFLINE="1"))
    for page in PAGES:
        with tempfile.TemporaryDirectory() as bin_folder, tempfile.TemporaryDirectory() as work_folder:
            page.write_text(replayed(page.read_text("utf-8"), make_shell(Path(bin_folder)), Path(work_folder)), "utf-8")
    end()

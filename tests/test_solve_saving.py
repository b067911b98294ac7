"""solve and where it saves: said before any work where nothing can be saved, and no finished sample is lost."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from axiom_cli.errors import MissingError
from axiom_cli.problems.families import draw
from axiom_cli.sampling import sample_cache
from axiom_cli.sampling import solve as stage
from axiom_cli.sampling.engines.scripted import ScriptedEngine
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace
from command_line import SCRIPTED, axiom, failed, rows

SOLVE = ("solve", *SCRIPTED, "--model", "solver", "--samples", "2")


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return axiom("problems", "gen", "rpn", "--count", "4", cwd=tmp_path_factory.mktemp("gen")).stdout


def limit(size: int) -> None:
    """No file may grow beyond `size` bytes: a full disk, for this process."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


LOOK = """
import os, sys
from axiom_cli.errors import AxiomError
from axiom_cli.workspace.store import Workspace
if os.geteuid() == 0:  # to root nothing is read-only
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    Workspace.open_or_create(sys.argv[1]).objects.check_writable()
except AxiomError as error:
    print(error.exit_code, error, "|", error.hint)
"""


def test_a_full_disk_is_said_before_the_engine_is_asked(problems: bytes, tmp_path: Path) -> None:
    done = axiom(*SOLVE, "--model", "none", cwd=tmp_path, stdin=problems, preexec_fn=partial(limit, 0))
    failed(done, 4, "cannot write to ", ".axiom: File too large", "hint: free some space")
    assert done.stdout == b""
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_read_only_workspace_is_noticed_by_looking(there: bool) -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to other users
        root = Path(place) / ".axiom"
        if there:
            Workspace(root).put_bytes(b"kept")
        paths = [Path(place), *Path(place).rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            said = subprocess.run([sys.executable, "-c", LOOK, str(root)], capture_output=True, check=True).stdout
        finally:
            for path in paths:
                path.chmod(0o755)
    assert said.decode().startswith(f"4 cannot write to {root}: Permission denied | ")
    assert "--workspace" in said.decode()


def test_looking_leaves_nothing_behind(problems: bytes, tmp_path: Path) -> None:
    failed(axiom(*SOLVE[:3], "--model", "none", cwd=tmp_path, stdin=problems), 4)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("save_every", [0.0, 60.0])
def test_a_disk_that_fills_up_loses_no_finished_sample(tmp_path: Path, monkeypatch, save_every: float) -> None:
    monkeypatch.setattr(sample_cache, "SAVE_EVERY", save_every)
    problems = list(draw.problems(["rpn"], 6, [3], "train", 0))
    workspace = Workspace.create(tmp_path / ".axiom")
    before, read = resource.getrlimit(resource.RLIMIT_FSIZE), []
    try:
        limit(256)
        with pytest.raises(MissingError, match="cannot write"):
            for sample in stage.solve(problems, ScriptedEngine("solver"), SolveConfig(samples=2), workspace):
                read.append(sample.problem)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read[::2] == problems


def test_a_disk_that_fills_up_keeps_stdout(problems: bytes, tmp_path: Path) -> None:
    words = (*SOLVE, "--samples", "40", "--workspace", "w")
    done = axiom(*words, cwd=tmp_path, stdin=problems, preexec_fn=partial(limit, 8192))
    failed(done, 4, "cannot write to w", "hint: ")
    assert len(rows(done.stdout)) == 160

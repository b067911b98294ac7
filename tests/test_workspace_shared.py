"""Two users of one group share a workspace; a third may only read."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import ordinary_user

ANN, BOB, GROUP, STRANGER = 60001, 60002, 60000, 60003
CODE = """
import os, sys
os.umask(0o002)
sys.argv = ["axiom", *{words!r}]
from axiom_cli.app import main
sys.exit(main())
"""


@pytest.fixture
def project() -> Iterator[Path]:
    """A folder whose files belong to the group, as `chmod g+ws` makes it."""
    ordinary_user.python()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name) / "project"
        folder.mkdir()
        os.chown(folder, ANN, GROUP)
        folder.chmod(0o2775)
        Path(name).chmod(0o755)
        yield folder


def axiom(user: int, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    group = GROUP if user in (ANN, BOB) else user
    environment = {"PYTHONPATH": ordinary_user.PATH, "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"}
    return subprocess.run(
        [ordinary_user.python(), "-c", CODE.format(words=words)], user=user, group=group, extra_groups=[], cwd=folder,
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_users_of_one_group_work_in_one_workspace(project: Path) -> None:
    for user in (ANN, BOB, ANN):
        for words in (
            f"problems gen rpn --count 3 --seed {user} -o p{user}.jsonl",
            "problems gen rpn --count 3 -o common.jsonl",
            f"solve p{user}.jsonl --engine scripted --model solver --samples 1 -o s{user}.jsonl",
            "solve common.jsonl --engine scripted --model solver --samples 1 -o s.jsonl",
        ):
            done = axiom(user, project, *words.split())
            assert done.returncode == 0, (user, words, done.stderr)
    for words in ("gc --orphans", "fsck"):
        done = axiom(BOB, project, "workspace", *words.split())
        assert done.returncode == 0, (words, done.stderr)


@pytest.mark.slow
def test_who_may_only_read_reads_and_is_told_so_when_writing(project: Path) -> None:
    assert axiom(ANN, project, "problems", "gen", "rpn", "--count", "3", "-o", "p.jsonl").returncode == 0
    solved = axiom(ANN, project, "solve", "p.jsonl", "--engine", "scripted", "--model", "solver", "-o", "s.jsonl")
    assert solved.returncode == 0, solved.stderr
    before = sorted(project.rglob("*"))
    digest = axiom(STRANGER, project, "workspace", "ls", "--json").stdout.partition('"digest":"')[2][:64]
    assert len(digest) == 64
    for words in ("ls", f"show {digest}", f"why {digest}", f"diff {digest} {digest}", "gc --dry-run", "fsck"):
        done = axiom(STRANGER, project, "workspace", *words.split())
        assert done.returncode == 0, (words, done.stderr)
    for words in ("workspace gc", "solve p.jsonl --engine scripted --model solver --samples 1 --seed 1"):
        done = axiom(STRANGER, project, *words.split())
        assert done.returncode == 4 and "Permission denied" in done.stderr, (words, done.stderr)
    assert sorted(project.rglob("*")) == before

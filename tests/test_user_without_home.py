"""A user without an entry in passwd, a home, a locale or a folder to write to, as in some containers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from command_line import AXIOM, environment, failed

UNKNOWN = ["unshare", "--user", "--map-user=12345", "env", "-u", "HOME", "-u", "XDG_CONFIG_HOME", "LC_ALL=C"]


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    try:
        subprocess.run([*UNKNOWN, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("user namespaces are not available here")


def run(*words: str, cwd: Path, variables: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*UNKNOWN, *variables, *AXIOM, *words], cwd=cwd, env=environment(), capture_output=True)


@pytest.fixture
def read_only(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o555)
    return folder


@pytest.mark.slow
def test_what_needs_no_folder_works_without_one(read_only: Path) -> None:
    made = run("problems", "gen", "rpn", "--count", "2", cwd=read_only)
    assert (made.returncode, made.stdout.count(b"\n")) == (0, 2), made.stderr
    refused = run("problems", "gen", "rpn", "--count", "2", "-o", "p.jsonl", cwd=read_only)
    failed(refused, 4, "cannot write to p.jsonl: Permission denied")
    settings = run("config", cwd=read_only)
    assert settings.returncode == 0
    assert b"no home directory" in settings.stderr


@pytest.mark.slow
def test_what_is_missing_is_said_in_one_line(read_only: Path) -> None:
    problems = read_only.parent / "p.jsonl"
    run("problems", "gen", "rpn", "--count", "2", "-o", str(problems), cwd=read_only)
    failed(run("solve", str(problems), cwd=read_only), 4, f"cannot write to {read_only / '.axiom'}", "--workspace")
    for name, said in (("~/model", "no model called '~/model'"), ("some/model", "without a home directory")):
        done = run("solve", str(problems), "--model", name, "--workspace", "../w", cwd=read_only)
        failed(done, 4, said)
    assert not list(read_only.iterdir())


@pytest.mark.slow
def test_the_whole_pipeline_runs(tmp_path: Path) -> None:
    steps = (
        ("problems", "gen", "rpn", "--count", "25", "-o", "p.jsonl"),
        ("solve", "p.jsonl", "--samples", "1", "--max-tokens", "32", "-o", "s.jsonl"),
        ("verify", "s.jsonl", "-o", "v.jsonl"),
        ("coldstart", "p.jsonl", "-o", "rows.jsonl"),
        ("train", "rows.jsonl", "--epochs", "1", "-o", "a.json"),
        ("merge", "a.json", "-o", "m.json"),
        ("doctor",),
        ("workspace", "ls"),
    )
    for words in steps:
        done = run(*words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    assert not (tmp_path / "~").exists()

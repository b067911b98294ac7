"""An experiment's folder, or one of saved solutions, whose files somebody made links: nothing outside it is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from command_line import axiom, failed

PRECIOUS = b"precious"
LOOP = [
    "loop", "--experiment", "k", "--iterations", "1", "--problems", "queue_listing", "--max-difficulty", "3",
    "--train-size", "40", "--val-size", "4", "--test-size", "4", "--ignore-gates",
]  # fmt: skip
SAVE = ("--output-dir", "saved", "--engine", "scripted", "--model", "solver")
REPLACED = ["metrics.jsonl", "val.jsonl", "report.html", "solutions/iter_0.jsonl"]
REFUSED = ["config.json", ".lock", "evaluations", "solutions", ""]


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished loop, and solutions saved by a solve."""
    folder = tmp_path_factory.mktemp("experiment")
    done = axiom(*LOOP, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert axiom("workspace", "fsck", cwd=folder).returncode == 0, "whatever a loop writes has its place"
    assert axiom("solve", "--problems", "fizzbuzz", "--samples", "1", *SAVE, cwd=folder).returncode == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REPLACED, *REFUSED])
def test_an_experiments_folder_leads_nowhere_either(experiment: Path, tmp_path: Path, name: str) -> None:
    work, aside = tmp_path / "work", tmp_path / "outside" / "aside"
    shutil.copytree(experiment, work, symlinks=True)
    aside.parent.mkdir()
    place = work / "experiments" / "k" / name
    shutil.move(place, aside) if place.exists() else aside.write_bytes(PRECIOUS)
    place.symlink_to(aside)
    before = {path: (path.lstat().st_mtime_ns, path.is_dir() or path.read_bytes()) for path in aside.parent.rglob("*")}
    done = axiom(*LOOP, cwd=work)
    if name in REPLACED:
        assert done.returncode == 0 and place.is_file() and not place.is_symlink()
    else:
        failed(done, 12, f"{place.relative_to(work)} is a link, not a")
    assert before == {
        path: (path.lstat().st_mtime_ns, path.is_dir() or path.read_bytes()) for path in aside.parent.rglob("*")
    }


@pytest.mark.slow
def test_saved_solutions_do_not_go_through_a_link(experiment: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "chapter").write_bytes(PRECIOUS)
    shutil.copytree(experiment / "saved", tmp_path / "saved")
    file = tmp_path / "saved" / "solutions.jsonl"
    for name in ("chapter", "new"):
        file.unlink()
        file.symlink_to(outside / name)
        failed(
            axiom("solve", "--problems", "fizzbuzz", *SAVE, cwd=tmp_path), 12, "solutions.jsonl is a link, not a file"
        )
        assert [path.name for path in outside.iterdir()] == ["chapter"] and (
            outside / "chapter"
        ).read_bytes() == PRECIOUS

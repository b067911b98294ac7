"""A checked-out tree is what was stored, whenever it is used: what was damaged stops the command."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import orjson
import pytest

from axiom_cli import models
from axiom_cli.errors import WorkspaceDamagedError
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.workspace.fsck import fsck
from axiom_cli.workspace.store import Workspace
from command_line import axiom, failed


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


@pytest.fixture
def tree(workspace: Workspace, tmp_path: Path) -> str:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "weights.bin").write_bytes(bytes(5000))
    return workspace.put_tree(tmp_path / "model")


def flip(path: Path) -> None:
    """Changes one bit, and leaves size and modification time as they were."""
    times = path.stat()
    data = bytearray(path.read_bytes())
    data[-100] ^= 0x40
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_checkout_is_read_only_and_shares_nothing_with_the_objects(workspace: Workspace, tree: str) -> None:
    path = workspace.tree_path(tree) / "weights.bin"
    assert path.stat().st_mode & 0o777 == 0o444
    assert path.stat().st_nlink == 1
    flip(path)
    assert workspace.get_bytes(workspace.tree(tree)["weights.bin"]) == bytes(5000)


def test_one_that_an_earlier_version_linked_is_made_anew(workspace: Workspace, tree: str) -> None:
    path = workspace.tree_path(tree) / "weights.bin"
    path.unlink()
    os.link(workspace.objects.path(workspace.tree(tree)["weights.bin"]), path)
    assert (workspace.tree_path(tree) / "weights.bin").stat().st_nlink == 1


@pytest.mark.parametrize("place", ["checkout", "object"])
def test_what_is_damaged_is_not_used_and_can_be_made_again(
    workspace: Workspace, tree: str, tmp_path: Path, place: str
) -> None:
    folder = workspace.tree_path(tree)
    path = (
        folder / "weights.bin" if place == "checkout" else workspace.objects.path(workspace.tree(tree)["weights.bin"])
    )
    flip(path)
    for opened in (workspace, Workspace.open(workspace.root)):
        with pytest.raises(WorkspaceDamagedError, match=str(path)) as raised:
            opened.tree_path(tree)
        assert "fsck --repair" in raised.value.hint
    assert place in {found.what for found in fsck(workspace, repair=True).damage}
    workspace.put_tree(tmp_path / "model")
    assert (workspace.tree_path(tree) / "weights.bin").read_bytes() == bytes(5000)


def test_what_has_other_times_is_read_again_and_used(workspace: Workspace, tree: str) -> None:
    path = workspace.tree_path(tree) / "weights.bin"
    os.utime(path)
    assert workspace.tree_path(tree) == path.parent


def test_stamps_that_are_lost_torn_or_of_an_earlier_start_cost_a_read(workspace: Workspace, tree: str) -> None:
    path = workspace.tree_path(tree) / "weights.bin"
    [stamps] = (workspace.root / "stamps").iterdir()
    known = orjson.loads(stamps.read_bytes())
    for data in (b"", b"[]", b'{"start"', orjson.dumps(known | {"start": "yesterday"}), orjson.dumps({"start": 1})):
        stamps.write_bytes(data)
        assert workspace.tree_path(tree) == path.parent
    shutil.rmtree(stamps.parent)
    assert workspace.tree_path(tree) == path.parent
    flip(path)
    stamps.write_bytes(orjson.dumps(known | {"start": "yesterday"}))
    with pytest.raises(WorkspaceDamagedError):
        workspace.tree_path(tree)


@pytest.mark.slow
def test_a_damaged_model_stops_the_command_before_it_samples(workspace: Workspace, tmp_path: Path) -> None:
    tree = workspace.put_tree(WEIGHTS)
    workspace.set_ref("run@1", tree)
    path = models.resolve("run@1", workspace).path / "model.safetensors"
    flip(path)
    assert axiom("problems", "gen", "rpn", "--count", "2", "-o", "p.jsonl", cwd=tmp_path).returncode == 0
    done = axiom("solve", "p.jsonl", "--model", "run@1", "--samples", "1", cwd=tmp_path)
    failed(done, 12, "model.safetensors is damaged", "fsck --repair")
    assert not done.stdout
    axiom("workspace", "fsck", "--repair", cwd=tmp_path)
    assert axiom("solve", "p.jsonl", "--model", "run@1", "--samples", "1", cwd=tmp_path).returncode == 0

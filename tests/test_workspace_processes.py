"""Several writers, killed ones, full and read-only disks: nothing is lost."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import ordinary_user
from axiom_cli import jsonl
from axiom_cli.errors import AxiomError, MissingError, WorkspaceLockedError
from axiom_cli.workspace.atomic import locked
from axiom_cli.workspace.gc import gc
from axiom_cli.workspace.store import Workspace
from command_line import AXIOM, axiom, environment, failed
from test_signals import wait_for

ROOT = Path(__file__).parents[1]


def recipe(**config) -> dict:
    return {"stage": "train", "version": 1, "config": config, "inputs": {}}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


def spawn(code: str, *args: object) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)], env=environment, stdout=subprocess.PIPE)


WRITER = """
import sys, pathlib
from axiom_cli.workspace.store import Workspace
workspace = Workspace.open_or_create(sys.argv[1])
for n in range(int(sys.argv[3])):
    config = {"n": n, "who": sys.argv[2]}
    recipe = {"stage": "solve", "version": 1, "config": config, "inputs": {}}
    def make():
        tree = pathlib.Path(sys.argv[1]).parent / ("draft" + sys.argv[2])
        tree.mkdir(exist_ok=True)
        (tree / "weights").write_bytes(b"%d" % n * 20000)
        return {"tree": workspace.put_tree(tree), "text": workspace.put_bytes(b"%d" % n)}
    workspace.remember(recipe, make)
    print(n, flush=True)
"""


def test_writers_work_side_by_side_even_while_they_create_the_workspace(tmp_path):
    writers = [spawn(WRITER, tmp_path / ".axiom", who, 15) for who in "abc"]
    assert [writer.communicate()[1] or writer.returncode for writer in writers] == [0, 0, 0]
    receipts = list(Workspace.open(tmp_path / ".axiom").receipts())
    assert len(receipts) == 45 and not list((tmp_path / ".axiom" / "tmp").iterdir())


def test_killed_at_any_moment_no_receipt_points_to_nothing(tmp_path):
    root = tmp_path / ".axiom"
    for attempt in range(6):
        writer = spawn(WRITER, root, "a", 10_000)
        writer.stdout.readline()
        time.sleep(0.013 * attempt)
        writer.kill()
        writer.communicate()
        workspace = Workspace.open(root)
        receipts = list(workspace.receipts())
        assert receipts
        for receipt in receipts:
            for digest in receipt.outputs.values():
                assert workspace.has(digest)
                workspace.get_bytes(digest)
            assert workspace.recall(receipt.recipe) == receipt
    finished = len(receipts)
    writer = spawn(WRITER, root, "a", finished + 1)  # no lock outlives its holder, and nothing is made twice
    assert writer.communicate(timeout=60) and writer.returncode == 0


HOLDER = """
import sys, time
from axiom_cli.workspace.store import Workspace
def make():
    print("making", flush=True)
    time.sleep(60)
    return {}
workspace = Workspace.open(sys.argv[1])
workspace.remember({"stage": "train", "version": 1, "config": {}, "inputs": {}}, make)
"""


def test_only_the_same_recipe_is_locked_and_reading_never(workspace):
    holder = spawn(HOLDER, workspace.root)
    holder.stdout.readline()
    try:
        assert workspace.remember(recipe(other=1), lambda: {"x": 1})["x"] == 1
        assert workspace.recall(recipe()) is None
        with pytest.raises(WorkspaceLockedError, match=f"process {holder.pid}") as error:
            Workspace(workspace.root, patience=0.2).remember(recipe(), lambda: {"x": 2})
        assert error.value.exit_code == 11
    finally:
        holder.kill()
        holder.communicate()
    assert workspace.remember(recipe(), lambda: {"x": 3})["x"] == 3


def test_a_full_disk_is_one_line_and_loses_nothing(workspace):
    kept = workspace.remember(recipe(n=1), lambda: {"x": workspace.put_bytes(b"kept")})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(AxiomError, match="cannot write to .*: File too large") as error:
            workspace.remember(recipe(n=2), lambda: {"x": workspace.put_bytes(b"y" * 10_000_000)})
        with pytest.raises(AxiomError):
            workspace.remember(recipe(n=3), lambda: {"fact": "z" * 10_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.hint
    assert list(workspace.receipts()) == [kept] and workspace.get_bytes(kept["x"]) == b"kept"
    assert not list((workspace.root / "tmp").iterdir())
    assert workspace.remember(recipe(n=2), lambda: {"x": workspace.put_bytes(b"y" * 10_000_000)})


READER = """
import os, sys
from axiom_cli.errors import AxiomError
from axiom_cli.workspace.store import Workspace
if os.geteuid() == 0:  # to root nothing is read-only
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
workspace = Workspace.open(sys.argv[1])
assert workspace.get_bytes(workspace.resolve("it")) == b"kept"
recipe = {"stage": "train", "version": 1, "config": {}, "inputs": {}}
assert workspace.remember(recipe, lambda: 1 / 0)["x"] == 1
for write in (lambda: workspace.put_bytes(b"new"), lambda: workspace.remember({**recipe, "version": 2}, dict)):
    try:
        write()
    except AxiomError as error:
        print(error, "|", error.hint)
"""


def test_a_read_only_workspace_can_be_read_and_says_that_it_cannot_be_written():
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to other users
        os.chmod(place, 0o755)
        workspace = Workspace.create(Path(place) / ".axiom")
        workspace.set_ref("it", workspace.put_bytes(b"kept"))
        workspace.remember(recipe(), lambda: {"x": 1})
        paths = [workspace.root, *workspace.root.rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            reader = spawn(READER, workspace.root)
            lines = reader.communicate()[0].decode().splitlines()
        finally:
            for path in paths:
                path.chmod(0o755)
    assert reader.returncode == 0
    assert len(lines) == 2 and all("cannot write to" in line and "--workspace" in line for line in lines)


@pytest.mark.slow
def test_a_second_loop_of_a_name_says_who_runs_the_first(tmp_path: Path) -> None:
    words = [*AXIOM, "loop", "--experiment", "k", "--problems", "queue_listing"]
    first = subprocess.Popen(words, cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL)
    try:
        lock = tmp_path / "experiments" / "k" / ".lock"
        wait_for(lambda: lock.is_file() and lock.read_bytes())
        said = f"another axiom (process {first.pid} on {platform.node()}) is writing the experiment k"
        failed(axiom(*words[len(AXIOM) :], cwd=tmp_path), 11, said, "choose another --experiment")
        failed(axiom(*words[len(AXIOM) :], "--plan", cwd=tmp_path), 11, said)
    finally:
        first.kill()
        first.wait()
    with locked(lock, "the experiment k", patience=0):
        pass  # a dead holder's file is no lock


class WithoutLocks:
    """A file system that has no locks: some network mounts are like that."""

    def __enter__(self) -> None:
        self.patch = pytest.MonkeyPatch()

        def flock(*_: object) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        self.patch.setattr(fcntl, "flock", flock)

    def __exit__(self, *_: object) -> None:
        self.patch.undo()


def test_without_locks_the_file_says_who_holds_it(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    lock = workspace.root / "locks" / "recipe-x"
    with WithoutLocks():
        recipe = {"stage": "train", "version": 1, "config": {}, "inputs": {}}
        workspace.set_ref("k", workspace.remember(recipe, lambda: {"made": workspace.put_bytes(b"x")})["made"])
        assert jsonl.save(tmp_path / "out.jsonl", [{"a": 1}]) == 1 and len(list(tmp_path.glob(".out*"))) == 0
        for holder in (f"{os.getppid()} on {platform.node()}", "17 on elsewhere"):
            lock.write_text(holder)
            with pytest.raises(WorkspaceLockedError, match=holder) as error, locked(lock, "it", patience=0):
                pass
            assert ("remove" in error.value.hint) == ("elsewhere" in holder)
        dead = subprocess.Popen(["true"])
        dead.wait()
        lock.write_text(f"{dead.pid} on {platform.node()}")
        with locked(lock, "it", patience=0), pytest.raises(WorkspaceLockedError), locked(lock, "it", patience=0):
            pass
        with pytest.raises(MissingError, match="No locks available"):
            gc(workspace)


@pytest.mark.slow
def test_what_only_reads_does_so_in_a_workspace_that_cannot_be_written() -> None:
    python = ordinary_user.python()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        (folder / "source").mkdir()
        (folder / "source" / "config.json").write_text("{}")
        workspace = Workspace.create(folder / ".axiom")
        recipe = {"stage": "merge", "version": 1, "config": {}, "inputs": {}}
        workspace.set_ref("k@1", workspace.remember(recipe, lambda: {"m": workspace.put_tree(folder / "source")})["m"])
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = sorted(map(str, folder.rglob("*")))
        for line in ("ls", "show k@1", "why k@1", "diff k@1 k@1", "fsck", "gc --dry-run"):
            words = ["--workspace", str(workspace.root), "workspace", *line.split()]
            code = "import sys; from axiom_cli.app import main; sys.exit(main(sys.argv[1:]))"
            done = ordinary_user.run(python, f"import sys; sys.argv[1:] = {words!r}; {code}")
            assert done.returncode == 0, (line, done.stderr)
        assert sorted(map(str, folder.rglob("*"))) == before
        folder.chmod(0o755)
        for path in folder.rglob("*"):
            path.chmod(0o755)

"""A workspace that a stranger made, or that somebody meddled with: nothing outside it is touched, nothing is waited
for, and fsck finds all of it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import ordinary_user
from axiom_cli.errors import MissingError, NoWorkspaceError, WorkspaceDamagedError
from axiom_cli.ids import canonical, content_id
from axiom_cli.workspace.fsck import fsck
from axiom_cli.workspace.gc import gc
from axiom_cli.workspace.store import Workspace
from cases import slow_but
from command_line import axiom, failed

PRECIOUS = b"precious"
RECIPE = {"stage": "train", "version": 1, "config": {}, "inputs": {}}


def make(workspace: Workspace) -> str:
    """A tree with a receipt, a name and a checkout; the tree's digest."""
    source = workspace.root.parent / "source"
    (source / "sub").mkdir(parents=True, exist_ok=True)
    (source / "config.json").write_text("{}")
    (source / "sub" / "weights.bin").write_bytes(bytes(range(256)))
    digest = workspace.remember(RECIPE, lambda: {"adapter": workspace.put_tree(source)})["adapter"]
    workspace.set_ref("run@1", digest)
    workspace.tree_path(digest)
    return digest


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / ".axiom")
    make(workspace)
    for name in ("states", "locks", "tmp"):
        (workspace.root / name).mkdir(exist_ok=True)
    return workspace


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "thesis").mkdir(parents=True)
    for name in ("thesis/chapter", f"{0:064x}.pt", "1-2-01234567", "file"):
        (folder / name).write_bytes(PRECIOUS)
        os.utime(folder / name, (0, 0))
    return folder


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def everything(root: Path) -> None:
    """What writes to a workspace, each part whether or not the one before it was refused."""
    steps: list[Callable[[Workspace], object]] = [
        lambda w: w.put_bytes(b"new"),
        lambda w: w.remember({**RECIPE, "version": 2}, lambda: {"made": w.put_bytes(b"other")}),
        lambda w: w.set_ref("run@2", w.resolve("run@1")),
        make,
        gc,
    ]
    for step in steps:
        with suppress(MissingError, NoWorkspaceError, WorkspaceDamagedError):
            step(Workspace.open_or_create(root))


@pytest.mark.parametrize(
    "name", ["locks", "tmp", "states", "objects", "receipts", "refs", "trees", "stamps", "index", "damaged"]
)
def test_no_folder_of_a_workspace_leads_out_of_it(workspace: Workspace, outside: Path, name: str) -> None:
    place, before = workspace.root / name, contents(outside)
    if place.exists():
        place.rename(workspace.root.parent / "moved")
    place.symlink_to(outside)
    everything(workspace.root)
    with pytest.raises(WorkspaceDamagedError, match=f"{name} is a link, not a folder"):
        Workspace.open(workspace.root)
    assert contents(outside) == before
    unchecked = Workspace.open(workspace.root, check=False)
    assert [(one.what, one.name) for one in fsck(unchecked).damage] == [("misplaced", name)]
    fsck(unchecked, repair=True)
    assert contents(outside) == before
    make(Workspace.open(workspace.root))
    assert not fsck(workspace).damage


@pytest.mark.parametrize("how", ["link", "hard link"])
def test_a_lock_that_is_a_link_is_neither_emptied_nor_written(workspace: Workspace, outside: Path, how: str) -> None:
    lock, victim = workspace.root / "locks" / "ref-run@2", outside / "file"
    lock.symlink_to(victim) if how == "link" else os.link(victim, lock)
    with pytest.raises(WorkspaceDamagedError, match="ref-run@2"):
        workspace.set_ref("run@2", workspace.resolve("run@1"))
    assert victim.read_bytes() == PRECIOUS
    with pytest.raises(WorkspaceDamagedError):
        workspace.set_ref("run@2", workspace.resolve("run@1"))
    lock.unlink()
    workspace.set_ref("run@2", workspace.resolve("run@1"))


def test_gc_removes_only_what_axiom_wrote(workspace: Workspace, outside: Path) -> None:
    mine, own = [], []
    for folder, foreign, form in (("tmp", "old", "17-3-0123abcd"), ("states", "thesis.doc", f"{1:064x}.pt")):
        mine.append(workspace.root / folder / foreign)
        own.append(workspace.root / folder / form)
    for path in (*mine, *own):
        path.write_bytes(PRECIOUS)
        os.utime(path, (0, 0))
    link = workspace.root / "states" / f"{2:064x}.pt"
    link.symlink_to(outside / "file")
    before = contents(outside)
    gc(workspace)
    assert [path.exists() for path in mine] == [True, True] and [path.exists() for path in own] == [False, False]
    assert contents(outside) == before and link.is_symlink()


@pytest.mark.slow
def test_gc_that_cannot_remove_says_so() -> None:
    python = ordinary_user.python()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Workspace.create(Path(folder) / ".axiom").root
        for name in ("1-2-01234567", "1-3-01234567"):
            (root / "tmp" / name).mkdir()
            (root / "tmp" / name / "weights").touch()
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o777)
        stuck = root / "tmp" / "1-2-01234567"
        stuck.chmod(0o755)
        for path in (root / "tmp").iterdir():
            os.utime(path, (0, 0))
        code = "from axiom_cli.app import main; import sys; sys.exit(main(sys.argv[1:]))"
        words = ["--workspace", str(root), "workspace", "gc"]
        done = ordinary_user.run(python, f"import sys; sys.argv[1:] = {words!r}; {code}")
        assert done.returncode == 4, done.stderr
        assert f"error: 1 file could not be removed; first: {stuck}" in done.stderr.replace("weights", "")
        assert [path.name for path in (root / "tmp").iterdir()] == [stuck.name]


def _in_place(path: Path, plant: Callable[[Path], object]) -> None:
    if path.is_dir():
        path.rename(path.with_name("moved-away"))
        path.with_name("moved-away").rename(path.parent.parent.parent / "moved-away")
    elif path.exists():
        path.unlink()
    plant(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("only root makes devices")


def _large(path: Path) -> None:
    """A file of a terabyte that takes no room."""
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


def _flipped(path: Path) -> None:
    before = path.stat()
    _writable(path).write_bytes(b"x" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _receipt(root: Path, **parts: object) -> None:
    """A receipt with a right checksum and parts of the wrong types."""
    body = {"recipe": {**RECIPE, "version": 7}, "outputs": {}, "facts": {}, "made": "", "seconds": 0.0, **parts}
    body = {"kind": "receipt", "id": content_id(body["recipe"]), **body}
    data = canonical({**body, "sum": content_id(body)})
    (root / "receipts" / f"{body['id']}.json").write_bytes(data)


def _tree(root: Path, files: object) -> None:
    """A stored manifest whose bytes have the digest that names them, and a receipt that leads to it."""
    workspace = Workspace.open(root)
    digest = workspace.put_bytes(canonical({"kind": "tree", "files": files}))
    _receipt(root, outputs={"model": digest})


def _object(root: Path) -> Path:
    return next(path for path in sorted((root / "objects").glob("*/*")) if path.stat().st_size == 256)


def _checkout(root: Path) -> Path:
    return next((root / "trees").iterdir())


def _writable(path: Path) -> Path:
    path.chmod(0o644)
    return path


PLANTED: dict[str, Callable[[Path], object]] = {
    "object: flipped": lambda root: _writable(_object(root)).write_bytes(b"x" * 256),
    "object: pipe": lambda root: _in_place(_object(root), os.mkfifo),
    "object: link": lambda root: _in_place(_object(root), lambda path: path.symlink_to("/etc/passwd")),
    "object: endless device": lambda root: _in_place(_object(root), lambda path: path.symlink_to("/dev/zero")),
    "object: folder": lambda root: _in_place(_object(root), os.mkdir),
    "object: socket": lambda root: _in_place(_object(root), _socket),
    "objects: file for a folder": lambda root: _in_place(_object(root).parent, lambda path: path.write_bytes(b"")),
    "objects: link for a folder": lambda root: _in_place(_object(root).parent, lambda path: path.symlink_to("/")),
    "receipt: pipe": lambda root: os.mkfifo(root / "receipts" / f"{0:064x}.json"),
    "receipt: folder": lambda root: os.mkdir(root / "receipts" / f"{0:064x}.json"),
    "receipt: link": lambda root: (root / "receipts" / f"{0:064x}.json").symlink_to("/dev/zero"),
    "receipt: under another id": lambda root: (root / "receipts" / f"{0:064x}.json").write_bytes(
        next((root / "receipts").glob("*.json")).read_bytes()
    ),
    "receipt: outputs are a list": lambda root: _receipt(root, outputs=[]),
    "receipt: outputs are no digests": lambda root: _receipt(root, outputs={"a": "../../x"}),
    "receipt: facts are a number": lambda root: _receipt(root, facts=3),
    "receipt: seconds are a text": lambda root: _receipt(root, seconds="long"),
    "receipt: made is null": lambda root: _receipt(root, made=None),
    "receipt: recipe is a list": lambda root: _receipt(root, recipe=[1]),
    "receipt: inputs are deep": lambda root: _receipt(root, recipe={**RECIPE, "inputs": {"a": [[["b"]]]}}),
    "receipt: stage is a number": lambda root: _receipt(root, recipe={**RECIPE, "stage": 1}),
    "receipt: no JSON": lambda root: (root / "receipts" / f"{0:064x}.json").write_bytes(b"[" * 100_000),
    "name: pipe": lambda root: os.mkfifo(root / "refs" / "run@2"),
    "name: folder": lambda root: os.mkdir(root / "refs" / "run@2"),
    "name: nonsense": lambda root: (root / "refs" / "run@2").write_bytes(b"\xff\x1b]0;T\x07"),
    "name: leads nowhere": lambda root: (root / "refs" / "run@2").write_text(f"sha256:{0:064x}\n"),
    "lock: pipe": lambda root: os.mkfifo(root / "locks" / "ref-run@1"),
    "state: link": lambda root: (root / "states" / f"{0:064x}.part").symlink_to("/etc/passwd"),
    "tree: leads out": lambda root: _tree(root, {"../../x": "0" * 64}),
    "tree: absolute": lambda root: _tree(root, {"/etc/x": "0" * 64}),
    "tree: empty name": lambda root: _tree(root, {"": "0" * 64}),
    "tree: zero byte": lambda root: _tree(root, {"a\0b": "0" * 64}),
    "tree: file and folder": lambda root: _tree(root, {"a": "0" * 64, "a/b": "0" * 64}),
    "tree: no digests": lambda root: _tree(root, {"a": 3, "b": None}),
    "tree: a path for a digest": lambda root: _tree(root, {"a": "../../../etc/passwd"}),
    "checkout: extra file": lambda root: (_checkout(root) / "modeling.py").write_text("import os"),
    "checkout: extra link": lambda root: (_checkout(root) / "more").symlink_to("/etc"),
    "checkout: file is a link": lambda root: _in_place(
        _checkout(root) / "config.json", lambda path: path.symlink_to(root.parent / "source" / "config.json")
    ),
    "checkout: folder is a link": lambda root: _in_place(
        _checkout(root) / "sub", lambda path: path.symlink_to(root.parent / "source" / "sub")
    ),
    "checkout: pipe": lambda root: _in_place(_checkout(root) / "config.json", os.mkfifo),
    "checkout: link": lambda root: _in_place(_checkout(root), lambda path: path.symlink_to(root.parent / "source")),
    "checkout: of nothing": lambda root: os.mkdir(root / "trees" / f"{0:064x}"),
    "object: device": lambda root: _in_place(_object(root), _device),
    "objects: file of another name": lambda root: (_object(root).parent / "notes.txt").write_text("x"),
    "objects: file beside the folders": lambda root: (root / "objects" / "notes.txt").write_text("x"),
    "receipt: device": lambda root: _device(root / "receipts" / f"{0:064x}.json"),
    "receipt: of another name": lambda root: (root / "receipts" / "notes.txt").write_text("x"),
    "receipt: endless": lambda root: _large(root / "receipts" / f"{0:064x}.json"),
    "receipt: a directory in its name": lambda root: _receipt(root, recipe={**RECIPE, "stage": "../../x"}),
    "name: device": lambda root: _device(root / "refs" / "run@2"),
    "name: endless": lambda root: _large(root / "refs" / "run@2"),
    "name: no name": lambda root: (root / "refs" / "a b").write_text(f"sha256:{0:064x}\n"),
    "lock: device": lambda root: _device(root / "locks" / "ref-run@1"),
    "state: folder": lambda root: os.mkdir(root / "states" / f"{0:064x}.pt"),
    "stamps: pipe": lambda root: _in_place(next((root / "stamps").iterdir()), os.mkfifo),
    "index: pipe": lambda root: ((root / "index").mkdir(), os.mkfifo(root / "index" / f"{0:064x}")),
    "index: of another name": lambda root: ((root / "index").mkdir(), (root / "index" / "notes").touch()),
    "tmp: pipe": lambda root: os.mkfifo(root / "tmp" / "1-2-01234567"),
    "tree: deep": lambda root: _tree(root, {"a": [[[]]] * 1000}),
    "tree: empty": lambda root: _tree(root, {}),
    "checkout: flipped, of the same size and times": lambda root: _flipped(_checkout(root) / "sub" / "weights.bin"),
    "checkout: extra empty folder": lambda root: os.mkdir(_checkout(root) / "empty"),
    "checkout: device": lambda root: _in_place(_checkout(root) / "config.json", _device),
    "checkout: file missing": lambda root: (_checkout(root) / "config.json").unlink(),
    "checkout: file": lambda root: (root / "trees" / f"{0:064x}").write_bytes(b""),
}
QUICK = {
    "name: endless",
    "object: pipe",
    "receipt: outputs are a list",
    "tree: file and folder",
    "checkout: extra file",
}


@pytest.mark.parametrize("name", slow_but(QUICK, list(PLANTED)))
def test_every_planted_damage_is_found_and_repaired(workspace: Workspace, outside: Path, name: str) -> None:
    before = contents(outside)
    PLANTED[name](workspace.root)
    assert fsck(Workspace.open(workspace.root, check=False)).damage
    everything(workspace.root)
    fsck(Workspace.open(workspace.root, check=False), repair=True)
    digest = make(Workspace.open(workspace.root))
    assert sorted(p.name for p in workspace.tree_path(digest).iterdir()) == ["config.json", "sub"]
    assert [one for one in fsck(workspace).damage if not (one.what == "name" and one.name == "run@2")] == []
    assert contents(outside) == before and contents(workspace.root.parent / "source")


def test_a_repair_is_clean_though_nothing_needs_what_was_lost(workspace: Workspace) -> None:
    samples = {**RECIPE, "stage": "solve"}
    lost = workspace.remember(samples, lambda: {"samples": workspace.put_bytes(b"samples")})["samples"]
    workspace.remember({**RECIPE, "stage": "verify", "inputs": {"samples": lost}},
                       lambda: {"verdicts": workspace.put_bytes(b"verdicts")})  # fmt: skip
    _writable(workspace.objects.path(lost)).write_bytes(b"sampleS")
    fsck(workspace, repair=True)
    assert not fsck(workspace).damage
    assert workspace.remember(samples, lambda: {"samples": workspace.put_bytes(b"samples")})["samples"] == lost


@pytest.mark.slow
@pytest.mark.parametrize("words", ["ls", "show run@1", "why run@1", "gc", "fsck", "export run@1 out"])
def test_a_command_neither_waits_nor_breaks(workspace: Workspace, words: str) -> None:
    for plant in ("receipt: pipe", "object: endless device", "receipt: facts are a number", "checkout: pipe"):
        PLANTED[plant](workspace.root)
    failed(axiom("workspace", *words.split(), cwd=workspace.root.parent, env={"AXIOM_X": ""}), 12, "hint: ")


@pytest.mark.slow
def test_a_folder_that_is_exchanged_meanwhile_leads_nowhere(workspace: Workspace, outside: Path) -> None:
    """It was looked at when the workspace was opened, and again when it is used."""
    before = contents(outside)
    for name in ("tmp", "locks", "receipts", "refs", "trees", "stamps", "states"):
        opened = Workspace.open(workspace.root)
        opened.put_bytes(b"prepared")
        place = workspace.root / name
        place.rename(workspace.root / f"{name}-moved")
        place.symlink_to(outside)
        for step in (
            lambda w: w.put_bytes(b"new"),
            lambda w: w.remember({**RECIPE, "version": 2}, lambda: {"made": w.put_bytes(b"other")}),
            lambda w: w.set_ref("run@2", w.resolve("run@1")),
            lambda w: shutil.rmtree(w.root / "trees" / w.resolve("run@1"), ignore_errors=True),
            lambda w: w.tree_path(w.resolve("run@1")),
            lambda w: gc(w, everything=True, orphans=True),
            lambda w: fsck(w, repair=True),
        ):
            with suppress(MissingError, WorkspaceDamagedError):
                step(opened)
        assert contents(outside) == before, name
        if place.is_symlink():
            place.unlink()
        if not place.exists():
            (workspace.root / f"{name}-moved").rename(place)
        make(Workspace.open(workspace.root))

"""A name with all that is behind it as one file: whole, verified by content, or refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

import pytest

from axiom_cli.errors import InputError, MissingError, NoWorkspaceError, UsageError
from axiom_cli.ids import canonical
from axiom_cli.workspace import bundle
from axiom_cli.workspace.fsck import fsck
from axiom_cli.workspace.gc import gc
from axiom_cli.workspace.store import Workspace
from command_line import axiom, failed


def recipe(stage: str, **inputs: object) -> dict[str, object]:
    return {"stage": stage, "version": 1, "config": {}, "inputs": inputs}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two rounds, each an adapter and a merged model on top of the last."""
    workspace, base = Workspace.create(tmp_path / ".axiom"), "0" * 64
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    for number in (1, 2):
        (source / "sub" / "weights").write_bytes(b"w" * 1000 + bytes([number]))
        rows = workspace.remember(recipe("attempt", model=base), lambda: {"rows": workspace.put_bytes(b"rows" * 999)})
        adapter = workspace.remember(
            recipe("train", rows=rows["rows"], base=base), lambda: {"a": workspace.put_tree(source)}
        )
        (source / "config.json").write_text(f"{{}}{number}")  # of the model alone
        merged = recipe("merge", adapter=adapter["a"], base=base)
        base = workspace.remember(merged, lambda: {"model": workspace.put_tree(source)})["model"]
        workspace.set_ref(f"k@{number}", base)
        (source / "config.json").unlink()
    workspace.set_ref("other", workspace.put_bytes(b"of no interest"))
    return workspace


@pytest.fixture
def packed(workspace: Workspace, tmp_path: Path) -> Path:
    bundle.write(workspace, "k@2", tmp_path / "k.axiom")
    return tmp_path / "k.axiom"


def test_what_is_imported_is_what_was_exported(workspace: Workspace, packed: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    words = ["--workspace", ".axiom", "workspace", "import", str(packed)]
    done = axiom(*words, cwd=there)
    assert done.returncode == 0 and done.stderr.decode().startswith("k@2 read from "), done.stderr
    imported = Workspace.open(there / ".axiom")
    assert not fsck(imported).damage and imported.refs() == {"k@2": workspace.resolve("k@2")}
    assert {one.id for one in imported.receipts()} == {one.id for one in workspace.receipts()}
    assert (imported.tree_path(imported.resolve("k@2")) / "config.json").read_text() == "{}2"
    assert axiom(*words, cwd=there).returncode == 0, "once more is no harm"
    bundle.write(imported, "k@2", tmp_path / "again.axiom")
    assert (tmp_path / "again.axiom").read_bytes() == packed.read_bytes()
    assert axiom("workspace", "export", "k@2", str(packed), "--bundle", cwd=tmp_path).returncode == 0, "once more"
    (tmp_path / "mine").write_text("mine")
    failed(axiom("workspace", "export", "k@2", "mine", "--bundle", cwd=tmp_path), 2, "mine already exists")
    assert (tmp_path / "mine").read_text() == "mine"


def test_freed_weights_behind_it_are_left_out_and_its_own_must_be_there(workspace: Workspace, tmp_path: Path) -> None:
    workspace.set_ref("k@best", workspace.resolve("k@2"))
    gc(workspace)
    contents = bundle.write(workspace, "k@best", tmp_path / "k.axiom")
    imported = Workspace.open_or_create(tmp_path / "other" / ".axiom")
    assert bundle.read(imported, tmp_path / "k.axiom") == contents and not fsck(imported).damage
    assert imported.kind(workspace.resolve("k@1")) == "missing"
    with pytest.raises(MissingError):
        bundle.write(workspace, "k@1", tmp_path / "one.axiom")
    assert not (tmp_path / "one.axiom").exists()


def test_a_name_that_is_taken_is_not_moved(packed: Path, tmp_path: Path) -> None:
    other = Workspace.create(tmp_path / "other" / ".axiom")
    other.set_ref("k@2", other.put_bytes(b"mine"))
    before = sorted((tmp_path / "other").rglob("*"))
    with pytest.raises(UsageError, match="the name k@2 is taken"):
        bundle.read(other, packed)
    assert sorted((tmp_path / "other").rglob("*")) == before


def closed(body: bytes) -> bytes:
    return body + f"end {hashlib.sha256(body).hexdigest()}\n".encode()


def entry(place: str, data: bytes) -> bytes:
    return f"{place} {len(data)}\n".encode() + data


def stored(data: bytes) -> bytes:
    return entry(f"objects/{hashlib.sha256(data).hexdigest()}", data)


HEAD = b"axiom bundle 1\n"
EVIL = canonical({"kind": "tree", "files": {"../../x": "0" * 64}})
FORGED = {
    "empty": b"",
    "another file": b"PK\x03\x04" * 100,
    "no end": HEAD,
    "a manifest that leads out": closed(HEAD + stored(EVIL)),
    "an object under another name": closed(HEAD + entry(f"objects/{0:064x}", b"x")),
    "an object whose name is no digest": closed(HEAD + entry("objects/abc", b"x")),
    "twice the same": closed(HEAD + stored(b"x") * 2),
    "a place outside": closed(HEAD + entry("../x", b"x")),
    "a name outside": closed(
        HEAD + stored(b"x") + entry("refs/..", f"sha256:{hashlib.sha256(b'x').hexdigest()}\n".encode())
    ),
    "a name that leads nowhere": closed(HEAD + entry("refs/k", f"sha256:{0:064x}\n".encode())),
    "a name with nonsense": closed(HEAD + entry("refs/k", b"\x1b]0;T\x07")),
    "a receipt with nonsense": closed(HEAD + entry(f"receipts/{0:064x}", b"[" * 100_000)),
    "a size that is not there": closed(HEAD + f"objects/{0:064x} 999999999999999\n".encode()),
    "a line without an end": HEAD + b"o" * 1_000_000,
}


@pytest.mark.parametrize("name", list(FORGED))
def test_a_forged_bundle_is_refused_and_nothing_is_stored(tmp_path: Path, name: str) -> None:
    (tmp_path / "k.axiom").write_bytes(FORGED[name])
    failed(axiom("workspace", "import", "k.axiom", cwd=tmp_path), 3, "k.axiom is not a ")
    assert [path.name for path in tmp_path.iterdir()] == ["k.axiom"]


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k.axiom").write_bytes(closed(b"axiom bundle 2\n"))
    with pytest.raises(NoWorkspaceError, match="has the format 2"):
        bundle.read(Workspace.open_or_create(tmp_path / ".axiom"), tmp_path / "k.axiom")


@pytest.mark.slow
def test_a_bundle_with_any_byte_changed_is_refused(packed: Path, tmp_path: Path) -> None:
    whole, random = packed.read_bytes(), Random("bundle")
    root = tmp_path / "other" / ".axiom"
    for _ in range(600):
        data, at = bytearray(whole), random.randrange(len(whole))
        change = random.choice(["flip", "cut", "insert", "repeat"])
        if change == "flip":
            data[at] ^= 1 << random.randrange(8)
        elif change == "cut":
            del data[at : at + random.choice([1, 100, len(data)])]
        else:
            data[at:at] = b"\n" if change == "insert" else data[at : at + 500]
        packed.write_bytes(data)
        with pytest.raises((InputError, NoWorkspaceError)):
            bundle.read(Workspace.open_or_create(root), packed)
        assert not root.exists(), change

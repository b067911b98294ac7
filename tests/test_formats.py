"""docs/formats.md to the byte: what is written here by that page alone, with no code of axiom, is what axiom reads and
writes. A workspace of an earlier version is read by this one."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from axiom_cli.errors import InputError
from axiom_cli.records import Sample
from axiom_cli.workspace import bundle
from axiom_cli.workspace.fsck import fsck
from axiom_cli.workspace.store import FORMAT, Workspace
from command_line import ROOT

WEIGHTS, ROWS = bytes(range(256)), b'{"kind":"problem","prompt":"\xc3\xa9"}\n'
RECIPE = {
    "stage": "train",
    "version": 3,
    "config": {"\u00e9": 1, "a": [2.5, None, True]},
    "inputs": {"rows": ["0" * 64]},
}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def by_the_page(made: str, seconds: float) -> dict[str, bytes]:
    """Every file of a workspace with one adapter, called run@1, of one file, and rows that its receipt names too."""
    manifest = canonical({"files": {"sub/weights.bin": sha(WEIGHTS)}, "kind": "tree"})
    objects = {f"objects/{sha(data)[:2]}/{sha(data)[2:]}": data for data in (WEIGHTS, ROWS, manifest)}
    outputs = {"adapter": sha(manifest), "rows": sha(ROWS)}
    receipt: dict[str, Any] = {"kind": "receipt", "id": sha(canonical(RECIPE)), "recipe": RECIPE, "outputs": outputs}
    receipt |= {"facts": {"loss": 0.25}, "made": made, "seconds": seconds}
    receipt["sum"] = sha(canonical(receipt))
    names = {"refs/run@1": f"sha256:{sha(manifest)}\n".encode(), "format": b"axiom workspace 1\n", ".gitignore": b"*\n"}
    return {**objects, f"receipts/{receipt['id']}.json": canonical(receipt) + b"\n", **names}


def written_by_hand(root: Path, files: dict[str, bytes]) -> Path:
    for place, data in files.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(data)
    return root


def test_axiom_writes_what_the_page_says(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    written_by_hand(tmp_path / "source", {"sub/weights.bin": WEIGHTS})

    def make() -> dict[str, Any]:
        return {"adapter": workspace.put_tree(tmp_path / "source"), "rows": workspace.put_bytes(ROWS), "loss": 0.25}

    receipt = workspace.remember(RECIPE, make)
    workspace.set_ref("run@1", receipt["adapter"])
    found = {
        str(path.relative_to(workspace.root)): path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()
    }
    assert {place: data for place, data in found.items() if not place.startswith("locks/")} == by_the_page(
        receipt.made, receipt.seconds
    )
    assert {path.stat().st_mode & 0o777 for path in workspace.root.glob("objects/*/*")} == {0o444}


def test_axiom_reads_what_the_page_says_with_and_without_what_later_versions_added(tmp_path: Path) -> None:
    """Earlier versions made checkouts of links to the objects, and kept no stamps."""
    root = written_by_hand(tmp_path / ".axiom", by_the_page("2025-01-01T00:00:00+00:00", 1.5))
    workspace = Workspace.open(root)
    tree = workspace.resolve("run@1")
    linked = root / "trees" / tree / "sub" / "weights.bin"
    linked.parent.mkdir(parents=True)
    os.link(workspace.objects.path(sha(WEIGHTS)), linked)
    receipt = workspace.recall(RECIPE)
    assert receipt and (receipt["adapter"], receipt["loss"], receipt.seconds) == (tree, 0.25, 1.5)
    assert not fsck(workspace).damage
    assert (workspace.tree_path(tree) / "sub" / "weights.bin").read_bytes() == WEIGHTS
    assert linked.stat().st_nlink == 1 and (root / "format").read_bytes() == b"axiom workspace 1\n"
    assert not fsck(workspace).damage


def test_a_bundle_written_by_the_page_is_read_and_written_again(tmp_path: Path) -> None:
    files = by_the_page("2025-01-01T00:00:00+00:00", 1.5)
    body = b"axiom bundle 1\n"
    for kind in ("objects", "receipts", "refs"):
        for place in sorted(place for place in files if place.startswith(kind)):
            name = place.removeprefix(f"{kind}/").replace("/", "").removesuffix(".json")
            body += f"{kind}/{name} {len(files[place])}\n".encode() + files[place]
    (tmp_path / "run.axiom").write_bytes(body + f"end {sha(body)}\n".encode())
    workspace = Workspace.open_or_create(tmp_path / ".axiom")
    bundle.read(workspace, tmp_path / "run.axiom")
    assert not fsck(workspace).damage
    bundle.write(workspace, "run@1", tmp_path / "again.axiom")
    assert (tmp_path / "again.axiom").read_bytes() == (tmp_path / "run.axiom").read_bytes()


def test_the_page_tells_of_the_formats_that_are_written() -> None:
    page = (ROOT / "docs" / "formats.md").read_text()
    assert f"## The workspace, format {FORMAT}\n" in page and f"### Bundles, format {bundle.FORMAT}\n" in page


def test_equal_token_ids_are_one_object_and_the_record_is_what_it_was() -> None:
    row = {
        "kind": "sample",
        "problem": {"id": "p", "family": "rpn", "title": "", "prompt": "?", "level": 1, "split": "test", "answer": "1"},
        "model": {"name": "m", "digest": "0" * 64}, "engine": "scripted", "params": {}, "index": 0, "attempt": 1,
        "text": "1", "token_ids": [700, 5, 700],
    }  # fmt: skip
    lines = [json.dumps(row), json.dumps(row)]
    first, second = (Sample.from_dict(json.loads(line)) for line in lines)
    assert first.token_ids == [700, 5, 700] and len({id(token) for s in (first, second) for token in s.token_ids}) == 2
    for wrong in (7, None, "ab", {"a": 1}):
        with pytest.raises(InputError, match="token_ids"):
            Sample.from_dict({**row, "token_ids": wrong})
    assert Sample.from_dict({**row, "token_ids": [1.5, [2]]}).token_ids == [1.5, [2]], "others stay as they are"

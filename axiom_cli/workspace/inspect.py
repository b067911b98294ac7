"""What is in a workspace: ls, show, diff and export. They return data; only export writes, outside the workspace."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axiom_cli import json_codec, jsonl
from axiom_cli.drafts import filling
from axiom_cli.errors import UsageError
from axiom_cli.files import explained_write_errors
from axiom_cli.ids import canonical
from axiom_cli.ids import digest as sha256
from axiom_cli.workspace.objects import CHUNK
from axiom_cli.workspace.receipts import flat
from axiom_cli.workspace.store import Workspace

Changes = list[tuple[str, str]]


@dataclass(frozen=True)
class ListedObject:
    """One line of `ls`. `kind` is tree, records, bytes, or missing if it was evicted; `size` is in bytes."""

    digest: str
    kind: str
    size: int
    stage: str
    made: str
    names: list[str]


@dataclass(frozen=True)
class ObjectDetails:
    """What `show` says about one object: its files (a tree) or first lines (records or text), and its receipts."""

    digest: str
    kind: str
    size: int
    names: list[str]
    files: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Difference:
    """The changes of contents and of recipes: `-` only in the first, `+` only in the second, `~` changed."""

    contents: Changes
    recipes: Changes


def ls(workspace: Workspace, *, named: bool = False) -> Iterator[ListedObject]:
    """Every object that a receipt made or a name points to: those with a name, then, unless only these are wanted, the
    others, each oldest first."""
    names = workspace.names()
    makers = workspace.makers()
    first = {digest: min(makers.get(digest), key=lambda made: made.made, default=None) for digest in names}
    oldest = sorted(first.items(), key=lambda item: (item[1] is None, item[1] and (item[1].made, item[1].id)))
    for digest, receipt in oldest:
        made = (receipt.stage, receipt.made) if receipt else ("", "")
        yield ListedObject(digest, *workspace.look(digest), *made, names[digest])
    if named:
        return
    listed = set(names)
    for receipt in makers.oldest_first():
        for digest in receipt.outputs.values():
            if digest not in listed:
                listed.add(digest)
                yield ListedObject(digest, *workspace.look(digest), receipt.stage, receipt.made, [])


def count_nameless(workspace: Workspace) -> int:
    """The number of objects that a receipt made and no name points to."""
    makers = workspace.makers()
    return makers.count() - sum(bool(makers.get(digest)) for digest in workspace.names())


def show(workspace: Workspace, name: str, lines: int = 5) -> ObjectDetails:
    """One object, by name, digest or the start of one, hashed again. Raises MissingError, WorkspaceDamagedError."""
    digest = workspace.resolve(name)
    kind = workspace.kind(digest)
    receipts = [receipt.to_dict() for receipt in workspace.makers().get(digest)]
    if kind == "missing" and not receipts:
        workspace.get_bytes(digest)  # raises, saying what is missing
    files = workspace.tree(digest) if kind == "tree" else {}
    head = _head(workspace, digest, lines) if kind in ("records", "bytes") else []
    return ObjectDetails(digest, kind, workspace.size(digest), workspace.names().get(digest, []), files, head, receipts)


def _head(workspace: Workspace, digest: str, count: int) -> list[str]:
    with workspace.objects.verified(digest) as stream:
        heads = [stream.readline(CHUNK) for _ in range(count)]
    try:
        return [head.decode().rstrip("\n") for head in heads if head]
    except UnicodeDecodeError:
        return []  # binary: only its size is shown


def diff(workspace: Workspace, first: str, second: str) -> Difference:
    """What differs between two objects, and between the recipes that made them. Trees are compared file by file,
    records line by line in any order, anything else as a whole."""
    a, b = workspace.resolve(first), workspace.resolve(second)
    return Difference(_contents(workspace, a, b), _changes(_recipe(workspace, a), _recipe(workspace, b)))


def _contents(workspace: Workspace, a: str, b: str) -> Changes:
    if a == b:
        return []
    kinds = {workspace.kind(a), workspace.kind(b)}
    if kinds == {"tree"}:
        return _changes(workspace.tree(a), workspace.tree(b))
    if kinds == {"records"}:
        lines_a, lines_b = _lines(workspace, a), _lines(workspace, b)
        only = (("-", len(lines_a - lines_b)), ("+", len(lines_b - lines_a)), ("=", len(lines_a & lines_b)))
        return [(sign, f"{count:,} lines") for sign, count in only if count]
    sizes = (f"{workspace.kind(digest)}, {workspace.size(digest):,} bytes" for digest in (a, b))
    return [("~", " -> ".join(sizes))]


def _lines(workspace: Workspace, digest: str) -> set[str]:
    with workspace.objects.verified(digest) as stream:
        return {sha256(line) for line in stream}


def _recipe(workspace: Workspace, digest: str) -> dict[str, Any]:
    """The first recipe that made the object, flattened: `config.lr` -> 0.001."""
    made_by = workspace.makers().get(digest)
    return dict(flat(made_by[0].recipe)) if made_by else {}


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Changes:
    changes = []
    for key in sorted({*a, *b}):
        if key not in b:
            changes.append(("-", f"{key} {json_codec.text(a[key])}"))
        elif key not in a:
            changes.append(("+", f"{key} {json_codec.text(b[key])}"))
        elif canonical(a[key]) != canonical(b[key]):
            changes.append(("~", f"{key} {json_codec.text(a[key])} -> {json_codec.text(b[key])}"))
    return changes


def export(workspace: Workspace, name: str, target: Path) -> Path:
    """Copies a tree to the new folder `target`, or another object to the new file `target`: complete or not at all.

    Raises UsageError if `target` already exists, MissingError, WorkspaceDamagedError.
    """
    digest = workspace.resolve(name)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(f"{target} already exists", "give a new path; nothing is overwritten")
    if workspace.objects.has(digest) and workspace.is_tree(digest):
        _export_tree(workspace, digest, target)
    else:
        if target.is_dir():
            raise UsageError(
                f"{target} is a folder, but the object is a file", f"give a file, such as {target / 'object'}"
            )
        with workspace.objects.verified(digest) as stream, jsonl.atomic(target) as out, explained_write_errors(target):
            shutil.copyfileobj(stream, out, CHUNK)
    return target


def _export_tree(workspace: Workspace, digest: str, target: Path) -> None:
    with filling(target.resolve(), target) as draft:
        for path, file in workspace.tree(digest).items():
            with workspace.objects.verified(file) as stream, explained_write_errors(target):
                (draft / path).parent.mkdir(parents=True, exist_ok=True)
                with (draft / path).open("wb") as out:
                    shutil.copyfileobj(stream, out, CHUNK)

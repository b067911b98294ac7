"""Workspace maintenance: gc frees what can be made again, fsck checks everything."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axiom_cli.errors import AxiomError, WorkspaceDamagedError
from axiom_cli.ids import canonical, file_digest
from axiom_cli.workspace import receipts, refs
from axiom_cli.workspace.atomic import explained_write_errors, locked
from axiom_cli.workspace.objects import bare, is_digest, short
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import STAMPS, STATES, TREES, Workspace

EVICTABLE = frozenset({"merge"})
_HOUR, _DAY = 3600.0, 86400.0
_STALE = 14 * _DAY
"""How long the state of an interrupted training is kept."""


@dataclass(frozen=True)
class Freed:
    """What gc removed: merged models by digest, the number of other objects, and the total bytes."""

    evicted: list[str] = field(default_factory=list)
    orphans: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Damage:
    """One problem that fsck found: `what` (object, receipt, name, checkout or missing), its name, and what to do."""

    what: str
    name: str
    advice: str


@dataclass(frozen=True)
class Health:
    """What fsck read, and what is wrong. `evicted` trees are not damage: they can be made again."""

    objects: int
    bytes: int
    receipts: int
    evicted: list[str]
    damage: list[Damage]


def gc(workspace: Workspace, *, everything: bool = False, orphans: bool = False, dry_run: bool = False) -> Freed:
    """Frees the weights of merged models, which can be made again from base and adapter. Adapters and records are kept.

    A model that a name other than `run@NUMBER` points to (`run`, `run@best`) stays, unless `everything`. `orphans` also
    frees objects that no receipt or name leads to and that are at least a day old. States of interrupted trainings go
    after two weeks. `dry_run` only counts. Raises WorkspaceLockedError while another process writes.
    """
    with (
        locked(workspace.root / "locks" / "writers", "to the workspace", patience=0.5),
        explained_write_errors(workspace.root),
    ):
        evicted = list(_evictable(workspace, everything=everything))
        exclusive = _files_only_in(workspace, set(evicted))
        unreferenced = set(_orphans(workspace)) - exclusive if orphans else set()
        # States of trainings that have finished, or were interrupted two weeks ago, and half-written ones.
        states = [
            path
            for path in sorted((workspace.root / STATES).glob("*"))
            if path.suffix == ".part" or workspace.receipt(path.stem) or _age(path) > _STALE
        ]
        size = sum(path.stat().st_size for path in [*map(workspace.objects.path, exclusive | unreferenced), *states])
        if not dry_run:
            for digest in evicted:
                shutil.rmtree(workspace.root / TREES / digest, ignore_errors=True)
                (workspace.root / STAMPS / f"{digest}.json").unlink(missing_ok=True)
            for digest in exclusive | unreferenced:
                workspace.objects.path(digest).unlink()
            killed = [path for path in (workspace.root / "tmp").glob("*") if _age(path) > _HOUR]
            for path in [*states, *killed]:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return Freed(evicted, len(unreferenced), size)


def _evictable(workspace: Workspace, *, everything: bool) -> Iterator[str]:
    """Stored trees that a merge made, if every input that was once in the workspace is still there, and there is one. A
    base model from outside (a hub model, the embedded one) is assumed to be available."""
    named = set() if everything else {d for n, d in workspace.refs().items() if not re.search(r"@[0-9]+$", n)}
    makers = workspace.makers()

    def is_repeatable(receipt: Receipt) -> bool:
        inside = [d for _, d in receipt.inputs if d in makers or (is_digest(d) and workspace.objects.has(d))]
        return receipt.stage in EVICTABLE and bool(inside) and all(map(workspace.has, inside))

    for digest, made_by in makers.items():
        if digest not in named and any(map(is_repeatable, made_by)) and workspace.kind(digest) == "tree":
            yield digest


def _files_only_in(workspace: Workspace, evicted: set[str]) -> set[str]:
    """The files that belong to evicted trees and to nothing else."""
    files = {file for tree in evicted for file in workspace.tree(tree).values()}
    kept = set(_referenced(workspace))
    for digest in workspace.objects.all():
        if digest not in evicted and workspace.is_tree(digest):
            kept |= set(workspace.tree(digest).values())
    return {file for file in files - kept if workspace.objects.has(file)}


def _referenced(workspace: Workspace) -> Iterator[str]:
    """Every digest that a name or any part of a receipt mentions."""
    yield from workspace.refs().values()
    for receipt in workspace.receipts():
        yield from re.findall(r"[0-9a-f]{64}", canonical(receipt.to_dict()).decode())


def _orphans(workspace: Workspace) -> Iterator[str]:
    """Objects, at least a day old, that no name or receipt leads to."""
    live = set(_referenced(workspace))
    for digest in list(live):
        if workspace.objects.has(digest) and workspace.is_tree(digest):
            live |= set(workspace.tree(digest).values())
    for digest in workspace.objects.all():
        if digest not in live and _age(workspace.objects.path(digest)) > _DAY:
            yield digest


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def fsck(workspace: Workspace, *, repair: bool = False) -> Health:
    """Hashes every object again, and reads every receipt, name and checked-out tree.

    `repair` moves what is damaged to `damaged/`, so that the commands that made it make it again; only checkouts are
    deleted.
    """
    damage: list[Damage] = []
    objects, size = 0, 0
    for digest in workspace.objects.all():
        objects, size = objects + 1, size + workspace.objects.path(digest).stat().st_size
        try:
            workspace.objects.verified(digest)
        except WorkspaceDamagedError as error:
            damage.append(Damage("object", digest, error.hint))
    damaged = {item.name for item in damage}
    readable, unreadable = _receipts(workspace)
    evicted, lost = _missing_outputs(workspace, readable, damaged)
    damage += [*unreadable, *lost, *_damaged_names(workspace), *_damaged_checkouts(workspace, damaged)]
    if repair:
        _set_aside(workspace, damage)
    return Health(objects, size, len(readable), evicted, damage)


def _receipts(workspace: Workspace) -> tuple[list[Receipt], list[Damage]]:
    readable: list[Receipt] = []
    damage: list[Damage] = []
    for path in sorted((workspace.root / "receipts").glob("*.json")):
        try:
            readable.append(receipts.load(path))
        except WorkspaceDamagedError as error:
            damage.append(Damage("receipt", path.stem, error.hint))
    return readable, damage


def _missing_outputs(
    workspace: Workspace, readable: list[Receipt], damaged: set[str]
) -> tuple[list[str], list[Damage]]:
    """Outputs that are not here: the evicted ones, and the lost ones."""
    evicted, lost = [], []
    for receipt in readable:
        for name, digest in receipt.outputs.items():
            if digest in damaged or workspace.has(digest):
                continue
            if receipt.stage in EVICTABLE:
                evicted.append(digest)
            else:
                lost.append(Damage("missing", digest, f"run the same {receipt.stage} to make {name} again"))
    return evicted, lost


def _damaged_names(workspace: Workspace) -> Iterator[Damage]:
    for path in sorted((workspace.root / "refs").glob("*")):
        try:
            digest = refs.load(path)
        except WorkspaceDamagedError as error:
            yield Damage("name", path.name, error.hint)
            continue
        if not workspace.objects.has(digest):
            yield Damage("name", path.name, f"it points to {short(digest)}, which is missing; set it again")


def _damaged_checkouts(workspace: Workspace, damaged: set[str]) -> Iterator[Damage]:
    """Checked-out trees whose files are not those of the tree."""
    for folder in sorted((workspace.root / TREES).glob("*")):
        try:
            files = {folder / path: digest for path, digest in workspace.tree(folder.name).items()}
            intact = damaged.isdisjoint(files.values()) and all(
                file_digest(path) == bare(digest) for path, digest in files.items()
            )
        except (AxiomError, OSError):
            intact = False  # the tree, or one of its files, is missing
        if not intact:
            yield Damage("checkout", folder.name, "fsck --repair removes it; it is made again when needed")


def _set_aside(workspace: Workspace, damage: list[Damage]) -> None:
    places: dict[str, Callable[[str], Path]] = {
        "object": workspace.objects.path,
        "name": lambda name: workspace.root / "refs" / name,
        "receipt": lambda name: workspace.root / "receipts" / f"{name}.json",
    }
    target = workspace.root / "damaged"
    with explained_write_errors(workspace.root):
        target.mkdir(exist_ok=True)
        for item in damage:
            if item.what == "checkout":
                shutil.rmtree(workspace.root / TREES / item.name, ignore_errors=True)
            elif item.what in places:
                os.replace(places[item.what](item.name), target / f"{item.what}-{item.name}")

"""Looking after a workspace: gc frees what can be made again, fsck re-hashes everything."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axiom_cli.errors import AxiomError, WorkspaceDamagedError
from axiom_cli.ids import canonical
from axiom_cli.workspace import receipts, refs
from axiom_cli.workspace.atomic import locked, writing
from axiom_cli.workspace.objects import is_digest, short
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import STATES, Workspace

EVICTABLE = frozenset({"merge"})
_HOUR, _DAY = 3600.0, 86400.0
_STALE = 14 * _DAY
"""How old the state of a run that was broken off may get."""


@dataclass(frozen=True)
class Freed:
    """What gc removed: merged models by digest, other objects, and bytes in all."""

    evicted: list[str] = field(default_factory=list)
    orphans: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Damage:
    """One thing that fsck found: `what` (object, receipt, name, checkout), its name, and what to do."""

    what: str
    name: str
    advice: str


@dataclass(frozen=True)
class Health:
    """What fsck read, and what was wrong. `evicted` trees are not damage: they can be made again."""

    objects: int
    bytes: int
    receipts: int
    evicted: list[str]
    damage: list[Damage]


def gc(workspace: Workspace, everything: bool = False, orphans: bool = False, dry_run: bool = False) -> Freed:
    """Frees the weights of merged models, which base and adapter give again; adapters and records are kept for ever.

    A model that a name other than `run@NUMBER` points to (`run`, `run@best`) stays, unless `everything`. With `orphans`
    objects that no receipt or name leads to, a day old at least, go too. What broken-off runs would go on from goes
    after two weeks. `dry_run` only counts. Raises WorkspaceLockedError
    while another process makes something.
    """
    with locked(workspace.root / "locks" / "writers", "to the workspace", patience=0.5), writing(workspace.root):
        evicted = list(_evictable(workspace, everything))
        doomed = _only_of(workspace, set(evicted))
        strays = set(_orphans(workspace)) - doomed if orphans else set()
        states = list(_stale(workspace))
        size = sum(path.stat().st_size for path in [*map(workspace.objects.path, doomed | strays), *states])
        if not dry_run:
            for digest in evicted:
                shutil.rmtree(workspace.root / "trees" / digest, ignore_errors=True)
            for digest in doomed | strays:
                workspace.objects.path(digest).unlink()
            _sweep(workspace.root)
            for path in states:
                path.unlink(missing_ok=True)
    return Freed(evicted, len(strays), size)


def _evictable(workspace: Workspace, everything: bool) -> Iterator[str]:
    """Trees here that a merge made, from inputs that are all still here."""
    named = set() if everything else {d for n, d in workspace.refs().items() if not re.search(r"@[0-9]+$", n)}
    makers = workspace.makers()
    for digest, made_by in makers.items():
        again = any(receipt.stage in EVICTABLE and _repeatable(workspace, receipt, makers) for receipt in made_by)
        if again and digest not in named and workspace.kind(digest) == "tree":
            yield digest


def _repeatable(workspace: Workspace, receipt: Receipt, makers: dict[str, list[Receipt]]) -> bool:
    """Whether all inputs that ever were in the workspace are still there, and one is. A base from outside (a hub
    model, the embedded one) is taken to be where it was."""
    inside = [d for _, d in receipt.inputs if d in makers or (is_digest(d) and workspace.objects.has(d))]
    return bool(inside) and all(map(workspace.has, inside))


def _only_of(workspace: Workspace, evicted: set[str]) -> set[str]:
    """The files that belong to evicted trees and to nothing else."""
    files = {one for tree in evicted for one in workspace.tree(tree).values()}
    kept = set(_pointed_to(workspace))
    for digest in workspace.objects.all():
        if digest not in evicted and workspace.is_tree(digest):
            kept |= set(workspace.tree(digest).values())
    return {one for one in files - kept if workspace.objects.has(one)}


def _pointed_to(workspace: Workspace) -> Iterator[str]:
    """Every digest that a name or any part of a receipt mentions."""
    yield from workspace.refs().values()
    for receipt in workspace.receipts():
        yield from re.findall(r"[0-9a-f]{64}", canonical(receipt.to_dict()).decode())


def _orphans(workspace: Workspace) -> Iterator[str]:
    """Objects a day old at least that no name or receipt leads to."""
    live = set(_pointed_to(workspace))
    for digest in list(live):
        if workspace.objects.has(digest) and workspace.is_tree(digest):
            live |= set(workspace.tree(digest).values())
    for digest in workspace.objects.all():
        if digest not in live and _age(workspace.objects.path(digest)) > _DAY:
            yield digest


def _stale(workspace: Workspace) -> Iterator[Path]:
    """States of runs that were finished, or broken off two weeks ago, and half-written ones."""
    for path in sorted((workspace.root / STATES).glob("*")):
        if path.suffix == ".part" or workspace.receipt(path.stem) or _age(path) > _STALE:
            yield path


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _sweep(root: Path) -> None:
    """Removes what killed processes left under tmp/."""
    for path in (root / "tmp").glob("*"):
        if _age(path) > _HOUR:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def fsck(workspace: Workspace, repair: bool = False) -> Health:
    """Re-hashes every object, and reads every receipt, name and checked-out tree.

    With `repair` what is damaged is moved to `damaged/`, so that the commands that made it make it again; nothing is
    deleted but checkouts.
    """
    damage: list[Damage] = []
    objects, size = 0, 0
    for digest in workspace.objects.all():
        objects, size = objects + 1, size + workspace.objects.path(digest).stat().st_size
        damage += _tried("object", digest, lambda digest=digest: workspace.objects.verified(digest))
    damaged = {one.name for one in damage}
    found, unread = _receipts(workspace)
    evicted, lost = _lost(workspace, found, damaged)
    damage += [*unread, *lost, *_names(workspace), *_checkouts(workspace, damaged)]
    if repair:
        _set_aside(workspace, damage)
    return Health(objects, size, len(found), evicted, damage)


def _tried(what: str, name: str, read: Callable[[], object]) -> list[Damage]:
    try:
        read()
    except WorkspaceDamagedError as error:
        return [Damage(what, name, error.hint)]
    return []


def _receipts(workspace: Workspace) -> tuple[list[Receipt], list[Damage]]:
    found: list[Receipt] = []
    damage: list[Damage] = []
    for path in sorted((workspace.root / "receipts").glob("*.json")):
        damage += _tried("receipt", path.stem, lambda path=path: found.append(receipts.load(path)))
    return found, damage


def _lost(workspace: Workspace, found: list[Receipt], damaged: set[str]) -> tuple[list[str], list[Damage]]:
    """Outputs that are not here: evicted ones, and lost ones."""
    evicted, lost = [], []
    for receipt in found:
        for name, digest in receipt.outputs.items():
            if digest in damaged or workspace.has(digest):
                continue
            if receipt.stage in EVICTABLE:
                evicted.append(digest)
            else:
                advice = f"the same {receipt.stage} makes {name} again"
                lost.append(Damage("missing", digest, advice))
    return evicted, lost


def _names(workspace: Workspace) -> Iterator[Damage]:
    for path in sorted((workspace.root / "refs").glob("*")):
        bad = _tried("name", path.name, lambda path=path: refs.load(path))
        yield from bad
        if not bad and not workspace.objects.has(refs.load(path)):
            yield Damage("name", path.name, f"it points to {short(refs.load(path))}, which is not here; set it again")


def _checkouts(workspace: Workspace, damaged: set[str]) -> Iterator[Damage]:
    """Checked-out trees whose files are not those of the tree, were they linked or copied."""
    for folder in sorted((workspace.root / "trees").glob("*")):
        try:
            files = workspace.tree(folder.name)
            same = all(one not in damaged and _same(workspace, folder / path, one) for path, one in files.items())
        except (AxiomError, OSError):
            same = False  # the tree or a file of it is not here
        if not same:
            yield Damage("checkout", folder.name, "fsck --repair removes it; it is made again when needed")


def _same(workspace: Workspace, path: Path, digest: str) -> bool:
    """Whether a checked-out file is its object: the same file, or the same bytes."""
    source = workspace.objects.path(digest)
    return source.exists() and (os.path.samefile(path, source) or path.read_bytes() == source.read_bytes())


def _set_aside(workspace: Workspace, damage: list[Damage]) -> None:
    places = {"object": workspace.objects.path, "name": lambda name: workspace.root / "refs" / name}
    places["receipt"] = lambda name: workspace.root / "receipts" / f"{name}.json"
    aside = workspace.root / "damaged"
    with writing(workspace.root):
        aside.mkdir(exist_ok=True)
        for one in damage:
            if one.what == "checkout":
                shutil.rmtree(workspace.root / "trees" / one.name, ignore_errors=True)
            elif one.what in places:
                os.replace(places[one.what](one.name), aside / f"{one.what}-{one.name}")

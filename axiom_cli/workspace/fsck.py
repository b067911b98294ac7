"""`axiom workspace fsck`: checks everything that a workspace holds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from axiom_cli.errors import AxiomError, WorkspaceDamagedError
from axiom_cli.files import explained_write_errors, is_regular, open_folder, read_regular, remove, replace, what_lies_at
from axiom_cli.ids import file_digest
from axiom_cli.workspace import receipts, refs, scan, trees
from axiom_cli.workspace.gc import EVICTABLE
from axiom_cli.workspace.objects import bare, is_digest, short
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import FOLDERS, INDEX, STAMPS, TREES, Workspace

_ASIDE = "axiom workspace fsck --repair sets it aside"
_FIRST_DIGITS, _ANY = re.compile(r"[0-9a-f]{2}"), re.compile(r".*", re.DOTALL)
_NAMES = {
    "objects": re.compile(r"[0-9a-f]{62}"),
    "receipts": re.compile(r"[0-9a-f]{64}\.json"),
    "refs": refs.NAME,
    STAMPS: re.compile(r"([0-9a-f]{64}|models)\.json"),
    TREES: re.compile(r"[0-9a-f]{64}"),
    INDEX: re.compile(r"[0-9a-f]{64}"),
}
"""The names of what lies in each folder."""


@dataclass(frozen=True)
class Damage:
    """One problem that fsck found: `what` (object, receipt, name, checkout, missing or misplaced), its name, and
    what to do."""

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


def fsck(workspace: Workspace, *, repair: bool = False) -> Health:
    """Hashes every object again, and reads every receipt, name and checked-out tree. Follows no link, waits for no
    pipe.

    `repair` moves what is damaged to `damaged/`, and the receipts of what is lost, so that the commands that made it
    make it again; only checkouts are deleted. `workspace` may have been opened without a check.
    """
    damage = [_misplaced(path, workspace) for path in workspace.misplaced_folders()]
    if damage and not repair:
        return Health(0, 0, 0, [], damage)  # what lies beyond a link is not of this workspace
    if repair:
        _set_aside(workspace, damage)
    with scan.Hashing(workspace.objects) as hashing:
        damage += [_misplaced(path, workspace) for path in _strangers(workspace.root)]
        readable, unreadable = _receipts(workspace)
        hashed = hashing.result()
    faults = {digest: _fault(workspace, digest) for digest in sorted(hashed.doubtful)}
    damaged = {digest: Damage("object", digest, fault) for digest, fault in faults.items() if fault}
    damage += damaged.values()
    evicted, lost = _missing_outputs(workspace, readable, damaged, {*hashed.whole})
    damage += [*unreadable, *lost, *_damaged_names(workspace, damaged), *_damaged_checkouts(workspace, damaged)]
    if repair:
        useless = [Damage("receipt", r.id, "") for r in readable if not _is_useful(workspace, r, damaged)]
        _set_aside(workspace, [*damage, *useless])
    return Health(hashed.objects, hashed.bytes, len(readable), evicted, damage)


def _misplaced(path: Path, workspace: Workspace) -> Damage:
    kind = what_lies_at(path.lstat().st_mode)
    return Damage("misplaced", str(path.relative_to(workspace.root)), f"{kind} is not what axiom puts there; {_ASIDE}")


def _strangers(root: Path) -> Iterator[Path]:
    """Links, pipes and devices where files belong, folders for files and files for folders, and what has a name that
    axiom does not give."""
    for name in sorted({*FOLDERS} - {"damaged"}):
        holders = [root / name]
        if name == "objects":
            holders = [Path(entry.path) for entry in _entries(root / name) if len(entry.name) == 2]
        form = _NAMES.get(name, _ANY)
        for folder in holders:
            yield from sorted(Path(entry.path) for entry in _scanned(folder) if not _fits(entry, name, form))
    for entry in _entries(root / "objects"):
        if not (_FIRST_DIGITS.fullmatch(entry.name) or _is_hidden(entry)):
            yield Path(entry.path)


def _fits(entry: os.DirEntry[str], name: str, form: re.Pattern[str]) -> bool:
    """Whether it is what lies in the folder called `name`, a file or a folder, and has a name of that `form`."""
    is_of_its_kind = (name != TREES and entry.is_file(follow_symlinks=False)) or (
        name in (TREES, "tmp") and entry.is_dir(follow_symlinks=False)
    )
    return is_of_its_kind and (form.fullmatch(entry.name) is not None or _is_hidden(entry))


def _scanned(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, in any order; nothing where there is no folder."""
    try:
        return list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, sorted by name; nothing where there is no folder."""
    return sorted(_scanned(folder), key=lambda entry: entry.name)


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file as desktops and network file systems leave them anywhere (.DS_Store, .nfs0001)."""
    return entry.name.startswith(".") and entry.is_file(follow_symlinks=False)


def _fault(workspace: Workspace, digest: str) -> str:
    """What to do about an object whose bytes cannot be read, are not those of its digest, or list no files."""
    try:
        workspace.objects.verified(digest).close()
        if workspace.is_tree(digest):
            workspace.tree(digest)
    except WorkspaceDamagedError as error:
        return error.hint
    except OSError as error:
        return f"it cannot be read: {error.strerror}; {_ASIDE}"
    return ""


def _receipts(workspace: Workspace) -> tuple[list[Receipt], list[Damage]]:
    readable: list[Receipt] = []
    damage: list[Damage] = []
    entries = _entries(folder := workspace.root / "receipts")
    paths = [Path(e.path) for e in entries if e.name.endswith(".json") and e.is_file(follow_symlinks=False)]
    if not paths:
        return [], []
    handle = open_folder(folder)
    try:
        for path in paths:
            try:
                readable.append(receipts.decode(read_regular(path, folder=handle), path.stem))
            except WorkspaceDamagedError as error:
                damage.append(Damage("receipt", path.stem, error.hint))
            except OSError as error:
                damage.append(Damage("receipt", path.stem, f"it cannot be read: {error.strerror}; {_ASIDE}"))
    finally:
        os.close(handle)
    return readable, damage


def _is_useful(workspace: Workspace, receipt: Receipt, damaged: Container[str]) -> bool:
    """Whether a receipt leads to something whole, or to what can be evicted."""
    if receipt.stage in EVICTABLE:
        return True
    for output in map(bare, receipt.outputs.values()):
        if output in damaged or not workspace.has(output):
            return False
        if workspace.is_tree(output) and any(bare(file) in damaged for file in workspace.tree(output).values()):
            return False
    return True


def _missing_outputs(
    workspace: Workspace, readable: list[Receipt], damaged: Container[str], whole: Container[str]
) -> tuple[list[str], list[Damage]]:
    """Outputs that are not here: the evicted ones, and the lost ones. `whole` objects are, trees aside."""
    evicted, lost = [], []
    for receipt in readable:
        for name, digest in receipt.outputs.items():
            if digest in damaged or digest in whole or workspace.has(digest):
                continue
            if receipt.stage in EVICTABLE:
                evicted.append(digest)
            else:
                lost.append(Damage("missing", digest, f"run the same {receipt.stage} to make {name} again"))
    return evicted, lost


def _damaged_names(workspace: Workspace, damaged: Container[str]) -> Iterator[Damage]:
    for path in sorted((workspace.root / "refs").glob("*")):
        if not is_regular(path):
            continue
        try:
            digest = refs.load(path)
        except WorkspaceDamagedError as error:
            yield Damage("name", path.name, error.hint)
            continue
        if digest in damaged or not workspace.objects.has(digest):
            state = "damaged" if digest in damaged else "missing"
            yield Damage("name", path.name, f"it points to {short(digest)}, which is {state}; set it again")


def _damaged_checkouts(workspace: Workspace, damaged: Container[str]) -> Iterator[Damage]:
    """Checked-out trees whose files are not those of the tree, or not all that is there."""
    for folder in sorted((workspace.root / TREES).glob("*")):
        if folder.is_symlink() or not folder.is_dir() or not is_digest(folder.name):
            continue
        try:
            files = workspace.tree(folder.name)
            intact = (
                trees.found(folder) == set(files)
                and not any(bare(digest) in damaged for digest in files.values())
                and all(file_digest(folder / path) == bare(digest) for path, digest in files.items())
            )
        except (AxiomError, OSError):
            intact = False  # the tree, or one of its files, is missing
        if not intact:
            yield Damage("checkout", folder.name, "fsck --repair removes it; it is made again when needed")


def _set_aside(workspace: Workspace, damage: list[Damage]) -> None:
    """Moves what is damaged to `damaged/`, under a name that is free there. A link is moved, and not followed."""
    places: dict[str, Callable[[str], Path]] = {
        "object": workspace.objects.path,
        "name": lambda name: workspace.root / "refs" / name,
        "receipt": lambda name: workspace.root / "receipts" / f"{name}.json",
        "misplaced": lambda name: workspace.root / name,
    }
    target = workspace.root / "damaged"
    with explained_write_errors(workspace.root):
        if target.is_symlink() or not target.is_dir():
            if os.path.lexists(target):
                replace(target, target.with_name(f"damaged-{os.urandom(4).hex()}"))
            target.mkdir()
        for item in damage:
            if item.what == "checkout":
                remove(workspace.root / TREES / item.name)
            elif item.what not in places or item.name == target.name:
                continue
            elif os.path.lexists(place := places[item.what](item.name)):
                replace(place, _free(target / f"{item.what}-{item.name.replace('/', '-')}"))


def _free(path: Path) -> Path:
    """`path`, or one like it where something is there already."""
    return path.with_name(f"{path.name}-{os.urandom(4).hex()}") if os.path.lexists(path) else path

"""Workspace maintenance: gc frees what can be made again, fsck checks everything."""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from axiom_cli.drafts import abandoned
from axiom_cli.errors import AxiomError, MissingError, WorkspaceDamagedError
from axiom_cli.files import explained_write_errors, is_regular, open_folder, read_regular, remove, replace, what_lies_at
from axiom_cli.ids import file_digest
from axiom_cli.wording import plural
from axiom_cli.workspace import receipts, refs, scan, trees
from axiom_cli.workspace.atomic import locked
from axiom_cli.workspace.objects import bare, is_digest, short
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import FOLDERS, INDEX, STAMPS, STATES, TREES, Workspace

EVICTABLE = frozenset({"merge"})
_ASIDE = "axiom workspace fsck --repair sets it aside"
_HOUR, _DAY = 3600.0, 86400.0
_STATE = re.compile(r"[0-9a-f]{64}\.(pt|part)")
_SCRATCH = re.compile(r"[0-9]+-[0-9]+-[0-9a-f]{8}|[0-9a-f]{64}-[0-9]+|models-[0-9]+|tmp[a-z0-9_]{8}")
"""The names of what is being written, in this and in earlier versions, and of temporary folders."""
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
_STALE = 14 * _DAY
"""How long the state of an interrupted training is kept."""


@dataclass(frozen=True)
class Freed:
    """What gc removed: merged models by digest, the number of other objects, the total bytes, and the number of files
    and folders that killed commands left elsewhere."""

    evicted: list[str] = field(default_factory=list)
    orphans: int = 0
    bytes: int = 0
    leftovers: int = 0


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


def gc(workspace: Workspace, *, everything: bool = False, orphans: bool = False, dry_run: bool = False) -> Freed:
    """Frees the weights of merged models, which can be made again from base and adapter. Adapters and records are kept.

    A model that a name other than `run@NUMBER` points to (`run`, `run@best`) stays, unless `everything`. `orphans` also
    frees objects that no receipt or name leads to and that are at least a day old. States of interrupted trainings go
    after two weeks. What killed commands left beside their outputs goes after an hour: in the folder that holds the
    workspace, the current one, those of their experiments, and where temporary files go. Only what has a name of
    axiom's own form is removed. `dry_run` only counts. Raises WorkspaceLockedError while another process writes,
    MissingError for what cannot be removed, after all that can be.
    """
    alone = locked(workspace.root / "locks" / "writers", "to the workspace", patience=0.5, required=True)
    with nullcontext() if dry_run else alone, explained_write_errors(workspace.root):
        mentioned = _mentioned(workspace)
        evictable = {*_evictable(workspace, mentioned, everything=everything)}
        stored = _trees(workspace) if evictable or orphans else {}
        kept = mentioned.digests.union(*(files for tree, files in stored.items() if tree not in evictable))
        alone_in = {tree: {*filter(workspace.objects.has, stored[tree] - kept)} for tree in sorted(evictable)}
        evicted = [tree for tree, files in alone_in.items() if files or workspace.kind(tree) == "tree"]
        exclusive = set[str]().union(*alone_in.values())
        unreferenced = set(_orphans(workspace, mentioned.digests, stored)) - exclusive if orphans else set()
        states = [path for path in _own(workspace.root / STATES, _STATE) if _is_stale(workspace, path)]
        killed = [path for path in _own(workspace.root / "tmp", _SCRATCH) if _age(path) > _HOUR]
        leftovers = [*abandoned(_beside(workspace.root))]
        objects = [*map(workspace.objects.path, exclusive | unreferenced)]
        size = sum(path.lstat().st_size for path in [*objects, *states])
        if not dry_run:
            checkouts = [workspace.root / TREES / digest for digest in evicted]
            stamps = [workspace.root / STAMPS / f"{digest}.json" for digest in evicted]
            _remove_all([*checkouts, *stamps, *objects, *states, *killed, *leftovers])
    return Freed(evicted, len(unreferenced), size, len(leftovers))


def _beside(root: Path) -> Iterator[Path]:
    """The folders in which outputs usually lie."""
    for folder in {root.absolute().parent, Path.cwd()}:
        yield folder
        yield from (path for path in folder.glob("experiments/*") if path.is_dir() and not path.is_symlink())


def _own(folder: Path, form: re.Pattern[str]) -> list[Path]:
    """What axiom itself wrote in a folder, judged by its name; never a link."""
    return sorted(path for path in folder.glob("*") if form.fullmatch(path.name) and not path.is_symlink())


def _is_stale(workspace: Workspace, state: Path) -> bool:
    """Whether a state is half-written, of a training that has finished, or of one that was interrupted long ago."""
    return state.suffix == ".part" or workspace.receipt(state.stem) is not None or _age(state) > _STALE


def _remove_all(paths: list[Path]) -> None:
    failures = []
    for path in paths:
        try:
            remove(path)
        except OSError as error:
            failures.append(f"{path}: {error.strerror}")
    if failures:
        message = f"{plural(len(failures), 'file')} could not be removed; first: {failures[0]}"
        raise MissingError(message, "their owner can run the same command; the rest is freed")


@dataclass(frozen=True)
class _Mentioned:
    """What names and receipts lead to: every digest that one mentions, those that a receipt made, and the receipts of
    what can be made again, by what they made."""

    digests: set[str]
    made: set[str]
    evictable: Mapping[str, list[Receipt]]


def _mentioned(workspace: Workspace) -> _Mentioned:
    """The receipts themselves are read, all of them: nothing is removed because an index does not know of it."""
    digests, made = set(workspace.refs().values()), set[str]()
    evictable: dict[str, list[Receipt]] = defaultdict(list)
    for name, data in receipts.read_all(workspace.root / "receipts"):
        receipt = receipts.decode(data, name)
        digests.update(re.findall(r"[0-9a-f]{64}", data.decode()))
        made.update(receipt.outputs.values())
        if receipt.stage in EVICTABLE:
            for output in receipt.outputs.values():
                evictable[output].append(receipt)
    return _Mentioned(digests, made, evictable)


def _evictable(workspace: Workspace, mentioned: _Mentioned, *, everything: bool) -> Iterator[str]:
    """Trees that a merge made, whole or in part, if every input that was once in the workspace is still there, and
    there is one. A base model from outside (a hub model, the embedded one) is assumed to be available."""
    named = set() if everything else {d for n, d in workspace.refs().items() if not re.search(r"@[0-9]+$", n)}

    def is_repeatable(receipt: Receipt) -> bool:
        inside = [d for _, d in receipt.inputs if d in mentioned.made or (is_digest(d) and workspace.objects.has(d))]
        return bool(inside) and all(map(workspace.has, inside))

    for digest, made_by in sorted(mentioned.evictable.items()):
        is_here = digest not in named and workspace.objects.has(digest) and workspace.is_tree(digest)
        if is_here and any(map(is_repeatable, made_by)):
            yield digest


def _trees(workspace: Workspace) -> dict[str, set[str]]:
    """The files of every stored tree."""
    found = (digest for digest, head in scan.heads(workspace.objects) if head.startswith(trees.HEAD))
    return {tree: set(workspace.tree(tree).values()) for tree in found if workspace.is_tree(tree)}


def _orphans(workspace: Workspace, mentioned: set[str], stored: Mapping[str, set[str]]) -> Iterator[str]:
    """Objects, at least a day old, that no name or receipt leads to."""
    live = mentioned.union(*(files for tree, files in stored.items() if tree in mentioned))
    for digest in workspace.objects.all():
        if digest not in live and _age(workspace.objects.path(digest)) > _DAY:
            yield digest


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime


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
        for entry in (entry for folder in holders for entry in _entries(folder)):
            is_folder, is_file = entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False)
            fits = is_folder if name == TREES else is_file or (is_folder and name == "tmp")
            if not fits or not (_NAMES.get(name, _ANY).fullmatch(entry.name) or _is_hidden(entry)):
                yield Path(entry.path)
    for entry in _entries(root / "objects"):
        if not (_FIRST_DIGITS.fullmatch(entry.name) or _is_hidden(entry)):
            yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, sorted by name; nothing where there is no folder."""
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


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

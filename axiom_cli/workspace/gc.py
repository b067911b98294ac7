"""`axiom workspace gc`: frees what can be made again, and what nothing leads to."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from axiom_cli.drafts import abandoned
from axiom_cli.errors import MissingError, WorkspaceDamagedError
from axiom_cli.files import explained_write_errors, remove
from axiom_cli.wording import plural
from axiom_cli.workspace import receipts, scan, trees
from axiom_cli.workspace.atomic import locked
from axiom_cli.workspace.objects import is_digest
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import STAMPS, STATES, TREES, Workspace

EVICTABLE = frozenset({"merge"})
_HOUR, _DAY = 3600.0, 86400.0
_STALE = 14 * _DAY
"""How long the state of an interrupted training is kept."""
_STATE = re.compile(r"[0-9a-f]{64}\.(pt|part)")
_TREE = re.compile(r"[0-9a-f]{64}")
_SCRATCH = re.compile(r"[0-9]+-[0-9]+-[0-9a-f]{8}|[0-9a-f]{64}-[0-9]+|models-[0-9]+|tmp[a-z0-9_]{8}")
"""The names of what is being written, in this and in earlier versions, and of temporary folders."""


@dataclass(frozen=True)
class Freed:
    """What gc removed: merged models by digest, the number of other objects, the total bytes, and the number of files
    and folders that killed commands left elsewhere."""

    evicted: list[str] = field(default_factory=list)
    orphans: int = 0
    bytes: int = 0
    leftovers: int = 0


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
            gone = {*evicted, *unreferenced, *_incomplete(workspace)}
            checkouts = [workspace.root / TREES / digest for digest in sorted(gone)]
            stamps = [workspace.root / STAMPS / f"{digest}.json" for digest in sorted(gone)]
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


def _incomplete(workspace: Workspace) -> Iterator[str]:
    """Checked-out trees that are not here, or not whole: an earlier gc could not remove all of one."""
    for path in _own(workspace.root / TREES, _TREE):
        with suppress(WorkspaceDamagedError):  # which fsck tells of
            if not workspace.has(path.name):
                yield path.name


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
    tree_digests = (digest for digest, head in scan.heads(workspace.objects) if head.startswith(trees.HEAD))
    return {tree: set(workspace.tree(tree).values()) for tree in tree_digests if workspace.is_tree(tree)}


def _orphans(workspace: Workspace, mentioned: set[str], stored: Mapping[str, set[str]]) -> Iterator[str]:
    """Objects, at least a day old, that no name or receipt leads to."""
    live = mentioned.union(*(files for tree, files in stored.items() if tree in mentioned))
    for digest in workspace.objects.all():
        if digest not in live and _age(workspace.objects.path(digest)) > _DAY:
            yield digest


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime

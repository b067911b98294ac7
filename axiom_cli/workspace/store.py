"""The workspace: objects written once, receipts of what made them, refs that move. docs/formats.md has every byte.

    with a recipe      receipt = workspace.remember(recipe, make)
    by hand            digest = workspace.put_tree(folder); workspace.set_ref("myrun@3", digest)

Reading neither locks nor writes. Several processes may write at once, as `solve | verify | train` do.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from axiom_cli import files, jsonl
from axiom_cli.errors import MissingError, NoWorkspaceError, UsageError
from axiom_cli.files import explained_write_errors
from axiom_cli.records import Record
from axiom_cli.workspace import journal, receipts, refs, trees
from axiom_cli.workspace.atomic import locked, write_whole
from axiom_cli.workspace.file_stamps import FileStamps
from axiom_cli.workspace.makers import Makers
from axiom_cli.workspace.objects import RECORDS_HEAD, Objects, absent, bare, is_digest, short
from axiom_cli.workspace.receipts import Receipt

FORMAT = 1
NAME = ".axiom"
TREES = "trees"
"""The folder that holds the checked-out trees."""
STAMPS = "stamps"
"""The folder that holds what is known of their files' hashes."""
INDEX = "index"
"""The folder that holds an index of the receipts."""
STATES = "states"
"""The folder that holds the states of interrupted trainings."""
FOLDERS = ("objects", "receipts", "refs", TREES, "locks", "tmp", STATES, STAMPS, INDEX, "damaged")
_MARK = "axiom workspace "
R = TypeVar("R", bound=Record)
Recipe = Mapping[str, Any]


def find(start: Path | None = None) -> Path | None:
    """The nearest `.axiom` folder in `start` (the current folder) or above it, as git finds `.git`."""
    start = (start or Path.cwd()).absolute()
    return next((folder / NAME for folder in (start, *start.parents) if (folder / NAME / "format").is_file()), None)


class Workspace:
    """One `.axiom` folder. `open` one to read, `open_or_create` one to write: the first write creates it."""

    def __init__(self, root: Path, patience: float = 10.0) -> None:
        """`patience` is how many seconds to wait for another process that makes the same thing."""
        self.root = Path(os.path.realpath(root)) if root.is_symlink() else root
        self.patience = patience
        self.objects = Objects(self.root)
        self._receipts, self._refs = self.root / "receipts", self.root / "refs"
        self._ready = False

    @classmethod
    def open(cls, path: Path | str | None = None, *, check: bool = True) -> Workspace:
        """The workspace at `path`, or the nearest one here or above. Raises NoWorkspaceError; unless `check` is off,
        WorkspaceDamagedError for one whose folders are links: they may lead anywhere."""
        root = Path(path) if path else find()
        if root is None:
            raise NoWorkspaceError(f"no workspace here or above {Path.cwd()}", "axiom solve, train and loop create one")
        workspace = cls(root)
        workspace._check_format()
        if check:
            workspace._refuse_links()
        return workspace

    @classmethod
    def create(cls, path: Path | str | None = None) -> Workspace:
        """The workspace at `path` (`.axiom` in the current folder), created now if there is none."""
        workspace = cls.open_or_create(path if path else NAME)
        return workspace.prepared()

    @classmethod
    def open_or_create(cls, path: Path | str | None = None) -> Workspace:
        """The workspace at `path`, or the nearest one here or above, or a new `.axiom` here, created on first write."""
        root = Path(path) if path else find() or Path.cwd() / NAME
        if (root / "format").exists():
            return cls.open(root)
        if root.exists() and not root.is_dir():
            raise NoWorkspaceError(f"{root} is not a folder", "choose another with --workspace")
        return cls(root)

    def misplaced_folders(self) -> Iterator[Path]:
        """What has the name of one of the workspace's folders and is something else, such as a link to one."""
        for folder in (self.root, self.root / "objects"):
            with suppress(FileNotFoundError):
                for entry in os.scandir(folder):
                    expected = entry.name in FOLDERS or (folder != self.root and len(entry.name) == 2)
                    if expected and not entry.is_dir(follow_symlinks=False):
                        yield Path(entry.path)
                        if entry.name == "objects":
                            return

    def _refuse_links(self) -> None:
        if wrong := next(self.misplaced_folders(), None):
            raise files.unexpected(wrong, "a folder")

    def _check_format(self) -> None:
        try:
            text = files.read_regular(self.root / "format").decode()
            version = int(text.removeprefix(_MARK)) if text.startswith(_MARK) else 0
        except FileNotFoundError:
            raise NoWorkspaceError(
                f"{self.root} is not a workspace", "axiom solve, train and loop create one"
            ) from None
        except PermissionError:
            raise NoWorkspaceError(f"cannot read {self.root}", "choose another folder with --workspace") from None
        except (ValueError, NotADirectoryError):
            version = 0
        if version > FORMAT:
            hint = "install a newer version of axiom, or choose another folder with --workspace"
            raise NoWorkspaceError(
                f"{self.root} has format {version}; this version of axiom reads formats up to {FORMAT}", hint
            )
        if version < 1:
            message = f"{self.root} is not a workspace: its format file is not readable"
            raise NoWorkspaceError(message, "choose another folder with --workspace")

    def _prepare(self) -> None:
        if self._ready:
            return
        if self.root.exists():
            self._refuse_links()
        with explained_write_errors(self.root):
            for name in ("objects", "receipts", "refs", "trees", "locks", "tmp"):
                files.make_folder(self.root / name)
            if not (self.root / "format").exists():
                self._write({self.root / ".gitignore": b"*\n"})
                self._write({self.root / "format": f"{_MARK}{FORMAT}\n".encode()})
        self._ready = True

    def _write(self, contents: Mapping[Path, bytes]) -> None:
        with explained_write_errors(self.root):
            write_whole(contents, self.objects.scratch)

    # Objects

    def put_bytes(self, data: bytes) -> str:
        """Stores `data`; returns its digest, 64 hexadecimal digits."""
        self._prepare()
        return self.objects.put(data)

    def put_file(self, path: Path) -> str:
        """Stores a copy of a file; returns its digest."""
        self._prepare()
        return self.objects.put_file(path)

    def put_records(self, records: Iterable[Record | dict[str, Any]]) -> str:
        """Stores records as JSONL, in constant memory; returns the digest. Leaves nothing if interrupted."""
        self._prepare()
        return self.objects.put_chunks(jsonl.dump(record) for record in records)

    def put_tree(self, folder: Path | str) -> str:
        """Stores a folder's files (links to files are followed, empty folders left out); returns the digest of its
        manifest. Raises InputError if there is nothing to store."""
        self._prepare()
        return trees.put(self.objects, Path(folder))

    def has(self, digest: str) -> bool:
        """Whether the object is stored, with all its files if it is a tree."""
        if not self.objects.has(digest):
            return False
        return not self.is_tree(digest) or all(map(self.objects.has, self.tree(digest).values()))

    def get_bytes(self, digest: str) -> bytes:
        """The object's bytes, hashed again. Raises MissingError or WorkspaceDamagedError."""
        return self.objects.get(digest)

    def get_records(self, digest: str, *kinds: type[R]) -> Iterator[R]:
        """The records of a stored JSONL object, one at a time, after hashing its bytes again."""
        with self.objects.verified(digest) as stream:
            yield from jsonl.read(stream, *kinds)

    def is_tree(self, digest: str) -> bool:
        """Whether the object is a tree's manifest."""
        return trees.is_manifest(self.objects, digest)

    def tree(self, digest: str) -> dict[str, str]:
        """A tree's files: path -> digest. Raises InputError if the object is not a tree."""
        return trees.files(self.objects, digest)

    def tree_path(self, digest: str) -> Path:
        """A folder with the tree's files, made on first use; never write there. What has changed since it was last
        hashed is hashed again. Raises MissingError or WorkspaceDamagedError."""
        members = self.tree(digest)
        target = self.root / TREES / bare(digest)
        stamps = FileStamps(self.root / STAMPS / f"{target.name}.json")
        if not trees.is_checked_out(self.objects, members, target):
            self._prepare()
            with locked(self.root / "locks" / f"tree-{target.name}", f"tree {short(digest)}", patience=600.0):
                if not trees.is_checked_out(self.objects, members, target):
                    trees.check_out(self.objects, members, target, stamps)
        trees.verify(self.objects, members, target, stamps)
        stamps.save(self.objects.scratch)
        return target

    def kind(self, digest: str) -> str:
        """`tree`, `records`, `bytes`, or `missing` (never stored, or evicted). The bytes are not hashed again."""
        return self.look(digest)[0]

    def size(self, digest: str) -> int:
        """The size in bytes of an object, or of all files of a tree; 0 if it is missing."""
        return self.look(digest)[1]

    def look(self, digest: str) -> tuple[str, int]:
        """The object's kind and size. A file is opened once, since a workspace may hold a hundred thousand."""
        if not is_digest(digest):
            return "missing", 0
        try:
            with self.objects.open(digest) as stream:
                head, size = stream.read(len(trees.HEAD)), os.fstat(stream.fileno()).st_size
        except MissingError:
            return "missing", 0
        if head != trees.HEAD or not self.is_tree(digest):
            return "records" if head.startswith(RECORDS_HEAD) else "bytes", size
        members = self.tree(digest).values()
        if not all(map(self.objects.has, members)):
            return "missing", 0
        return "tree", sum(self.objects.path(file).stat().st_size for file in members)

    # Receipts

    def remember(self, recipe: Recipe, make: Callable[[], Mapping[str, Any]]) -> Receipt:
        """The recipe's receipt: the stored one if all its outputs are here, otherwise one for what `make` makes now.

        `make` stores objects and returns their digests by name, with any other JSON values worth keeping (facts). The
        receipt is written last. Raises WorkspaceLockedError while another process makes the same recipe.
        """
        if receipt := self.recall(recipe):
            return receipt
        self._prepare()
        name = receipts.recipe_id(recipe)
        lock = locked(self.root / "locks" / f"recipe-{name}", f"the same {recipe['stage']}", patience=self.patience)
        with self.writer(), lock:
            if receipt := self.recall(recipe):  # made by the process that we waited for
                return receipt
            started = time.monotonic()
            made = make()
            return self.record([(recipe, made)], seconds=time.monotonic() - started)[0]

    def recall(self, recipe: Recipe) -> Receipt | None:
        """The recipe's receipt, if there is one and all its outputs are here."""
        receipt = self.receipt(receipts.recipe_id(recipe))
        return receipt if receipt and all(map(self.has, receipt.outputs.values())) else None

    def record(self, made: Iterable[tuple[Recipe, Mapping[str, Any]]], seconds: float = 0.0) -> list[Receipt]:
        """Writes the receipts of many recipes at once, for stages that make many small things: one flush of all the
        objects, then one of all the receipts. `made` holds pairs of a recipe and what its `make` would return."""
        self._prepare()
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self.writer():
            written = [Receipt(receipts.normal(r), *receipts.split(m), now, round(seconds, 3)) for r, m in made]
            for receipt in written:
                for name, digest in receipt.outputs.items():
                    if not self.has(digest):
                        raise ValueError(f"{receipt.stage} returned {name} = {short(digest)}, which it did not store")
            self.objects.sync()
            self._write_receipts(written)
        return written

    def restore(self, kept: Iterable[Receipt]) -> None:
        """Writes receipts that were written elsewhere, as they are; the recipes that have one here keep it. Their
        objects have been stored before."""
        self.objects.sync()
        new = [receipt for receipt in kept if not self.receipt(receipt.id)]
        self._write_receipts(new)

    def _write_receipts(self, new: Iterable[Receipt]) -> None:
        contents = {self._receipts / f"{receipt.id}.json": receipts.encode(receipt) for receipt in new}
        lock = self.root / "locks" / "receipts"
        noted = partial(journal.noted, self.root / INDEX, self._receipts, lock, [path.stem for path in contents])
        with explained_write_errors(self.root):
            write_whole(contents, self.objects.scratch, noted)

    def prepared(self) -> Workspace:
        """This workspace, created if there was none."""
        self._prepare()
        return self

    def writer(self) -> AbstractContextManager[None]:
        """A lock shared by writers, held while something new has no receipt yet, so that `gc` leaves it alone."""
        return locked(self.root / "locks" / "writers", "to the whole workspace", shared=True, patience=60.0)

    def receipt(self, name: str) -> Receipt | None:
        """The receipt of the recipe id `name`, even if its outputs are not here any more."""
        try:
            return receipts.load(self._receipts / f"{name}.json")
        except FileNotFoundError:
            return None

    def receipts(self) -> Iterator[Receipt]:
        """Every receipt, in any order."""
        return receipts.load_all(self._receipts)

    def makers(self) -> Makers:
        """Which receipts made what."""
        return Makers(self._receipts, self.root / INDEX, self.objects)

    # Names

    def set_ref(self, name: str, digest: str) -> None:
        """Points `name` (`myrun`, `myrun@3`, `myrun@best`) to a stored object, in one step."""
        path = refs.path(self._refs, name)
        if not self.has(digest):
            raise absent(digest)
        if path.is_file() and refs.load(path) == bare(digest):
            return
        self._prepare()
        with locked(self.root / "locks" / f"ref-{name}", f"the name {name}"):
            self.objects.sync()
            self._write({path: refs.line(digest)})

    def refs(self) -> dict[str, str]:
        """Every name -> digest, sorted by name."""
        return refs.load_all(self._refs)

    def names(self) -> dict[str, list[str]]:
        """Digest -> its names."""
        names: dict[str, list[str]] = defaultdict(list)
        for name, digest in self.refs().items():
            names[digest].append(name)
        return dict(names)

    def resolve(self, name: str) -> str:
        """The digest that a name, a digest or the start of one (`sha256:ab12cd34`) stands for; the name `myrun` alone
        also means `myrun@best`, or else the last `myrun@N`.

        A complete digest is returned even if its object is not here. Raises MissingError, or UsageError if several
        objects start like that.
        """
        if refs.is_name(name):
            try:
                return refs.lookup(self._refs, name)
            except MissingError:
                if not re.fullmatch(r"[0-9a-f]{4,64}", name):
                    raise
        matches = self.objects.starting(name)
        if len(matches) > 1:
            raise UsageError(f"{name} could be {' or '.join(map(short, matches[:4]))}", "give more digits")
        if not matches and len(bare(name)) < 64:
            raise absent(name)
        return matches[0] if matches else bare(name)

"""The workspace: write-once objects, receipts of what made them, refs that move. docs/formats.md has every byte.

    with a recipe      receipt = workspace.remember(recipe, make)
    by hand            digest = workspace.put_tree(folder); workspace.set_ref("myrun@3", digest)

Reading never locks and never writes. Two processes may write side by side: `solve | verify | train` do.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import orjson

from axiom_cli import jsonl, receipts
from axiom_cli.errors import InputError, MissingError, NoWorkspace, UsageError, WorkspaceDamaged
from axiom_cli.ids import canonical
from axiom_cli.receipts import Receipt, Step
from axiom_cli.records import Record
from axiom_cli.storage import Objects, absent, bare, flush, flush_all, locked, short, writing

FORMAT = 1
NAME = ".axiom"
_MARK = "axiom workspace "
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(@[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_TREE_HEAD = b'{"files":{'
R = TypeVar("R", bound=Record)


def find(start: Path | None = None) -> Path | None:
    """The nearest `.axiom` folder in `start` (here) or above it, as git finds `.git`."""
    start = (start or Path.cwd()).absolute()
    return next((folder / NAME for folder in (start, *start.parents) if (folder / NAME / "format").is_file()), None)


class Workspace:
    """One `.axiom` folder. `open` one to read, `open_or_create` one to write: it appears with the first write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = Objects(root)
        self._ready = False

    @classmethod
    def open(cls, path: Path | str | None = None) -> Workspace:
        """The workspace at `path`, or the nearest one above here. Raises NoWorkspace."""
        root = Path(path) if path else find()
        if root is None:
            raise NoWorkspace(f"no workspace here or above {Path.cwd()}", "axiom solve, train and loop create one")
        workspace = cls(root)
        workspace._check_format()
        return workspace

    @classmethod
    def create(cls, path: Path | str | None = None) -> Workspace:
        """The workspace at `path` (`.axiom` here), made now if it is not there."""
        workspace = cls.open_or_create(path if path else NAME)
        workspace._prepare()
        return workspace

    @classmethod
    def open_or_create(cls, path: Path | str | None = None) -> Workspace:
        """The workspace at `path`, or the nearest one above here, or `.axiom` here: created by the first write."""
        root = Path(path) if path else find() or Path(NAME)
        if (root / "format").exists():
            return cls.open(root)
        if root.exists() and not root.is_dir():
            raise NoWorkspace(f"{root} is no folder", "choose another place with --workspace")
        return cls(root)

    def _check_format(self) -> None:
        try:
            text = (self.root / "format").read_text(encoding="utf-8")
            version = int(text.removeprefix(_MARK)) if text.startswith(_MARK) else 0
        except FileNotFoundError:
            raise NoWorkspace(f"{self.root} is no workspace", "axiom solve, train and loop create one") from None
        except (ValueError, NotADirectoryError):
            version = 0
        if version > FORMAT:
            hint = "pip install --upgrade axiom-rl, or choose another place with --workspace"
            raise NoWorkspace(f"{self.root} has format {version}; this axiom reads {FORMAT} and older", hint)
        if version < 1:
            raise NoWorkspace(f"{self.root} is no workspace: its format file says nothing known")

    def _prepare(self) -> None:
        if self._ready:
            return
        with writing(self.root):
            for name in ("objects", "receipts", "refs", "trees", "locks", "tmp"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            if not (self.root / "format").exists():
                self._write_whole(self.root / ".gitignore", b"*\n")
                self._write_whole(self.root / "format", f"{_MARK}{FORMAT}\n".encode())
        self._ready = True

    def _write_whole(self, path: Path, data: bytes) -> None:
        self._write_all_whole({path: data})

    def _write_all_whole(self, files: Mapping[Path, bytes]) -> None:
        """Temporary file, fsync, rename, fsync of the folder: each for all files before the next step."""
        drafts = {}
        try:
            with writing(self.root):
                for path, data in files.items():
                    drafts[path] = self.objects.scratch()
                    drafts[path].write_bytes(data)
                flush_all(drafts.values())
                for path, draft in drafts.items():
                    os.replace(draft, path)
                for folder in {path.parent for path in files}:
                    flush(folder)
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)

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
        """Stores records as JSONL, in flat memory; returns the digest. Broken off, it leaves nothing."""
        self._prepare()
        return self.objects.put_chunks(jsonl.dump(record) for record in records)

    def put_tree(self, folder: Path) -> str:
        """Stores a folder's files (symbolic links to files are followed, empty folders left out); returns the digest
        of its manifest."""
        self._prepare()
        files = {}
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                files[path.relative_to(folder).as_posix()] = self.objects.put_file(path)
            elif path.is_symlink():
                raise InputError(f"{path} is a link to a folder or to nothing", "put a copy there instead of the link")
        if not files:
            raise InputError(f"{folder} holds no files")
        return self.objects.put(canonical({"kind": "tree", "files": files}))

    def has(self, digest: str) -> bool:
        """Whether the object is here, and every file of it if it is a tree."""
        if not self.objects.has(digest):
            return False
        return not self.is_tree(digest) or all(map(self.objects.has, self.tree(digest).values()))

    def get_bytes(self, digest: str) -> bytes:
        """The object's bytes, re-hashed. Raises MissingError or WorkspaceDamaged."""
        return self.objects.get(digest)

    def get_records(self, digest: str, *kinds: type[R]) -> Iterator[R]:
        """The records of a stored JSONL object, one at a time. Its bytes are re-hashed first."""
        with self.objects.verified(digest).open("rb") as stream:
            yield from jsonl.read(stream, *kinds)

    def is_tree(self, digest: str) -> bool:
        """Whether the object is a tree's manifest."""
        try:
            with self.objects.path(digest).open("rb") as stream:
                if stream.read(len(_TREE_HEAD)) != _TREE_HEAD:
                    return False
        except FileNotFoundError:
            raise absent(digest) from None
        return b'},"kind":"tree"}' == self.objects.path(digest).read_bytes()[-16:]

    def tree(self, digest: str) -> dict[str, str]:
        """A tree's files: path -> digest."""
        if not self.is_tree(digest):
            raise InputError(f"object {short(digest)} is no folder")
        files = orjson.loads(self.objects.get(digest))["files"]
        for path in files:
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise WorkspaceDamaged(f"tree {short(digest)} names a file outside itself: {path}")
        return files

    def tree_path(self, digest: str) -> Path:
        """A folder with the tree's files, read-only: never write there. Made on first use, and re-hashed then."""
        files = self.tree(digest)
        target = self.root / "trees" / bare(digest)
        if not self._checked_out(files, target):
            self._prepare()
            self._check_out(files, target)
        return target

    def _checked_out(self, files: Mapping[str, str], target: Path) -> bool:
        try:
            return all((target / p).stat().st_size == self.objects.path(d).stat().st_size for p, d in files.items())
        except FileNotFoundError:
            return False

    def _check_out(self, files: Mapping[str, str], target: Path) -> None:
        sources = {path: self.objects.verified(digest) for path, digest in files.items()}
        draft = self.objects.scratch()
        try:
            with writing(self.root):
                for path, source in sources.items():
                    (draft / path).parent.mkdir(parents=True, exist_ok=True)
                    link_or_copy(source, draft / path)
                with locked(self.root / "locks" / f"tree-{target.name}", f"tree {short(target.name)}"):
                    if not self._checked_out(files, target):
                        shutil.rmtree(target, ignore_errors=True)
                        draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    # Receipts

    def remember(self, recipe: Mapping[str, Any], make: Callable[[], Mapping[str, Any]]) -> Receipt:
        """The recipe's receipt: the one kept, where all its outputs are still here, else what `make` gives now.

        `make` stores objects and returns their digests by name, and any other JSON values worth keeping (facts). The
        receipt is written last. Raises WorkspaceLocked while another process makes the same recipe.
        """
        found = self.recall(recipe)
        if found:
            return found
        self._prepare()
        name = receipts.recipe_id(recipe)
        with self.writer(), locked(self.root / "locks" / f"recipe-{name}", f"the same {recipe['stage']}"):
            found = self.recall(recipe)  # by the process that we waited for
            if found:
                return found
            started = time.monotonic()
            made = make()
            return self.record([(recipe, made)], seconds=time.monotonic() - started)[0]

    def recall(self, recipe: Mapping[str, Any]) -> Receipt | None:
        """The recipe's receipt, if there is one and all its outputs are here."""
        receipt = self.receipt(receipts.recipe_id(recipe))
        return receipt if receipt and all(map(self.has, receipt.outputs.values())) else None

    def record(self, made: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]], seconds: float = 0.0) -> list[Receipt]:
        """Writes the receipts of many recipes at once, for stages that make many small things in one go: one flush of
        all objects, then one of all receipts. `made` holds (recipe, what its maker would return)."""
        self._prepare()
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self.writer():
            written = [Receipt(receipts.normal(r), *receipts.split(m), now, round(seconds, 3)) for r, m in made]
            for receipt in written:
                for name, digest in receipt.outputs.items():
                    if not self.has(digest):
                        raise ValueError(f"{receipt.stage} returned {name} = {short(digest)} without storing it")
            self.objects.sync()
            self._write_all_whole({self._receipt_path(r.id): receipts.encode(r) for r in written})
        return written

    def writer(self) -> AbstractContextManager[None]:
        """Held, with other writers, while something new is not yet pointed to, so that `gc` leaves it alone."""
        return locked(self.root / "locks" / "writers", "to the whole workspace", shared=True, patience=60.0)

    def _receipt_path(self, name: str) -> Path:
        return self.root / "receipts" / f"{name}.json"

    def receipt(self, name: str) -> Receipt | None:
        """The receipt of the recipe id `name`, whether its outputs are still here or not."""
        try:
            return receipts.decode(self._receipt_path(name).read_bytes(), name)
        except FileNotFoundError:
            return None

    def receipts(self) -> Iterator[Receipt]:
        """Every receipt, in the order of their ids."""
        for path in sorted((self.root / "receipts").glob("*.json")):
            yield receipts.decode(path.read_bytes(), path.stem)

    def why(self, digest: str) -> list[Step]:
        """The whole chain behind an object: object -> the receipts that made it -> their inputs -> ..."""
        makers: dict[str, list[Receipt]] = defaultdict(list)
        for receipt in self.receipts():
            for output in set(receipt.outputs.values()):
                makers[output].append(receipt)
        return list(receipts.origin(self.resolve(digest), lambda one: makers.get(one, ())))

    # Refs

    def set_ref(self, name: str, digest: str) -> None:
        """Makes `name` (`myrun`, `myrun@3`, `myrun@best`) point to an object that is here, in one step."""
        path = self._ref_path(name)
        if not self.has(digest):
            raise absent(digest)
        self._prepare()
        with locked(self.root / "locks" / f"ref-{name}", f"the name {name}"):
            self.objects.sync()
            self._write_whole(path, f"sha256:{bare(digest)}\n".encode())

    def _ref_path(self, name: str) -> Path:
        if not _REF.fullmatch(name):
            raise UsageError(f"{name!r} is no name", "names are letters, digits, dots, dashes: myrun, myrun@3, myrun@best")
        return self.root / "refs" / name

    def refs(self) -> dict[str, str]:
        """Every name -> digest, in order."""
        paths = (path for path in (self.root / "refs").glob("*") if _REF.fullmatch(path.name))
        return {path.name: self._read_ref(path) for path in sorted(paths)}

    def _read_ref(self, path: Path) -> str:
        text = path.read_text(encoding="utf-8")
        if not re.fullmatch(r"sha256:[0-9a-f]{64}\n", text):
            raise WorkspaceDamaged(f"the name {path.name} is damaged: {path}", "delete that file, and set the name again")
        return bare(text.strip())

    def ref(self, name: str) -> str:
        """The digest that `name` points to; `myrun` alone is also `myrun@best`, else the last `myrun@N`."""
        names = [name, f"{name}@best"] if "@" not in name else [name]
        for path in map(self._ref_path, names):
            if path.is_file():
                return self._read_ref(path)
        known = self.refs()
        rounds = [n for n in known if re.fullmatch(rf"{re.escape(name)}@\d+", n)]
        if rounds:
            return known[max(rounds, key=lambda n: int(n.rpartition("@")[2]))]
        close = difflib.get_close_matches(name, known, 1)
        raise MissingError(f"no {name} in the workspace", f"did you mean {close[0]}?" if close else "axiom workspace ls")

    def resolve(self, name: str) -> str:
        """The digest that a ref, a digest or the start of one (`sha256:ab12cd34`) stands for."""
        if not name.startswith("sha256:") and _REF.fullmatch(name):
            try:
                return self.ref(name)
            except MissingError:
                if not re.fullmatch(r"[0-9a-f]{4,64}", name):
                    raise
        found = self.objects.starting(name)
        if len(found) > 1:
            raise UsageError(f"{name} could be {' or '.join(map(short, found[:4]))}", "give more digits")
        if not found and len(bare(name)) < 64:
            raise absent(name)
        return found[0] if found else bare(name)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o444)

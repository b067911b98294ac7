"""Objects: bytes written once, named by their SHA-256.

An object appears complete under its name, so kill -9 leaves no partial one. `put` does not wait for the disk:
`Objects.sync` flushes everything that was put, all at once, before a receipt or a ref may point to it (10,000 small
objects cost one flush, not 10,000).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from axiom_cli import files, ids
from axiom_cli.errors import InputError, MissingError, UsageError, WorkspaceDamagedError
from axiom_cli.files import explained_write_errors
from axiom_cli.workspace.atomic import flush_all

CHUNK = 1 << 20
PAGE = 4096
SHORTEST_PREFIX = 4
RECORDS_HEAD = b'{"kind":"'
"""How records begin."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_counter = itertools.count()


def bare(digest: str) -> str:
    """`digest` without a leading `sha256:`."""
    return digest.removeprefix("sha256:")


def is_digest(value: object) -> bool:
    """Whether `value` is a complete digest, with or without `sha256:`."""
    return isinstance(value, str) and _DIGEST.fullmatch(bare(value)) is not None


def short(digest: str) -> str:
    """A digest as it is printed: `sha256:` and twelve digits, which every command accepts."""
    return f"sha256:{bare(digest)[:12]}"


def nearest_existing(folder: Path) -> Path:
    """`folder` if it exists, else the nearest folder above it that does."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def probe(folder: Path) -> None:
    """Raises OSError if one page cannot be written to `folder`, or to the nearest existing folder above it."""
    with tempfile.TemporaryFile(dir=nearest_existing(folder)) as stream:
        stream.write(bytes(PAGE))
        stream.flush()


class Objects:
    """The objects under `root/objects`, written through `root/tmp`. It lists those that are not yet flushed to disk."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "objects"
        self.temporary = root / "tmp"
        self._root = root
        self._unflushed: dict[str, None] = {}
        self._made, self._random = False, os.urandom(4).hex()

    def path(self, digest: str) -> Path:
        """The object's path, whether it is stored or not: `objects/ab/cdef...`."""
        name = bare(digest)
        if not is_digest(name):
            raise UsageError(f"{digest!r} is not a digest", "a digest is sha256: and 64 hexadecimal digits")
        return self.folder / name[:2] / name[2:]

    def has(self, digest: str) -> bool:
        """Whether the object is stored (its bytes are not read)."""
        return files.is_regular(self.path(digest))

    def open(self, digest: str) -> BinaryIO:
        """The object's file, to read. Raises MissingError, or WorkspaceDamagedError for what is not a file."""
        try:
            return os.fdopen(files.open_regular(self.path(digest)), "rb")
        except (FileNotFoundError, NotADirectoryError):
            raise absent(digest) from None

    def scratch(self) -> Path:
        """An unused path under `tmp/`."""
        return self.temporary / self._draft()

    def _draft(self) -> str:
        if not self._made:
            files.make_folder(self.temporary)
            self._made = True
        return f"{os.getpid()}-{next(_counter)}-{self._random}"

    def check_writable(self) -> None:
        """Raises MissingError if the workspace cannot be written: read-only, or full. Leaves nothing behind, even
        where no workspace exists yet."""
        root = self.folder.parent
        with explained_write_errors(root):
            for folder in (self.folder, self.temporary, root / "receipts", root / "locks"):
                probe(folder)

    def put(self, data: bytes) -> str:
        """Stores `data` and returns its digest. Bytes that are already stored are not written again."""
        digest = ids.digest(data)
        target = self._file(digest)
        if not self._is_stored(target, len(data)):
            with explained_write_errors(self._root):
                draft = f"{self.temporary}/{self._draft()}"
                try:
                    files.place(data, draft, target, 0o444)
                except BaseException:
                    with suppress(OSError):
                        files.remove(Path(draft))
                    raise
        self._unflushed[target] = None
        return digest

    def _file(self, digest: str) -> str:
        """The object's path as a string, which takes a tenth of the time: there are many of them."""
        return f"{self.folder}/{digest[:2]}/{digest[2:]}"

    def put_file(self, path: Path) -> str:
        """Stores a copy of a file's bytes and returns their digest."""
        try:
            stream = path.open("rb")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}", "check the path and its permissions") from None
        with stream:
            return self.put_chunks(iter(lambda: stream.read(CHUNK), b""))

    def _is_stored(self, target: str, size: int) -> bool:
        try:
            status = os.lstat(target)
        except (FileNotFoundError, NotADirectoryError):
            return False
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:  # torn by a power cut, so it is written again
            return False
        with suppress(OSError):  # another user's object, or a read-only disk
            os.utime(target, follow_symlinks=False)  # gc counts an orphan's age from its last use
        return True

    def put_chunks(self, chunks: Iterable[bytes]) -> str:
        """Stores a stream of any length in constant memory and returns its digest."""
        sha, size = hashlib.sha256(), 0
        with explained_write_errors(self._root):
            scratch = self.scratch()
        stream = files.create(scratch, self._root, 0o444)
        try:
            try:
                for chunk in chunks:
                    sha.update(chunk)
                    size += len(chunk)
                    stream.write(chunk)
            except BaseException:
                with suppress(OSError, MissingError):  # closing flushes the rest of a file that is given up
                    stream.close()
                raise
            with explained_write_errors(self._root):
                stream.close()
                target = self._file(sha.hexdigest())
                if self._is_stored(target, size):
                    files.remove(scratch)
                else:
                    self._move(scratch, Path(target))
                self._unflushed[target] = None
        except BaseException:
            with suppress(OSError):
                files.remove(scratch)
            raise
        return sha.hexdigest()

    def _move(self, scratch: Path, path: Path) -> None:
        try:
            files.replace(scratch, path)
        except FileNotFoundError:  # the first object with these two digits
            files.make_folder(path.parent)
            files.replace(scratch, path)

    def sync(self) -> None:
        """Waits until everything put so far is on disk. Nothing may point to it before this returns."""
        paths = list(self._unflushed)
        with explained_write_errors(self._root):
            flush_all(paths)
        for path in paths:
            self._unflushed.pop(path, None)

    def get(self, digest: str) -> bytes:
        """The object's bytes. Raises MissingError, or WorkspaceDamagedError if they do not match the digest."""
        with self.open(digest) as stream:
            data = stream.read()
        if ids.digest(data) != bare(digest):
            raise self.damaged(digest)
        return data

    def verified(self, digest: str) -> BinaryIO:
        """The object's file, to read, after hashing its bytes again in constant memory. Raises as `get` does."""
        stream = self.open(digest)
        if ids.stream_digest(stream) == bare(digest):
            stream.seek(0)
            return stream
        stream.close()
        raise self.damaged(digest)

    def damaged(self, digest: str) -> WorkspaceDamagedError:
        """The error for an object whose bytes do not match its digest."""
        hint = "run axiom workspace fsck --repair to set it aside, then the command that made it"
        return WorkspaceDamagedError(f"object sha256:{bare(digest)} is damaged: {self.path(digest)}", hint)

    def folders(self) -> list[Path]:
        """The folders that objects lie in, sorted."""
        return [path for path in sorted(self.folder.glob("??")) if path.is_dir() and not path.is_symlink()]

    def all(self) -> Iterator[str]:
        """Every object's digest, sorted."""
        for folder in self.folders():
            for name in sorted(entry.name for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)):
                if is_digest(folder.name + name):
                    yield folder.name + name

    def starting(self, prefix: str) -> list[str]:
        """The stored digests that start with `prefix` (at least four digits)."""
        prefix = bare(prefix).lower()
        if len(prefix) < SHORTEST_PREFIX or not re.fullmatch(r"[0-9a-f]{1,64}", prefix):
            hint = f"give sha256: and at least {SHORTEST_PREFIX} hexadecimal digits"
            raise UsageError(f"{prefix!r} is too short, or not a digest", hint)
        folder = self.folder / prefix[:2]
        names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
        return sorted(prefix[:2] + name for name in names if name.startswith(prefix[2:]))


def absent(digest: str) -> MissingError:
    """The error for an object that is not stored."""
    return MissingError(
        f"object {short(digest)} is not in the workspace",
        f"run axiom workspace why {short(digest)} to see what made it, then that command",
    )

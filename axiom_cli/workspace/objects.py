"""Objects: bytes written once, named by their SHA-256.

A put makes an object whole under its name, so that kill -9 leaves no half of one. It does not wait for the disk: what
was put is noted, and `Objects.sync` flushes it all at once before a receipt or a ref may point to it (10,000 small
objects cost one flush, not 10,000).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from axiom_cli import ids
from axiom_cli.errors import InputError, MissingError, UsageError, WorkspaceDamagedError
from axiom_cli.workspace.atomic import flush_all, writing

CHUNK = 1 << 20
PAGE = 4096
SHORTEST_PREFIX = 4
_DIGEST = re.compile(r"[0-9a-f]{64}")
_counter = itertools.count()


def bare(digest: str) -> str:
    """`digest` without the `sha256:` that people write in front of it."""
    return digest.removeprefix("sha256:")


def is_digest(value: object) -> bool:
    """Whether `value` is a whole digest, with `sha256:` or without."""
    return isinstance(value, str) and _DIGEST.fullmatch(bare(value)) is not None


def short(digest: str) -> str:
    """A digest as it is printed: `sha256:` and twelve digits, which every command reads back."""
    return f"sha256:{bare(digest)[:12]}"


def probe(folder: Path) -> None:
    """Raises OSError where no page can be written to `folder`, or to the nearest one above it that is there."""
    place = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    with tempfile.TemporaryFile(dir=place) as stream:
        stream.write(bytes(PAGE))
        stream.flush()


class Objects:
    """The objects under `root/objects`, written by way of `root/tmp`. Not yet durable ones are kept in a list."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "objects"
        self.temporary = root / "tmp"
        self._unflushed: dict[Path, None] = {}

    def path(self, digest: str) -> Path:
        """Where the object lies, if it is here: `objects/ab/cdef...`."""
        name = bare(digest)
        if not is_digest(name):
            raise UsageError(f"{digest!r} is no digest", "a digest is sha256: and 64 hexadecimal digits")
        return self.folder / name[:2] / name[2:]

    def has(self, digest: str) -> bool:
        """Whether the object is here (its bytes are not looked at)."""
        return self.path(digest).is_file()

    def scratch(self) -> Path:
        """A name under `tmp/` that nobody else uses."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        return self.temporary / f"{os.getpid()}-{next(_counter)}-{os.urandom(4).hex()}"

    def check_writable(self) -> None:
        """Raises MissingError where nothing can be written here: read-only, or full. Leaves nothing behind, neither in
        a workspace nor where one is yet to be made."""
        root = self.folder.parent
        with writing(root):
            for folder in (self.folder, self.temporary, root / "receipts", root / "locks"):
                probe(folder)

    def put(self, data: bytes) -> str:
        """Stores `data` and returns its digest. Bytes that are here already are not written again."""
        digest = ids.digest(data)
        if not self._here(digest, len(data)):
            self._write([data])
        return digest

    def put_chunks(self, chunks: Iterable[bytes]) -> str:
        """Stores a stream of any length in flat memory and returns its digest."""
        return self._write(chunks)

    def put_file(self, path: Path) -> str:
        """Stores a copy of a file's bytes and returns their digest."""
        try:
            stream = path.open("rb")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from None
        with stream:
            return self._write(iter(lambda: stream.read(CHUNK), b""))

    def _here(self, digest: str, size: int) -> bool:
        path = self.path(digest)
        with suppress(OSError):
            if path.stat().st_size == size:  # another size: torn by a power cut, so it is written again
                self._unflushed[path] = None
                with suppress(PermissionError):  # another user's object
                    os.utime(path)  # wanted again: gc counts an orphan's age from here
                return True
        return False

    def _write(self, chunks: Iterable[bytes]) -> str:
        sha, size = hashlib.sha256(), 0
        with writing(self.folder.parent):
            scratch = self.scratch()
            stream = os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb", CHUNK)
        try:
            try:
                for chunk in chunks:
                    sha.update(chunk)
                    size += len(chunk)
                    with writing(self.folder.parent):
                        stream.write(chunk)
            except BaseException:
                with suppress(OSError):  # what is still buffered of a file that we give up
                    stream.close()
                raise
            with writing(self.folder.parent):
                stream.close()
                self._place(scratch, sha.hexdigest(), size)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
        return sha.hexdigest()

    def _place(self, scratch: Path, digest: str, size: int) -> None:
        if self._here(digest, size):
            return scratch.unlink()
        path = self.path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(scratch, path)
        self._unflushed[path] = None

    def sync(self) -> None:
        """Waits until everything put so far is on disk. Before this returns nothing may point to it."""
        waiting = list(self._unflushed)
        with writing(self.folder.parent):
            flush_all(path for path in waiting if path.exists())
        for path in waiting:
            self._unflushed.pop(path, None)

    def get(self, digest: str) -> bytes:
        """The object's bytes. Raises MissingError, or WorkspaceDamagedError where they are not those that were put."""
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise absent(digest) from None
        if ids.digest(data) != bare(digest):
            raise self.damaged(digest)
        return data

    def verified(self, digest: str) -> Path:
        """The object's file, its bytes just re-hashed. Raises as `get` does; memory stays flat."""
        path, sha = self.path(digest), hashlib.sha256()
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    sha.update(chunk)
        except FileNotFoundError:
            raise absent(digest) from None
        if sha.hexdigest() != bare(digest):
            raise self.damaged(digest)
        return path

    def damaged(self, digest: str) -> WorkspaceDamagedError:
        """The error that names a damaged object and what to do."""
        hint = "axiom workspace fsck --repair sets it aside; then the command that made it makes it again"
        return WorkspaceDamagedError(f"object sha256:{bare(digest)} is damaged: {self.path(digest)}", hint)

    def all(self) -> Iterator[str]:
        """Every object's digest, in order."""
        for folder in sorted(self.folder.glob("??")):
            for path in sorted(folder.iterdir()):
                if is_digest(folder.name + path.name):
                    yield folder.name + path.name

    def starting(self, prefix: str) -> list[str]:
        """The digests that start with `prefix` (four digits at least)."""
        prefix = bare(prefix).lower()
        if len(prefix) < SHORTEST_PREFIX or not re.fullmatch(r"[0-9a-f]{1,64}", prefix):
            hint = f"give sha256: and at least {SHORTEST_PREFIX} hexadecimal digits"
            raise UsageError(f"{prefix!r} is too short or no digest", hint)
        folder = self.folder / prefix[:2]
        names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
        return sorted(prefix[:2] + name for name in names if name.startswith(prefix[2:]))


def absent(digest: str) -> MissingError:
    """The error for an object that is not here."""
    return MissingError(
        f"no object {short(digest)} in the workspace",
        f"axiom workspace why {short(digest)} tells what made it; that command makes it again",
    )

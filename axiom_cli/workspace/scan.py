"""Every object read once: its first bytes, or all of it, hashed by processes of their own."""

from __future__ import annotations

import hashlib
import marshal
import os
import re
import signal
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from axiom_cli.errors import MissingError, WorkspaceDamagedError
from axiom_cli.files import opened
from axiom_cli.workspace import trees
from axiom_cli.workspace.objects import CHUNK, Objects

_FEW, _MOST = 64, 16
"""Folders of objects that are not worth a process; processes at most."""
_LISTED = 5000
"""Fewer objects are opened by their names: listing a million takes longer."""
_REST = re.compile(r"[0-9a-f]{62}").fullmatch
"""The name of an object's file."""
_FIRST = 1 << 16
"""Bytes of the first read: more would cost a small object more than its hash does."""
_TO_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
R = TypeVar("R")


def heads(objects: Objects) -> Iterator[tuple[str, bytes]]:
    """Every object's digest, and the first of its bytes, which tell its kind; none where they cannot be read."""
    return _each(objects.folders(), _head_of, b"")


def starts(objects: Objects, wanted: Collection[str], most: int) -> Iterator[tuple[str, bytes | None]]:
    """The first bytes of each of the `wanted` objects, at most so many; None for what cannot be read."""
    left, begin = {*wanted}, {digest[:2] for digest in wanted}
    if len(left) < _LISTED:
        yield from ((digest, _start_by_name(objects, digest, most)) for digest in sorted(left))
        return
    folders = [folder for folder in objects.folders() if folder.name in begin]
    for digest, data in _each(folders, lambda handle: _start_of(handle, most), None, left):
        left.discard(digest)
        yield digest, data
    yield from ((digest, None) for digest in sorted(left))


@dataclass
class Hashed:
    """What hashing found: the number of objects and their bytes; the digests of those that are `whole`, and of those
    that are not, or begin as a tree does (`doubtful`)."""

    objects: int = 0
    bytes: int = 0
    whole: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)

    def add(self, other: Hashed) -> None:
        """Counts what was found elsewhere too."""
        self.objects, self.bytes = self.objects + other.objects, self.bytes + other.bytes
        self.whole += other.whole
        self.doubtful += other.doubtful


class Hashing:
    """Hashes every object in other processes, while this one does something else. They end with the context."""

    def __init__(self, objects: Objects) -> None:
        self._here, self._children = objects.folders(), list[_Child]()

    def __enter__(self) -> Hashing:
        others = len(os.sched_getaffinity(0)) - 1 if hasattr(os, "sched_getaffinity") else 0
        if len(self._here) > _FEW and others > 0:
            others = min(others, _MOST)
            with suppress(OSError):  # no more processes, or no more files: it is done here
                self._children = [_start(self._here[first::others]) for first in range(others)]
                self._here = []
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for child in self._children:
            child.end()

    def result(self) -> Hashed:
        """What was found, once all have been hashed."""
        total = _hashed(self._here)
        for child in self._children:
            total.add(child.result())
        return total


@dataclass
class _Child:
    pid: int
    pipe: int
    folders: Sequence[Path]

    def result(self) -> Hashed:
        """What it found; found here if it died."""
        with os.fdopen(os.dup(self.pipe), "rb") as stream:
            data = stream.read()
        try:
            return Hashed(*marshal.loads(data))
        except (EOFError, ValueError, TypeError):
            return _hashed(self.folders)

    def end(self) -> None:
        os.close(self.pipe)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _start(folders: Sequence[Path]) -> _Child:
    """A process that hashes what lies in some folders."""
    pipe, its_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(its_end)
        return _Child(pid, pipe, folders)
    try:
        hashed = _hashed(folders)
        with os.fdopen(its_end, "wb") as stream:
            stream.write(marshal.dumps((hashed.objects, hashed.bytes, hashed.whole, hashed.doubtful)))
    finally:
        os._exit(0)


def _hashed(folders: Iterable[Path]) -> Hashed:
    hashed = Hashed()
    for digest, (size, sha, head) in _each(folders, _hash_of, (0, "", b"")):
        hashed.objects, hashed.bytes = hashed.objects + 1, hashed.bytes + size
        (hashed.whole if sha == digest and not head.startswith(trees.HEAD) else hashed.doubtful).append(digest)
    return hashed


def _each(
    folders: Iterable[Path], read: Callable[[int], R], unreadable: R, wanted: Container[str] | None = None
) -> Iterator[tuple[str, R]]:
    """The digest of every object, or of every `wanted` one, and what `read` says of its open file."""
    for folder in folders:
        place, above = os.open(folder, _TO_READ | os.O_DIRECTORY), folder.name
        try:
            with os.scandir(place) as entries:
                numbered = [(e.inode(), e.name) for e in entries if _REST(e.name) and e.is_file(follow_symlinks=False)]
            names = [name for _, name in sorted(numbered) if wanted is None or above + name in wanted]
            yield from _read_each(place, above, names, read, unreadable)
        finally:
            os.close(place)


def _read_each(
    place: int, above: str, names: Sequence[str], read: Callable[[int], R], unreadable: R
) -> Iterator[tuple[str, R]]:
    for name, handle in opened(place, names):
        try:
            said = unreadable if handle is None else read(handle)
        except OSError:
            said = unreadable
        yield above + name, said


def _start_by_name(objects: Objects, digest: str, most: int) -> bytes | None:
    try:
        with objects.open(digest) as stream:
            return stream.read(most)
    except (OSError, MissingError, WorkspaceDamagedError):
        return None


def _head_of(handle: int) -> bytes:
    return os.read(handle, len(trees.HEAD))


def _start_of(handle: int, most: int) -> bytes | None:
    wanted, data = min(most, os.fstat(handle).st_size), b""
    while len(data) < wanted and (more := os.read(handle, wanted - len(data))):
        data += more
    return data


def _hash_of(handle: int) -> tuple[int, str, bytes]:
    """The size, the digest and the first bytes of an open file."""
    chunk = os.read(handle, _FIRST)
    size, sha, head = len(chunk), hashlib.sha256(chunk), chunk[: len(trees.HEAD)]
    while chunk and size % _FIRST == 0:  # else it was the end of a regular file
        chunk = os.read(handle, CHUNK)
        size += len(chunk)
        sha.update(chunk)
    return size, sha.hexdigest(), head

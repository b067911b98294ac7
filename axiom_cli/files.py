"""Files opened for what they are, and written whole or not at all. An error names the file that the user meant.

What lies in a workspace or an experiment's folder may be a stranger's: a link there is not followed, a pipe is not
waited for, and nothing is truncated by being opened.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from axiom_cli.errors import MissingError, WorkspaceDamagedError

ROOM = "free some space, or choose a folder that you can write to with --workspace; finished work is kept"
ADVICE = {
    errno.ENOSPC: "make room, or write to another disk",
    errno.EDQUOT: "your quota is used up: make room, or write to another disk",
    errno.EFBIG: "the file would be larger than is allowed here: see ulimit -f, or write to another disk",
    errno.EROFS: "this file system is read-only: write elsewhere with -o or --workspace",
    errno.EACCES: "choose a place that you may read and write",
    errno.EPERM: "choose a place that you may read and write",
    errno.EIO: "the disk does not answer as it should: check it, then run the same command again",
    errno.ESTALE: "the network file system has lost the file: run the same command again",
    errno.EMFILE: "too many files are open: raise the limit with ulimit -n, then run the same command again",
    errno.ENFILE: "too many files are open on this machine: end other programs, then run the same command again",
    errno.ENOLCK: "this file system cannot lock files: choose another place with --workspace",
    errno.ELOOP: "replace the link with what it should lead to",
    errno.ENAMETOOLONG: "choose a shorter name",
}
"""What to do about an error that the surroundings cause, not a bug."""
_NOT_A_FILE = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR}
_DRAFT = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}")


@contextmanager
def explained_write_errors(path: Path, hint: str = ROOM) -> Iterator[None]:
    """Turns an OSError (a full disk, a read-only folder) into a MissingError about writing to `path`. Without a `hint`
    it gives the error's own. A reader who left a pipe is not an error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        hint = hint or ADVICE.get(error.errno or 0, "choose a folder that you can write to")
        raise MissingError(f"cannot write to {path}: {error.strerror or type(error).__name__}", hint) from None


def is_regular(path: Path) -> bool:
    """Whether a regular file lies at `path`: not a link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def what_lies_at(mode: int) -> str:
    """The kind of thing that a mode is of, in words."""
    kinds = {
        stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder",
        stat.S_IFREG: "a file",
    }  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "a device")


def unexpected(path: Path, wanted: str = "a file") -> WorkspaceDamagedError:
    """The error for what lies at `path` in place of what axiom would have put there."""
    with suppress(OSError):
        kind = what_lies_at(os.lstat(path).st_mode)
        told = f"{path} is {kind}, not {wanted}" if kind != wanted else f"{path} has another name elsewhere"
        return WorkspaceDamagedError(
            told, "remove it, as axiom workspace fsck --repair does in a workspace; then run the same command again"
        )
    return WorkspaceDamagedError(f"{path} cannot be opened", "run axiom workspace fsck")


def open_regular(path: Path, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
    """The descriptor of the regular file at `path`. A link is not followed, and a pipe not waited for: raises
    WorkspaceDamagedError for what is not a file, OSError for the rest."""
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno in _NOT_A_FILE:
            raise unexpected(path) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise unexpected(path)
    return handle


def read_regular(path: Path) -> bytes:
    """The bytes of the regular file at `path`. Raises as `open_regular` does."""
    with os.fdopen(open_regular(path), "rb") as stream:
        return stream.read()


def remove(path: Path) -> None:
    """Removes a file, a link or a whole folder; a link is never followed. What is not there is no error."""
    try:
        folder = stat.S_ISDIR(os.lstat(path).st_mode)
        shutil.rmtree(path) if folder else path.unlink()
    except FileNotFoundError:
        pass


class _Named(io.FileIO):
    """A file whose write errors name the path that its user meant. `failure` is the first of them: a library that
    catches it and raises its own error does not hide it."""

    def __init__(self, handle: int, meant: Path, hint: str) -> None:
        super().__init__(handle, "wb")
        self._meant, self._hint = meant, hint
        self.failure: MissingError | None = None

    def write(self, data: Any, /) -> int:
        try:
            with explained_write_errors(self._meant, self._hint):
                return super().write(data) or 0
        except MissingError as error:
            self.failure = self.failure or error
            raise


def named(handle: int, meant: Path, hint: str = "", buffer: int = 1 << 16) -> io.BufferedWriter:
    """A stream that writes to `handle` on behalf of the file `meant`: its errors are MissingErrors that name it."""
    return io.BufferedWriter(_Named(handle, meant, hint), buffer)


def failure(stream: io.BufferedWriter) -> MissingError | None:
    """The first error of writing to a `named` stream, for those whose library raises another in its place."""
    return getattr(stream.raw, "failure", None)


def create(path: Path, meant: Path, mode: int = 0o666, hint: str = ROOM) -> io.BufferedWriter:
    """A new file at `path`, which is written on behalf of `meant`. What was there is removed first, and no link is
    followed."""
    with explained_write_errors(meant, hint):
        if os.path.lexists(path):
            remove(path)
        return named(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), meant, hint)


@contextmanager
def replacing(target: Path, meant: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `target` at the end, complete, with its mode; nothing is left of it if that end is
    not reached. What a killed process left of an earlier attempt at the same name is removed."""
    with explained_write_errors(meant, ""):
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        draft, handle = _draft(target)
    try:
        with named(handle, meant) as stream:
            yield stream
            stream.flush()
            with explained_write_errors(meant, ""):
                os.fsync(stream.fileno())
                if is_regular(target):
                    draft.chmod(stat.S_IMODE(target.stat().st_mode))
                os.replace(draft, target)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _draft(target: Path) -> tuple[Path, int]:
    """A new file beside `target`, locked for as long as its writer lives, and its descriptor."""
    while True:
        draft = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
        handle = open_regular(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with suppress(OSError):  # where files cannot be locked, nothing is swept either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return draft, handle
        os.close(handle)  # swept between its creation and its lock


def _sweep(target: Path) -> None:
    """Removes the drafts of `target` whose writers are dead."""
    for entry in os.scandir(target.parent):
        found = _DRAFT.fullmatch(entry.name)
        if not found or found["name"] != target.name or not entry.is_file(follow_symlinks=False):
            continue
        with suppress(OSError, WorkspaceDamagedError):
            handle = open_regular(Path(entry.path))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(entry.path)
            finally:
                os.close(handle)

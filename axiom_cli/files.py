"""Files opened, moved and removed for what they are. An error names the file that the user meant.

What lies in a workspace or an experiment's folder may be a stranger's. Neither a file nor the folder that it lies in
may be a link: the folder is opened first, and what is done is done by the name there, so that it cannot be exchanged
meanwhile. A pipe is not waited for, and nothing is truncated by being opened.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

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
ELSEWHERE = "choose a folder that you can write to"
_NOT_FOR_ROOM = {errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE, errno.ENOLCK, errno.ELOOP, errno.ENAMETOOLONG}
_OF_RUST = re.compile(r"\(os error ([0-9]+)\)")
LARGEST = 64 << 20
"""Bytes of what is read as a whole, such as a receipt."""
_PIECE = 1 << 20
"""Bytes that are read of a file that grows meanwhile."""
_AHEAD, _SOON = 256, 1 << 16
"""Files that the disk is asked for at a time, and the first bytes of each."""
_CAN_ASK = hasattr(os, "posix_fadvise")
_OPEN = 64
"""Files that are open at a time."""
_NOT_A_FILE = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR}
_A_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@contextmanager
def explained_write_errors(path: Path, hint: str = ROOM) -> Iterator[None]:
    """Turns an OSError (a full disk, a read-only folder) into a MissingError about writing to `path`. Without a `hint`
    it gives the error's own. A reader who left a pipe is not an error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except Exception as error:
        number, reason = error.errno if isinstance(error, OSError) else None, str(error)
        if isinstance(error, OSError):
            reason = error.strerror or type(error).__name__
        elif os_error := _OF_RUST.search(reason):  # such as safetensors' own error for a full disk
            number, reason = int(os_error[1]), os.strerror(int(os_error[1]))
        else:
            raise
        hint = hint if hint and number not in _NOT_FOR_ROOM else ADVICE.get(number or 0, ELSEWHERE)
        raise MissingError(f"cannot write to {path}: {reason}", hint) from None


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
        message = f"{path} is {kind}, not {wanted}" if kind != wanted else f"{path} has another name elsewhere"
        return WorkspaceDamagedError(
            message, "remove it, as axiom workspace fsck --repair does in a workspace; then run the same command again"
        )
    return WorkspaceDamagedError(f"{path} cannot be opened", "run axiom workspace fsck")


def open_folder(path: Path | str) -> int:
    """A descriptor of the folder `path`. Raises WorkspaceDamagedError if it is a link."""
    try:
        return os.open(path, _A_FOLDER)
    except OSError:
        if os.path.islink(path):
            raise unexpected(Path(path), "a folder") from None
        raise


def open_to_list(path: Path) -> int:
    """As `open_folder`, for a folder whose entries are wanted too."""
    handle = open_folder(path)
    try:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
    finally:
        os.close(handle)


@contextmanager
def folder_of(path: Path) -> Iterator[int]:
    """A descriptor of the folder that `path` lies in, to do something with `path.name` there. Raises
    WorkspaceDamagedError if that folder is a link; an OSError from inside names `path`."""
    handle = open_folder(path.parent)
    try:
        yield handle
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Makes the folder at `path`, and those above it. WorkspaceDamagedError if what is there is something else."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise unexpected(path, "a folder") from None
    if path.is_symlink():
        raise unexpected(path, "a folder")


def open_regular(path: Path, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
    """The descriptor of the regular file at `path`. Neither it nor its folder may be a link, and a pipe is not waited
    for: raises WorkspaceDamagedError for what is not a file, OSError for the rest."""
    with folder_of(path) as folder:
        return _open_regular_at(folder, path, flags, mode)


def _open_regular_at(folder: int, path: Path, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
    try:
        handle = os.open(path.name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode, dir_fd=folder)
    except OSError as error:
        if error.errno in _NOT_A_FILE:
            raise unexpected(path) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise unexpected(path)
    return handle


def read_regular(path: Path, most: int | None = LARGEST, folder: int | None = None) -> bytes:
    """The bytes of the regular file at `path`, whose `folder` may be open already. Raises as `open_regular` does, and
    WorkspaceDamagedError if there are more than `most`, unless any number may be."""
    handle = open_regular(path) if folder is None else _open_regular_at(folder, path)
    try:
        size = os.fstat(handle).st_size
        if most is not None and size > most:
            raise WorkspaceDamagedError(f"{path} has more than {most >> 20} MiB", "run axiom workspace fsck --repair")
        data = os.read(handle, size + 1)
        while more := os.read(handle, _PIECE):
            data += more
        return data
    finally:
        os.close(handle)


def in_disk_order(folder: int, wanted: Callable[[os.DirEntry[str]], object]) -> Iterator[str]:
    """The names of the files in an open folder that are `wanted`, each about to be read.

    A disk answers many small reads at once several times as fast as one after another, and knows those best that lie
    side by side. So they come in the order of their inodes, and it is asked for the next ones meanwhile.
    """
    with os.scandir(folder) as entries:
        numbered = [(entry.inode(), entry.name) for entry in entries if wanted(entry)]
    yield from read_ahead(folder, [name for _, name in sorted(numbered)])


def read_ahead(folder: int, names: Sequence[str]) -> Iterator[str]:
    """The names of files in an open folder, each about to be read: the disk is asked for the next ones meanwhile."""
    for start in range(0, len(names), _AHEAD):
        group = names[start : start + _AHEAD]
        for name in group if len(group) > 1 and hasattr(os, "posix_fadvise") else ():
            with suppress(OSError):
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
                try:
                    os.posix_fadvise(handle, 0, _SOON, os.POSIX_FADV_WILLNEED)
                finally:
                    os.close(handle)
        yield from group


def opened(folder: int, names: Sequence[str]) -> Iterator[tuple[str, int | None]]:
    """The names of files in an open folder, and a descriptor of each to read, until the next one is asked for; None for
    what cannot be opened. No link is followed. The disk is asked for the next ones meanwhile."""
    for start in range(0, len(names), _OPEN):
        group = names[start : start + _OPEN]
        handles = [_asked_for(name, folder) for name in group]
        closed = 0
        try:
            for name, handle in zip(group, handles, strict=True):
                yield name, handle
                closed += 1
                if handle is not None:
                    os.close(handle)
        finally:
            for handle in handles[closed:]:
                if handle is not None:
                    os.close(handle)


def _asked_for(name: str, folder: int) -> int | None:
    """A descriptor of a file that the disk is about to read; None if it cannot be opened."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    try:
        if _CAN_ASK:
            os.posix_fadvise(handle, 0, _SOON, os.POSIX_FADV_WILLNEED)
    except OSError:
        pass  # it is read all the same
    return handle


def replace(source: Path, target: Path) -> None:
    """Moves what is at `source` to `target`, in one step; neither of their folders may be a link."""
    with folder_of(source) as old, folder_of(target) as new:
        os.replace(source.name, target.name, src_dir_fd=old, dst_dir_fd=new)


def remove(path: Path) -> None:
    """Removes a file, a link or a whole folder; no link is followed. What is not there is no error."""
    with suppress(FileNotFoundError), folder_of(path) as folder:
        if not stat.S_ISDIR(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(path.name, dir_fd=folder)
        elif sys.version_info >= (3, 11):
            shutil.rmtree(path.name, dir_fd=folder)
        else:
            shutil.rmtree(path)


def place(data: bytes, draft: str, target: str, mode: int) -> None:
    """A new file of these bytes at `target`, in a folder that is made if there is none, by way of one at `draft`, which
    is left where it cannot be done: an OSError. For many small files: plain strings, and few system calls."""
    above, _, name = draft.rpartition("/")
    beyond, _, final = target.rpartition("/")
    folder = open_folder(above)
    try:
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=folder)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
        finally:
            os.close(handle)
        try:
            target_folder = open_folder(beyond)
        except FileNotFoundError:
            make_folder(Path(beyond))
            target_folder = open_folder(beyond)
        try:
            os.replace(name, final, src_dir_fd=folder, dst_dir_fd=target_folder)
        finally:
            os.close(target_folder)
    finally:
        os.close(folder)


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
        try:
            handle = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            remove(path)
            handle = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        return named(handle, meant, hint)

"""Files that are complete or absent, and locks that end with the process that holds them.

Needs POSIX: `fcntl.flock`, and a rename that replaces its target.
"""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from axiom_cli.errors import WorkspaceDamagedError, WorkspaceLockedError
from axiom_cli.files import (
    create,
    explained_write_errors,
    make_folder,
    open_regular,
    read_regular,
    remove,
    replace,
    unexpected,
)

FLUSH_ALL_ABOVE = 256
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_LONGEST = 300
"""Bytes of a lock file that are read."""
_held: set[int] = set()
"""The descriptors of the locks that this process holds."""


def flush(path: Path | str) -> None:
    """Waits until the file or folder at `path` is on disk."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_all(paths: Collection[Path | str]) -> None:
    """Waits until all `paths` and their folders are on disk. What has been removed meanwhile is left out."""
    if len(paths) > FLUSH_ALL_ABOVE and sys.platform == "linux":
        os.sync()  # one flush of everything; sync(2) waits for the disk on Linux, and elsewhere may not
        return
    for path in [*paths, *{os.path.dirname(path) for path in paths}]:
        with suppress(FileNotFoundError):
            flush(path)


def write_whole(
    files: Mapping[Path, bytes],
    scratch: Callable[[], Path],
    renaming: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Writes all files by way of temporary ones: write, fsync, rename, fsync of the folder, each step for all files at
    once. `scratch` returns unused names on the same file system; `renaming` gives a context for the renames."""
    drafts: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            drafts[path] = scratch()
            with create(drafts[path], path.parent) as stream:
                stream.write(data)
        flush_all(drafts.values())
        with renaming():
            for path, draft in drafts.items():
                replace(draft, path)
        for folder in {path.parent for path in files}:
            flush(folder)
    finally:
        for draft in drafts.values():
            remove(draft)


def _close_inherited() -> None:
    """A forked child gives up its parent's locks; otherwise a sandboxed program that outlives us would keep them."""
    for handle in _held:
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_close_inherited)


def _take(path: Path, *, shared: bool, required: bool) -> int | None:
    """The descriptor of the locked file, or None if another process holds it. A file that has another name elsewhere
    is not ours to write to: raises WorkspaceDamagedError."""
    handle = open_regular(path, os.O_RDWR | os.O_CREAT)
    try:
        if os.fstat(handle).st_nlink > 1:
            raise unexpected(path)
        free = _lock(handle, path, shared=shared, required=required)
        current = free and os.path.samestat(os.lstat(path), os.fstat(handle))
    except FileNotFoundError:
        current = False
    except BaseException:
        os.close(handle)
        raise
    if current:
        return handle
    os.close(handle)  # held by another process, or removed by its last holder between our open and our lock
    return None


def _lock(handle: int, path: Path, *, shared: bool, required: bool) -> bool:
    """Whether nobody else holds the file, which the system then remembers. Where it cannot, on some network mounts, the
    file says who holds it: that is enough to refuse a second process, and nothing else depends on locks unless they are
    `required`."""
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS or required:
            raise
        number, _, host = _holder(path).partition(" on ")
        return shared or not number or (host == platform.node() and not _is_alive(number))
    return True


def _holder(path: Path) -> str:
    """`NUMBER on HOST`, the process that took the lock; empty where nobody has said so."""
    with suppress(OSError, WorkspaceDamagedError):
        return read_regular(path)[:_LONGEST].decode("utf-8", "replace")
    return ""


def _is_alive(number: str) -> bool:
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


@contextmanager
def locked(  # noqa: PLR0913 - what, how, and what is said about it
    path: Path,
    what: str,
    *,
    shared: bool = False,
    patience: float = 10.0,
    required: bool = False,
    hint: str = "wait until it ends, or stop it",
) -> Iterator[None]:
    """Holds the lock file `path`, which the system releases when the process dies. Waits `patience` seconds for another
    holder, then raises WorkspaceLockedError. An exclusive lock file is removed afterwards; a shared one stays. If it is
    `required`, a file system without locks is an error, a MissingError."""
    deadline = time.monotonic() + patience
    with explained_write_errors(path.parent):
        make_folder(path.parent)
    while True:
        with explained_write_errors(path.parent):
            handle = _take(path, shared=shared, required=required)
        if handle is not None:
            break
        if time.monotonic() >= deadline:
            process = _holder(path)
            holder = f" (process {process})" if process else ""
            if process.partition(" on ")[2] not in ("", platform.node()):
                hint += f"; if it is gone, remove {path}"
            raise WorkspaceLockedError(f"another axiom{holder} is writing {what}", hint)
        time.sleep(0.05)
    _held.add(handle)
    try:
        if not shared:
            with suppress(OSError):  # tells whoever waits which process to look for; a full disk does not matter here
                os.ftruncate(handle, 0)
                os.write(handle, f"{os.getpid()} on {platform.node()}".encode())
        yield
    finally:
        if not shared:
            with suppress(OSError):  # the lock ends with the descriptor; its file may stay
                remove(path)
        if handle in _held:
            _held.discard(handle)
            os.close(handle)

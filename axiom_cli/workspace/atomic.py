"""Files that are whole or absent, and locks that die with their holder.

Needs POSIX: `fcntl.flock`, and renames that replace.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from axiom_cli.errors import MissingError, WorkspaceLockedError

FLUSH_ALL_ABOVE = 256
_held: set[int] = set()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the system refuses (a full disk, a read-only folder) into one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = "free some space, or choose a folder that you may write to with --workspace; what was finished is kept"
        raise MissingError(f"cannot write to {path}: {reason}", hint) from None


def flush(path: Path) -> None:
    """Waits until the file or folder at `path` is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_all(paths: Iterable[Path]) -> None:
    """Waits until all `paths` and the folders that name them are on disk: one flush of everything where they are many
    (Linux's sync(2) waits; elsewhere it need not), else file by file."""
    paths = list(paths)
    if len(paths) > FLUSH_ALL_ABOVE and sys.platform == "linux":
        return os.sync()
    for path in [*paths, *{path.parent for path in paths}]:
        flush(path)


def write_whole(files: Mapping[Path, bytes], scratch: Callable[[], Path]) -> None:
    """Temporary file, fsync, rename, fsync of the folder: each for all files before the next. `scratch` gives names
    on the same file system."""
    drafts: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            drafts[path] = scratch()
            drafts[path].write_bytes(data)
        flush_all(drafts.values())
        for path, draft in drafts.items():
            os.replace(draft, path)
        for folder in {path.parent for path in files}:
            flush(folder)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _close_inherited() -> None:
    """A forked child gives up its parent's locks: else a sandboxed program that outlives us would keep them."""
    for handle in _held:
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_close_inherited)


def _take(path: Path, operation: int) -> int | None:
    """The descriptor of the locked file, or None where another process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, operation | fcntl.LOCK_NB)
        current = os.stat(path).st_ino == os.fstat(handle).st_ino
    except (BlockingIOError, FileNotFoundError):
        current = False
    except BaseException:
        os.close(handle)
        raise
    if current:
        return handle
    os.close(handle)  # held by another, or removed by its last holder between our open and our lock
    return None


def _holder(path: Path) -> str:
    with suppress(OSError):
        if number := path.read_text(encoding="ascii", errors="replace"):
            return f" (process {number:.20})"
    return ""


@contextmanager
def locked(path: Path, what: str, shared: bool = False, patience: float = 10.0) -> Iterator[None]:
    """Holds the lock file `path`, which the system frees when we die. Waits `patience` seconds for another holder,
    then raises WorkspaceLockedError. A lock held alone is removed afterwards; a shared one stays."""
    deadline = time.monotonic() + patience
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with writing(path.parent):
            handle = _take(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        if handle is not None:
            break
        if time.monotonic() >= deadline:
            raise WorkspaceLockedError(
                f"another axiom{_holder(path)} is writing {what}", "wait for it to end, or stop it"
            )
        time.sleep(0.05)
    _held.add(handle)
    try:
        if not shared:
            with suppress(OSError):  # a note for whoever waits; a full disk is no reason to stop
                os.ftruncate(handle, 0)
                os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        if not shared:
            path.unlink(missing_ok=True)
        if handle in _held:
            _held.discard(handle)
            os.close(handle)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o444)

"""What is written beside its target and takes its place at the end, complete. What a killed writer left there is
removed by the next one of the same name."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import IO

from axiom_cli.errors import WorkspaceDamagedError
from axiom_cli.files import explained_write_errors, is_regular, named, open_regular, remove, replace

_DRAFT = re.compile(r"\.(?P<name>.+)\.(?P<own>axiom-)?[0-9a-f]{8}(?P<old>\.old)?")
"""Earlier versions left `own` out, so those may be other programs' files."""
PLAN = "axiom-plan-"
_PLAN = re.compile(rf"{PLAN}[a-z0-9_]{{8}}")
_HOUR = 3600.0


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
                    os.fchmod(stream.fileno(), stat.S_IMODE(target.lstat().st_mode))
                replace(draft, target)
    except BaseException:
        with suppress(OSError):
            remove(draft)
        raise


@contextmanager
def room_beside(target: Path, meant: Path) -> Iterator[Path]:
    """A folder beside `target` for what is needed while that is made; removed afterwards, or by the next command that
    writes to `target`."""
    with explained_write_errors(meant):
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        draft, handle = _draft(target, folder=True)
    try:
        yield draft
    finally:
        with suppress(OSError):
            remove(draft)
        os.close(handle)


@contextmanager
def filling(target: Path, meant: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of the folder `target`, or of none, at the end. What holds for
    `replacing` holds for it."""
    with room_beside(target, meant) as draft:
        yield draft
        with explained_write_errors(meant), ExitStack() as held:
            if os.path.lexists(target):
                replaced = _opened(target)
                held.callback(os.close, replaced)
                with suppress(OSError):
                    fcntl.flock(replaced, fcntl.LOCK_EX | fcntl.LOCK_NB)
                replace(target, aside := Path(f"{draft}.old"))
                replace(draft, target)
                remove(aside)
            else:
                replace(draft, target)


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder where temporary files go, for what a plan makes. `gc` removes what a killed process left of it."""
    with TemporaryDirectory(prefix=PLAN) as name:
        handle = _opened(Path(name))
        try:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(name)
        finally:
            os.close(handle)


def abandoned(folders: Iterable[Path]) -> Iterator[Path]:
    """What killed processes of this user left in some folders, and where temporary files go: axiom's own by its name,
    an hour old, held by no process. What was moved aside and not replaced is not among it."""
    for folder in [*folders, Path(gettempdir())]:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                draft, path = _DRAFT.fullmatch(entry.name), Path(entry.path)
                moved_aside = draft and draft["old"] and not os.path.lexists(path.with_name(draft["name"]))
                own = (draft and draft["own"]) or (_PLAN.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False))
                if own and not moved_aside and _is_abandoned(path):
                    yield path


def _is_abandoned(path: Path) -> bool:
    status = path.lstat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return False
    if status.st_uid != os.getuid() or time.time() - status.st_mtime < _HOUR:
        return False
    handle = _opened(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # held, or nobody can say
    finally:
        os.close(handle)
    return True


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _draft(target: Path, *, folder: bool = False) -> tuple[Path, int]:
    """A new file or folder beside `target`, locked for as long as its writer lives, and its descriptor."""
    while True:
        draft = target.with_name(f".{target.name}.axiom-{os.urandom(4).hex()}")
        if folder:
            draft.mkdir()
        try:
            handle = _opened(draft) if folder else open_regular(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileNotFoundError:
            continue  # swept already
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            own = True
        except BlockingIOError:
            own = False  # another process is about to sweep it, and may have stopped there
        except OSError:
            own = True  # where files cannot be locked, nothing is swept either
        with suppress(FileNotFoundError):
            if own and os.path.samestat(os.fstat(handle), draft.lstat()):
                return draft, handle
        os.close(handle)  # swept between its creation and its lock


def _sweep(target: Path) -> None:
    """Removes the drafts of `target` whose writers are dead. What a writer had moved away to make room, and did not
    replace any more, is moved back."""
    for entry in os.scandir(target.parent):
        draft = _DRAFT.fullmatch(entry.name)
        if not draft or draft["name"] != target.name or entry.is_symlink():
            continue
        if not (entry.is_file() or entry.is_dir()):
            continue
        with suppress(OSError, WorkspaceDamagedError):
            handle = _opened(Path(entry.path))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if draft["old"] and not os.path.lexists(target):
                    replace(Path(entry.path), target)
                else:
                    remove(Path(entry.path))
            finally:
                os.close(handle)

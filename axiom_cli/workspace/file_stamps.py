"""Which files were hashed already, by inode, size and times, so that large ones are read again only after a change.

A stamp counts until the machine starts anew: what a power cut takes from a file shows neither in its size nor in its
times. Where the system does not tell one start from the next, it counts within one process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import orjson

from axiom_cli.errors import MissingError, WorkspaceDamagedError
from axiom_cli.files import create, read_regular, remove, replace
from axiom_cli.ids import file_digest

Stamp = list[int]


def stamp(path: Path) -> Stamp:
    """What changes whenever a file does: inode, size, time of its data, time of anything about it."""
    status = path.lstat()
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


class FileStamps:
    """What hashed files had for a digest and a stamp; kept in `file`, which may be missing or unreadable. Without one,
    it lasts as long as the process."""

    def __init__(self, file: Path | None = None) -> None:
        self._known: dict[str, tuple[str, Stamp]] = {}
        self._before: dict[str, tuple[str, Stamp]] = {}
        self.file: Path | None = None
        if file:
            self.keep_in(file)

    def keep_in(self, file: Path) -> None:
        """From now on what is known is kept in `file`; what was kept there is known."""
        if file == self.file:
            return
        self.file, known = file, self._known
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, WorkspaceDamagedError):
            data = orjson.loads(read_regular(file))
            if data["start"] == _start():
                known = {path: (digest, at) for path, (digest, at) in data["stamps"].items()} | known
        self._known, self._before = known, dict(known)

    def digest(self, path: Path) -> str:
        """The digest of the file at `path`, which is read only if anything about it has changed since it last was."""
        sha, at = self._known.get(str(path), ("", []))
        now = stamp(path)
        if at != now:
            sha = file_digest(path)
            self.add(path, sha, now)
        return sha

    def add(self, path: Path, digest: str, before: Stamp) -> None:
        """Remembers that the file at `path`, with the stamp `before` when its reading began, has this digest."""
        self._known[str(path)] = (digest, before)

    def save(self, scratch: Callable[[], Path]) -> None:
        """Writes what is new by way of an unused path that `scratch` gives. Nothing happens where that cannot be
        written."""
        if not self.file or self._known == self._before:
            return
        with suppress(OSError, MissingError, WorkspaceDamagedError):
            self.file.parent.mkdir(exist_ok=True)
            draft = scratch()
            try:
                with create(draft, self.file) as stream:
                    stream.write(orjson.dumps({"start": _start(), "stamps": self._known}))
                replace(draft, self.file)
            finally:
                remove(draft)


@cache
def _start() -> str:
    """The name of the machine's present run, as Linux gives it; else of this process."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{os.getpid()} {os.urandom(8).hex()}"

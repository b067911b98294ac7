"""Which files were hashed already, by inode, size and times, so that large ones are read again only after a change.

A stamp counts until the machine starts anew: what a power cut takes from a file shows neither in its size nor in its
times. Where the system does not tell one start from the next, it counts within one process.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

import orjson

Stamp = list[int]


def stamp(path: Path) -> Stamp:
    """What changes whenever a file does: inode, size, time of its data, time of anything about it."""
    found = path.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


class FileStamps:
    """The stamps of hashed files, by digest and path; kept in `file`, which may be missing or unreadable."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._known: dict[str, Stamp] = {}
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            data = orjson.loads(file.read_bytes())
            self._known = dict(data["stamps"]) if data["start"] == _start() else {}
        self._before = dict(self._known)

    def knows(self, digest: str, path: Path) -> bool:
        """Whether the file at `path` had this digest, and nothing about it has changed since."""
        return self._known.get(f"{digest} {path}") == stamp(path)

    def add(self, digest: str, path: Path, before: Stamp) -> None:
        """Remembers that the file at `path`, with the stamp `before` when its reading began, has this digest."""
        self._known[f"{digest} {path}"] = before

    def save(self, scratch: Path) -> None:
        """Writes what is new by way of the unused path `scratch`. Nothing happens where that cannot be written."""
        if self._known == self._before:
            return
        with suppress(OSError):
            self.file.parent.mkdir(exist_ok=True)
            scratch.write_bytes(orjson.dumps({"start": _start(), "stamps": self._known}))
            os.replace(scratch, self.file)


@cache
def _start() -> str:
    """The name of the machine's present run, as Linux gives it; else of this process."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{os.getpid()} {os.urandom(8).hex()}"

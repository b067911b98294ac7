"""What was written to the folder of receipts, so that an index of them learns what is new without looking at all of
them. Each line says what the folder looked like just before and just after some receipts came.

The lines count as long as they lead from the folder as it was to the folder as it is: whatever else changed it, also
an earlier version or another program, leaves a gap between them. What cannot be noted leaves one too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from struct import pack

from axiom_cli.errors import AxiomError
from axiom_cli.files import open_regular, open_to_list, read_regular, remove
from axiom_cli.workspace.atomic import locked
from axiom_cli.workspace.objects import is_digest

NAME = ".journal"
"""The file's name, beside the index: `fsck` of every version lets hidden files be."""
_MOST = 1 << 20
"""Bytes of a journal that gets further lines, and of one line."""
_PATIENCE = 2.0
_STAMP = 64
"""Hexadecimal digits of a stamp."""
_SUM = 16
"""Hexadecimal digits of a line's checksum."""


def stamp(status: os.stat_result) -> bytes:
    """What changes whenever a file or folder does."""
    return pack("<Qqqq", status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def status_of(folder: Path) -> os.stat_result:
    """The status of a folder that is opened for it, so that a network file system asks its server."""
    handle = open_to_list(folder)
    try:
        return os.fstat(handle)
    finally:
        os.close(handle)


@contextmanager
def noted(place: Path, folder: Path, lock: Path, ids: Collection[str]) -> Iterator[None]:
    """Notes in the folder `place`, if there is one, that the receipts `ids` came to `folder`, and that nothing else
    changed it meanwhile: those that note something take turns by `lock`. Never raises on its own account."""
    with ExitStack() as stack:
        handle = _opened(place / NAME, lock, stack) if place.is_dir() else None
        before = _precise(folder) if handle is not None else None
        yield
        after = _precise(folder) if before else None
        if handle is not None and before and after:
            line = " ".join([before.hex(), after.hex(), *ids])
            with suppress(OSError):
                if len(line) < _MOST:
                    os.write(handle, f"{_sum(line)} {line}\n".encode())


def _opened(path: Path, lock: Path, stack: ExitStack) -> int | None:
    """The journal, to append to, until the `stack` ends. Where it cannot be had, there is none any more: another
    process may be about to note that nothing but its own receipts came."""
    try:
        stack.enter_context(locked(lock, "receipts", patience=_PATIENCE, required=True))
        with suppress(FileNotFoundError):
            status = path.lstat()
            if status.st_size > _MOST or status.st_nlink > 1:
                remove(path)
        handle = open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    except (OSError, AxiomError):
        with suppress(OSError, AxiomError):
            remove(path)
        return None
    stack.callback(os.close, handle)
    return handle


def _precise(folder: Path) -> bytes | None:
    """The folder's stamp; None on a file system whose times are so coarse that two changes often have the same one."""
    with suppress(OSError, AxiomError):
        status = status_of(folder)
        if status.st_mtime_ns % 1000:
            return stamp(status)
    return None


def _sum(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()[:_SUM]


@dataclass(frozen=True)
class Entry:
    """One line: the folder's stamps `before` and `after` the receipts `ids` came."""

    before: bytes
    after: bytes
    ids: list[str]


def read(place: Path) -> list[Entry]:
    """What is noted in the folder `place`; nothing where it cannot be read. Lines that are not whole are left out."""
    with suppress(OSError, AxiomError):
        lines = read_regular(place / NAME, 2 * _MOST + _STAMP).decode("ascii", "replace").splitlines()
        return [entry for line in lines if (entry := _parse(line))]
    return []


def _parse(line: str) -> Entry | None:
    checksum, _, rest = line.partition(" ")
    if checksum != _sum(rest):
        return None
    stamps, ids = rest[: 2 * _STAMP + 1].split(" "), rest[2 * _STAMP + 2 :].split(" ")
    with suppress(ValueError):
        before, after = map(bytes.fromhex, stamps)
        if all(map(is_digest, ids)):
            return Entry(before, after, ids)
    return None


def since(entries: list[Entry], then: bytes, now: bytes) -> set[str] | None:
    """The ids of all receipts that came after the folder looked like `then`, and perhaps of others; None if the entries
    do not lead from there to `now`."""
    at, ids = then, set[str]()
    is_reached = at == now
    for entry in entries:
        if entry.before == at:
            at = entry.after
            ids.update(entry.ids)
            is_reached = is_reached or at == now
    return ids if is_reached else None

"""An index of many receipts, so that they need not all be read. It is never the truth: it says which receipts to read,
and what they say counts.

It is one SQLite file, which is only ever replaced, and is named by the SHA-256 of its bytes: a damaged one is not what
its name says, and no lock or journal of SQLite's is needed. It holds what the folder of receipts, and each receipt,
looked like when they were read (inode, size, times); what looks otherwise now is read again.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from struct import pack
from typing import Any

from axiom_cli.errors import MissingError, WorkspaceDamagedError
from axiom_cli.files import create, make_folder, open_regular, remove, replace
from axiom_cli.ids import file_digest, stream_digest
from axiom_cli.workspace import receipts, trees
from axiom_cli.workspace.objects import Objects, is_digest
from axiom_cli.workspace.receipts import Receipt

LEAST = 2000
"""Fewer receipts are read, which takes 0.2 s."""
_SETTLED = 3_000_000_000
"""Nanoseconds after which another change shows in a file's times, whatever the file system."""
_UNSETTLED = b""
"""In place of the stamp of what has changed lately: it is read again the next time."""
_RECEIPT = re.compile(r"[0-9a-f]{64}\.json")
_SCHEMA = [
    "CREATE TABLE folder (stamp BLOB)",
    "CREATE TABLE outputs (digest TEXT, id TEXT, tree INTEGER, PRIMARY KEY (digest, id)) WITHOUT ROWID",
    "CREATE TABLE receipts (made TEXT, id TEXT, stamp BLOB, PRIMARY KEY (made, id)) WITHOUT ROWID",
]
"""The folder; what each receipt made, `tree` being 0 for what is no tree; the receipts in the order of time."""


class Index:
    """Which receipts made what, by the index in the file `path` of the receipts in `folder`. Each method raises
    LookupError where the receipts say otherwise by now."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self._folder = path, folder
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        self._rows("PRAGMA trusted_schema=OFF")  # whoever made the workspace may be a stranger
        if self._rows("SELECT sql FROM sqlite_master ORDER BY name") != [(sql,) for sql in _SCHEMA]:
            raise LookupError

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise LookupError from error

    def is_current(self) -> bool:
        """Whether no receipt has come or gone since it was made."""
        return self._rows("SELECT stamp FROM folder") == [(_stamp(self._folder.stat()),)]

    def get(self, digest: str) -> list[Receipt]:
        """The receipts that made an object, sorted by id."""
        rows = self._rows("SELECT id FROM outputs WHERE digest = ? ORDER BY id", digest)
        found = [self.receipt(name) for (name,) in rows]
        if any(digest not in receipt.outputs.values() for receipt in found):
            raise LookupError
        return found

    def receipt(self, name: str) -> Receipt:
        """The receipt of an id."""
        try:
            return receipts.load(self._folder / f"{name}.json")
        except FileNotFoundError:
            raise LookupError from None

    def oldest_first(self) -> list[str]:
        """The ids of all receipts, in the order of time, then of ids."""
        return [name for (name,) in self._rows("SELECT id FROM receipts ORDER BY made, id")]

    def count(self) -> int:
        """The number of objects that a receipt made."""
        return int(self._rows("SELECT count(DISTINCT digest) FROM outputs")[0][0])

    def possible_trees(self) -> list[str]:
        """What receipts made and is not known to be something else than a tree, sorted."""
        return [row[0] for row in self._rows("SELECT DISTINCT digest FROM outputs WHERE tree IS NOT 0 ORDER BY digest")]


def find(folder: Path, place: Path, objects: Objects) -> Index | None:
    """The index in `place` of the receipts in `folder`, brought up to date; None where they are few, or
    where it cannot be kept. Raises WorkspaceDamagedError for what is not a receipt."""
    try:
        last = _last(place, folder)
        if last and last.is_current():
            return last
        return _renewed(last, place, folder, objects) if len(os.listdir(folder)) >= LEAST else None
    except (OSError, MissingError, LookupError, sqlite3.Error):
        return None


def _last(place: Path, folder: Path) -> Index | None:
    """The newest whole index in the folder `place`."""
    with suppress(FileNotFoundError):
        found = [entry for entry in os.scandir(place) if is_digest(entry.name)]
        for entry in sorted(found, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns, reverse=True):
            with suppress(OSError, WorkspaceDamagedError, LookupError, sqlite3.Error):
                path = place / entry.name
                with os.fdopen(open_regular(path), "rb") as stream:
                    if stream_digest(stream) == path.name:
                        return Index(path, folder)
    return None


def _renewed(last: Index | None, place: Path, folder: Path, objects: Objects) -> Index:
    """An index that is up to date, in place of the `last` one."""
    make_folder(place)
    draft = objects.scratch()
    try:
        with create(draft, folder) as out:
            if last:
                with os.fdopen(open_regular(last.path), "rb") as stream:
                    shutil.copyfileobj(stream, out)
        with closing(sqlite3.connect(f"{draft.absolute().as_uri()}?vfs=unix-none", uri=True)) as database:
            _update(database, folder, objects, now=draft.lstat().st_mtime_ns)
        path = place / file_digest(draft)
        replace(draft, path)
    finally:
        remove(draft)
    for other in place.iterdir():
        if is_digest(other.name) and other != path:
            with suppress(OSError):
                remove(other)
    return Index(path, folder)


def _update(database: sqlite3.Connection, folder: Path, objects: Objects, now: int) -> None:
    """Reads what has changed in `folder`, as the times say, of which the present one is `now`."""
    for setting in ("journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-100000"):
        database.execute(f"PRAGMA {setting}")
    if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for table in _SCHEMA:
            database.execute(table)
    before = _stamp(folder.stat(), now)
    with os.scandir(folder) as entries:
        found = {
            entry.name.removesuffix(".json"): _stamp(entry.stat(follow_symlinks=False), now)
            for entry in entries
            if _RECEIPT.fullmatch(entry.name)
        }
    known = dict(database.execute("SELECT id, stamp FROM receipts"))
    gone = [(name,) for name, stamp in known.items() if stamp == _UNSETTLED or found.get(name) != stamp]
    database.execute("CREATE TEMP TABLE gone (id TEXT PRIMARY KEY)")
    database.executemany("INSERT INTO gone VALUES (?)", gone)
    for table in ("outputs", "receipts"):
        database.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM gone)")
    left = {*known} - {name for (name,) in gone}
    for name in sorted({*found} - left):
        with suppress(FileNotFoundError):  # set aside meanwhile
            receipt = receipts.load(folder / f"{name}.json")
            database.execute("INSERT INTO receipts VALUES (?, ?, ?)", (receipt.made, name, found[name]))
            rows = [(digest, name, _is_tree(objects, digest)) for digest in {*receipt.outputs.values()}]
            database.executemany("INSERT INTO outputs VALUES (?, ?, ?)", rows)
    database.execute("DELETE FROM folder")
    database.execute("INSERT INTO folder VALUES (?)", (before,))
    database.commit()


def _is_tree(objects: Objects, digest: str) -> bool | None:
    """Whether an object is a tree; None where it is not here."""
    try:
        return trees.is_manifest(objects, digest)
    except (MissingError, WorkspaceDamagedError):
        return None


def _stamp(found: os.stat_result, now: int | None = None) -> bytes:
    """What changes whenever a file or folder does, for what has not changed shortly before `now`."""
    if now is not None and now - max(found.st_mtime_ns, found.st_ctime_ns) < _SETTLED:
        return _UNSETTLED
    return pack("<Qqqq", found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

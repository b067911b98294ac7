"""An index of many receipts, so that they need not all be read. It is never the truth: it says which receipts to read,
and what they say counts.

It is one SQLite file, which is only ever replaced, and is named by the SHA-256 of its bytes: a damaged one is not what
its name says, and no lock or journal of SQLite's is needed. It holds what the folder of receipts, and each receipt,
looked like when they were read (inode, size, times). Where the journal leads from the folder as it was to the folder
as it is, the few receipts named there are read; else every receipt is looked at, and what looks otherwise now is read.
What the objects are that they made or used, and about which problems, is noted once a command asks for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from axiom_cli.errors import MissingError, WorkspaceDamagedError
from axiom_cli.files import (
    create,
    make_folder,
    open_regular,
    open_to_list,
    read_ahead,
    read_regular,
    remove,
    replace,
)
from axiom_cli.ids import file_digest, stream_digest
from axiom_cli.workspace import journal, receipts, scan, trees
from axiom_cli.workspace.objects import RECORDS_HEAD, Objects, is_digest
from axiom_cli.workspace.receipts import Receipt

LEAST = 2000
"""Fewer receipts are read, which takes 0.2 s."""
_SETTLED = 3_000_000_000
"""Nanoseconds after which another change shows in a file's times, whatever the file system."""
_UNSETTLED = b""
"""In place of the stamp of what has changed lately: it is read again the next time."""
_FRESH = 2000
"""Receipts that are read each time, before another index is written for them."""
_BATCH = 10_000
"""Receipts or objects that are kept in memory at a time."""
_LARGE = 1 << 20
"""Bytes of records that are not searched here, but whenever they may be about a problem."""
_ANY_PROBLEM = b""
"""In place of a problem, for what is searched in any case: it is large, or was not here."""
_SIZE = 32
"""Bytes of a digest."""
_OTHER, _TREE, _MISSING = range(3)
_ID = re.compile(rb'"id":("(?:[^"\\]|\\.)*")')
_RECEIPT = re.compile(r"[0-9a-f]{64}\.json")
_SCHEMA = [
    "CREATE TABLE folder (stamp BLOB)",
    "CREATE TABLE outputs (digest BLOB, id BLOB, PRIMARY KEY (digest, id)) WITHOUT ROWID",
    "CREATE TABLE problems (problem BLOB, digest BLOB, PRIMARY KEY (problem, digest)) WITHOUT ROWID",
    "CREATE TABLE receipts (made TEXT, id BLOB, stamp BLOB, PRIMARY KEY (made, id)) WITHOUT ROWID",
    "CREATE TABLE used (digest BLOB PRIMARY KEY, kind INTEGER) WITHOUT ROWID",
]
"""The folder; what each receipt made; which records may be about a problem, by the first bytes of its id's SHA-256; the
receipts in the order of time; every object that a receipt made or used, with its kind once it has been examined."""
_FRESH_TOO = {"outputs": "digest, id", "problems": "problem, digest", "receipts": "made, id", "used": "digest, kind"}
"""The columns of what is answered from the receipts that came after the index was made, too."""


class Index:
    """Which receipts made what, by the index in the file `path` of the receipts in `folder`. Each method raises
    LookupError where the receipts say otherwise by now."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self._folder = path, folder
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        self._rows("PRAGMA trusted_schema=OFF")  # whoever made the workspace may be a stranger
        if self._rows("SELECT sql FROM sqlite_master ORDER BY name") != [(sql,) for sql in _SCHEMA]:
            raise LookupError

    def _rows(self, query: str, *values: bytes) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise LookupError from error

    def _digests(self, query: str, *values: bytes) -> list[str]:
        """The digests or ids that a query selects."""
        rows = self._rows(query, *values)
        if not all(isinstance(digest, bytes) and len(digest) == _SIZE for (digest,) in rows):
            raise LookupError
        return [digest.hex() for (digest,) in rows]

    def catch_up(self) -> bool:
        """Whether it answers from every receipt: the journal leads to those that came since it was made, and they are
        few. They are read. Raises WorkspaceDamagedError for what is not a receipt."""
        ((then,),) = self._rows("SELECT stamp FROM main.folder")
        now = journal.stamp(journal.status_of(self._folder))
        fresh = journal.since(journal.read(self.path.parent), then, now)
        if fresh is None or len(fresh) > _FRESH:
            return False
        if fresh:
            self._answer_from(fresh)
        return True

    def _answer_from(self, fresh: Set[str]) -> None:
        """Answers also from these receipts, and no more from what they said before."""
        handle = open_to_list(self._folder)
        try:
            new = list(_read(self._folder, handle, sorted(fresh)))
        finally:
            os.close(handle)
        self._database.execute("ATTACH ':memory:' AS fresh")
        for table in (*_SCHEMA, "CREATE TABLE gone (id BLOB PRIMARY KEY) WITHOUT ROWID"):
            self._database.execute(table.replace("TABLE ", "TABLE fresh."))
        self._database.executemany("INSERT INTO fresh.gone VALUES (?)", [(bytes.fromhex(name),) for name in fresh])
        _add(self._database, new, dict.fromkeys(fresh, _UNSETTLED), schema="fresh")
        self._database.execute("INSERT INTO fresh.problems SELECT ?, digest FROM fresh.used", (_ANY_PROBLEM,))
        self._database.execute(f"UPDATE fresh.used SET kind = {_MISSING}")  # so that it is looked into
        for table, columns in _FRESH_TOO.items():
            kept = " WHERE id NOT IN (SELECT id FROM fresh.gone)" if "id" in columns.split(", ") else ""
            both = f"SELECT {columns} FROM main.{table}{kept} UNION ALL SELECT {columns} FROM fresh.{table}"
            self._database.execute(f"CREATE TEMP VIEW {table} AS {both}")

    def is_examined(self) -> bool:
        """Whether every object has been examined that was here when it was made."""
        return not self._rows("SELECT 1 FROM main.used WHERE kind IS NULL LIMIT 1")

    def get(self, digest: str) -> list[Receipt]:
        """The receipts that made an object, sorted by id."""
        rows = self._digests("SELECT id FROM outputs WHERE digest = ? ORDER BY id", bytes.fromhex(digest))
        receipts = [self.receipt(name) for name in rows]
        if any(digest not in receipt.outputs.values() for receipt in receipts):
            raise LookupError
        return receipts

    def receipt(self, name: str) -> Receipt:
        """The receipt of an id."""
        try:
            return receipts.load(self._folder / f"{name}.json")
        except FileNotFoundError:
            raise LookupError from None

    def oldest_first(self) -> list[str]:
        """The ids of all receipts, in the order of time, then of ids."""
        return [name.hex() for _, name in self._rows("SELECT made, id FROM receipts ORDER BY made, id")]

    def count(self) -> int:
        """The number of objects that a receipt made."""
        return int(self._rows("SELECT count(DISTINCT digest) FROM outputs")[0][0])

    def about(self, problem: str) -> list[str]:
        """Every object that a receipt made or used and that may hold records of a problem, sorted; for an index whose
        objects have been examined."""
        keys = _key(problem), _ANY_PROBLEM
        return self._digests("SELECT DISTINCT digest FROM problems WHERE problem IN (?, ?) ORDER BY digest", *keys)

    def possible_trees(self) -> list[str]:
        """Every tree that a receipt made or used, sorted, and what was not here; for an index whose objects have been
        examined."""
        return self._digests(f"SELECT digest FROM used WHERE kind IN ({_TREE}, {_MISSING}) ORDER BY digest")


def find(folder: Path, place: Path, objects: Objects, *, examined: bool = False) -> Index | None:
    """The index in `place` of the receipts in `folder`, brought up to date, and every object `examined` if that is
    asked; None where they are few, or where it cannot be kept. Raises WorkspaceDamagedError for what is not a
    receipt."""
    try:
        last = _last(place, folder)
        if last and last.catch_up() and (not examined or last.is_examined()):
            return last
        few = not last and len(os.listdir(folder)) < LEAST
        return None if few else _renewed(last, place, folder, objects, examined=examined)
    except (OSError, MissingError, LookupError, sqlite3.Error):
        return None


def _last(place: Path, folder: Path) -> Index | None:
    """The newest whole index in the folder `place`."""
    with suppress(FileNotFoundError):
        entries = [entry for entry in os.scandir(place) if is_digest(entry.name)]
        for entry in sorted(entries, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns, reverse=True):
            with suppress(OSError, WorkspaceDamagedError, LookupError, sqlite3.Error):
                path = place / entry.name
                with os.fdopen(open_regular(path), "rb") as stream:
                    if stream_digest(stream) == path.name:
                        return Index(path, folder)
    return None


def _renewed(last: Index | None, place: Path, folder: Path, objects: Objects, *, examined: bool) -> Index:
    """An index that is up to date, in place of the `last` one."""
    make_folder(place)
    draft = objects.scratch()
    try:
        with create(draft, folder) as out:
            if last:
                with os.fdopen(open_regular(last.path), "rb") as stream:
                    shutil.copyfileobj(stream, out)
        with closing(sqlite3.connect(f"{draft.absolute().as_uri()}?vfs=unix-none", uri=True)) as database:
            _update(database, folder, journal.read(place), now=draft.lstat().st_mtime_ns)
            if examined:
                _examine(database, objects)
            database.commit()
        path = place / file_digest(draft)
        replace(draft, path)
    finally:
        remove(draft)
    for other in place.iterdir():
        if is_digest(other.name) and other != path:
            with suppress(OSError):
                remove(other)
    return Index(path, folder)


def _update(database: sqlite3.Connection, folder: Path, entries: list[journal.Entry], now: int) -> None:
    """Reads the receipts in `folder` that have changed, going by the journal's `entries`, or else by the files' times.
    `now` is the present time of that file system, in nanoseconds."""
    for setting in ("journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-100000"):
        database.execute(f"PRAGMA {setting}")
    if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for table in _SCHEMA:
            database.execute(table)
    handle = open_to_list(folder)
    try:
        before = os.fstat(handle)
        stamped = journal.stamp(before)
        then = database.execute("SELECT stamp FROM folder").fetchone()
        names = journal.since(entries, then[0], stamped) if then else None
        stamps = _stamps(handle, _in_disk_order(handle) if names is None else sorted(names), now)
        left = _forget(database, stamps, names)
        receipts_read = _read(folder, handle, [name for name in stamps if name not in left])
        while batch := list(islice(receipts_read, _BATCH)):
            _add(database, batch, stamps)
    finally:
        os.close(handle)
    is_noted = any(entry.after == stamped for entry in entries)  # whatever comes is noted after it
    database.execute("DELETE FROM folder")
    database.execute("INSERT INTO folder VALUES (?)", (stamped if is_noted else _stamp(before, now),))


def _in_disk_order(folder: int) -> list[str]:
    """The id of each receipt in an open folder, side by side on the disk."""
    with os.scandir(folder) as entries:
        names = sorted((entry.inode(), entry.name) for entry in entries if _RECEIPT.fullmatch(entry.name))
    return [name.removesuffix(".json") for _, name in names]


def _stamps(folder: int, names: Sequence[str], now: int) -> dict[str, bytes]:
    """The id of each receipt that is in an open folder, of those named, and its stamp."""
    stamps = {}
    for name in names:
        with suppress(FileNotFoundError):  # set aside meanwhile
            stamps[name] = _stamp(os.stat(f"{name}.json", dir_fd=folder, follow_symlinks=False), now)
    return stamps


def _forget(database: sqlite3.Connection, stamps: Mapping[str, bytes], names: Set[str] | None) -> set[str]:
    """Removes receipts that have other `stamps` by now, or none, and those `names` if they are known; returns the ids
    of the others that have a stamp."""
    gone, left = {*(names or ())}, set[str]()
    if names is None:
        known = {name.hex(): stamp for name, stamp in database.execute("SELECT id, stamp FROM receipts")}
        left = {name for name, stamp in known.items() if stamp != _UNSETTLED and stamps.get(name) == stamp}
        gone = known.keys() - left
    database.execute("CREATE TEMP TABLE gone (id BLOB PRIMARY KEY)")
    database.executemany("INSERT INTO gone VALUES (?)", [(bytes.fromhex(name),) for name in gone])
    for table in ("outputs", "receipts") if gone else ():
        database.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM gone)")
    return left


def _read(folder: Path, handle: int, names: Sequence[str]) -> Iterator[tuple[str, Receipt]]:
    """The id of each of the named receipts in an open folder, and the receipt."""
    for file in read_ahead(handle, [f"{name}.json" for name in names]):
        with suppress(FileNotFoundError):
            name = file.removesuffix(".json")
            yield name, receipts.decode(read_regular(folder / file, folder=handle), name)


def _add(
    database: sqlite3.Connection,
    new: Sequence[tuple[str, Receipt]],
    stamps: Mapping[str, bytes],
    schema: str = "main",
) -> None:
    rows = sorted((receipt.made, bytes.fromhex(name), stamps[name]) for name, receipt in new)
    database.executemany(f"INSERT INTO {schema}.receipts VALUES (?, ?, ?)", rows)
    made = sorted(
        (bytes.fromhex(digest), bytes.fromhex(name)) for name, receipt in new for digest in {*receipt.outputs.values()}
    )
    database.executemany(f"INSERT INTO {schema}.outputs VALUES (?, ?)", made)
    used = {digest for digest, _ in made}
    used |= {bytes.fromhex(digest) for _, receipt in new for _, digest in receipt.inputs if is_digest(digest)}
    unseen = sorted((digest,) for digest in used)
    database.executemany(f"INSERT OR IGNORE INTO {schema}.used VALUES (?, NULL)", unseen)


def _examine(database: sqlite3.Connection, objects: Objects) -> None:
    """Looks into what was not examined yet, and what was not here then."""
    rows = database.execute(f"SELECT lower(hex(digest)) FROM used WHERE kind IS NULL OR kind = {_MISSING}")
    starts = scan.starts(objects, {digest for (digest,) in rows}, _LARGE + 1)
    while batch := list(islice(starts, _BATCH)):
        kinds = sorted((_kind(objects, digest, start), bytes.fromhex(digest)) for digest, start in batch)
        database.executemany("UPDATE used SET kind = ? WHERE digest = ?", kinds)
        problems = {(key, bytes.fromhex(digest)) for digest, start in batch for key in _problems(start)}
        database.executemany("INSERT OR IGNORE INTO problems VALUES (?, ?)", sorted(problems))


def _kind(objects: Objects, digest: str, start: bytes | None) -> int:
    """What an object is that begins with the bytes `start`."""
    if start is None:
        return _MISSING
    try:
        return _TREE if start.startswith(trees.HEAD) and trees.is_manifest(objects, digest) else _OTHER
    except (MissingError, WorkspaceDamagedError):
        return _MISSING


def _problems(start: bytes | None) -> Iterator[bytes]:
    """The keys of all problems that records beginning with the bytes `start` may be about."""
    if start is None or (len(start) > _LARGE and start.startswith(RECORDS_HEAD)):
        yield _ANY_PROBLEM
    elif start.startswith(RECORDS_HEAD):
        for spelled in {*_ID.findall(start)}:
            with suppress(orjson.JSONDecodeError):
                yield _key(orjson.loads(spelled))


def _key(problem: str) -> bytes:
    return hashlib.sha256(problem.encode("utf-8", "surrogatepass")).digest()[:8]


def _stamp(status: os.stat_result, now: int) -> bytes:
    """The stamp of what has not changed shortly before `now`: else another change may not show in it."""
    if now - max(status.st_mtime_ns, status.st_ctime_ns) < _SETTLED:
        return _UNSETTLED
    return journal.stamp(status)

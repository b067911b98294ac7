"""Records in and out, one JSON object per line. Lines are parsed nowhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import AxiomError, InputError, MissingError, UsageError
from axiom_cli.records import KINDS, WRITERS, Record

R = TypeVar("R", bound=Record)
Skip = Callable[[AxiomError], None]
Check = Callable[[Any], None]


def dump(record: Record | dict[str, Any]) -> bytes:
    """One line, with its newline."""
    data = record.to_dict() if isinstance(record, Record) else record
    return json_codec.dumps(data, option=orjson.OPT_APPEND_NEWLINE)


def parse(line: bytes, number: int, *wanted: type[R]) -> R:
    """The record on line `number`. Raises InputError naming the line and what was expected."""
    try:
        data = json_codec.loads(line)
    except orjson.JSONDecodeError as error:
        cut = "" if line.endswith(b"\n") else " (the last line is incomplete: was its writer interrupted?)"
        raise InputError(
            f"line {number}: {json_codec.describe_error(error)}{cut}", f"expected {_names(wanted)} record per line"
        ) from None
    if not isinstance(data, dict):
        raise InputError(f"line {number}: {json_codec.type_name(data)}, expected {_names(wanted)} record")
    kind = data.get("kind")
    for cls in wanted:
        if kind == cls.kind:
            try:
                return cls.from_dict(data)
            except InputError as error:
                raise InputError(f"line {number}: {error}", error.hint) from None
    known = isinstance(kind, str) and kind in KINDS
    actual = f"a {kind} record" if known else f"kind {kind!r:.60}" if "kind" in data else "no kind"
    raise InputError(
        f"line {number}: {actual}, expected {_names(wanted)} record",
        "; ".join(f"{WRITERS[cls.kind]} writes {cls.kind} records" for cls in wanted),
    )


def _names(wanted: Iterable[type[Record]]) -> str:
    names = " or ".join(cls.kind for cls in wanted)
    return f"an {names}" if names[0] in "aeiou" else f"a {names}"


def read(
    stream: Iterable[bytes], *wanted: type[R], skip: Skip | None = None, check: Check | None = None
) -> Iterator[R]:
    """The records of `stream`, one at a time. Blank lines are skipped. The InputError of a bad line, or what `check`
    raises for its record, is raised with the line's number, or given to `skip` if there is one."""
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            record = parse(line, number, *wanted)
            if check:
                _check(record, number, check)
        except AxiomError as error:
            if skip is None:
                raise
            skip(error)
        else:
            yield record


def _check(record: Record, number: int, check: Check) -> None:
    try:
        check(record)
    except AxiomError as error:
        raise type(error)(f"line {number}: {error}", error.hint) from None


def load(path: Path, *wanted: type[R]) -> list[R]:
    """All records of a file."""
    with path.open("rb") as stream:
        return list(read(stream, *wanted))


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file, one at a time. Blank lines are skipped. Raises InputError naming
    the file and the line."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                value = json_codec.loads(line)
            except orjson.JSONDecodeError as error:
                raise InputError(f"{path}: line {number}: {json_codec.describe_error(error)}") from None
            if not isinstance(value, dict):
                raise InputError(f"{path}: line {number}: {json_codec.type_name(value)}, expected an object")
            yield value


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears at `path` complete, or not at all; a file it replaces passes on its mode.

    A symbolic link is kept, and its target replaced. A pipe or a device is written to directly. Raises UsageError for a
    folder, MissingError if `path` cannot be written.
    """
    refuse_folder(path)
    if path.exists() and not path.is_file():
        with os.fdopen(_open(path, path, os.O_WRONLY), "wb") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    handle = _open(temporary, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.is_file():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def refuse_folder(path: Path) -> None:
    """Raises UsageError if `path` is a folder."""
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder", f"name a file in it, such as {path / 'records.jsonl'}")


def _open(file: Path, path: Path, flags: int) -> int:
    """The descriptor of `file`, which is written on behalf of `path`; creates missing folders. Raises MissingError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.open(file, flags | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise MissingError(f"cannot write {path}: {error.strerror}", "choose a folder that you can write to") from None


def save(path: Path, records: Iterable[Record | dict[str, Any]]) -> int:
    """Writes all records to `path`, complete or not at all; returns how many there were."""
    count = 0
    with atomic(path) as stream:
        for record in records:
            stream.write(dump(record))
            count += 1
    return count

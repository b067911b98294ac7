"""Records in and out, one JSON object per line. Lines are parsed nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import orjson

from axiom_cli import drafts, files, json_codec
from axiom_cli.errors import AxiomError, InputError, UsageError
from axiom_cli.records import KINDS, WRITERS, Record

R = TypeVar("R", bound=Record)
LONGEST_LINE = 64 << 20
"""Bytes of a line at most."""
TOO_LONG = f"it is longer than {LONGEST_LINE >> 20} MiB"
Skip = Callable[[AxiomError], None]
Check = Callable[[Any], None]


def dump(record: Record | dict[str, Any]) -> bytes:
    """One line, with its newline."""
    data = record.to_dict() if isinstance(record, Record) else record
    return json_codec.dumps(data, option=orjson.OPT_APPEND_NEWLINE)


def parse(line: bytes, number: int, *wanted: type[R]) -> R:
    """The record on line `number`. Raises InputError naming the line and what was expected."""
    if len(line) > LONGEST_LINE:
        raise InputError(f"line {number}: {TOO_LONG}", f"expected {_names(wanted)} record per line")
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


def bounded(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream, in flat memory: of one that is longer than LONGEST_LINE there is a little more than that,
    and the rest is passed over."""
    readline: Callable[[int], bytes] | None = getattr(stream, "readline", None)
    if readline is None:
        yield from stream
        return
    while line := readline(LONGEST_LINE + 1):
        too_long = len(line) > LONGEST_LINE
        yield line
        while too_long and line and not line.endswith(b"\n"):
            line = readline(LONGEST_LINE + 1)


def _names(wanted: Iterable[type[Record]]) -> str:
    names = " or ".join(cls.kind for cls in wanted)
    return f"an {names}" if names[0] in "aeiou" else f"a {names}"


def read(
    stream: Iterable[bytes], *wanted: type[R], skip: Skip | None = None, check: Check | None = None
) -> Iterator[R]:
    """The records of `stream`, one at a time. Blank lines are skipped. The InputError of a bad line, or what `check`
    raises for its record, is raised with the line's number, or given to `skip` if there is one."""
    for number, line in enumerate(bounded(stream), 1):
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
        for number, line in enumerate(bounded(stream), 1):
            if not line.strip():
                continue
            if len(line) > LONGEST_LINE:
                raise InputError(f"{path}: line {number}: {TOO_LONG}")
            try:
                value = json_codec.loads(line)
            except orjson.JSONDecodeError as error:
                raise InputError(f"{path}: line {number}: {json_codec.describe_error(error)}") from None
            if not isinstance(value, dict):
                raise InputError(f"{path}: line {number}: {json_codec.type_name(value)}, expected an object")
            yield value


@contextmanager
def atomic(path: Path, *, follow: bool = True) -> Iterator[IO[bytes]]:
    """A file that appears at `path` complete, or not at all; a file it replaces passes on its mode.

    A symbolic link is kept, and its target replaced; a pipe or a device is written to directly. Not so with
    `follow=False`, for folders that may be a stranger's: whatever is there is replaced. Raises UsageError for a folder,
    MissingError if `path` cannot be written.
    """
    refuse_folder(path)
    if follow and path.exists() and not path.is_file():
        with files.explained_write_errors(path, ""):
            handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        with files.named(handle, path) as stream:
            yield stream
        return
    with drafts.replacing(Path(os.path.realpath(path)) if follow else path, path) as whole:
        yield whole


def refuse_folder(path: Path) -> None:
    """Raises UsageError if `path` is a folder."""
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder", f"name a file in it, such as {path / 'records.jsonl'}")


def save(path: Path, records: Iterable[Record | dict[str, Any]], *, follow: bool = True) -> int:
    """Writes all records to `path`, as `atomic` does; returns how many there were."""
    count = 0
    with atomic(path, follow=follow) as stream:
        for record in records:
            stream.write(dump(record))
            count += 1
    return count

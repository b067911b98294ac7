"""Rows of a file: JSONL, JSON, CSV, TSV or Parquet, gzipped or not, told apart by the file's name.

Rows are streamed in flat memory, a few of the longest lines at most, except those of a JSON array. CSV cells stay text,
so that an answer stays as it is written. Parquet needs the extra axiom-rl[datasets]. Text must be UTF-8; a file in
another encoding is refused with the command that converts it.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import PurePath
from typing import IO, Any

import orjson

from axiom_cli import installation, json_codec
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.importing.schema import SPLITS
from axiom_cli.jsonl import LONGEST_LINE, TOO_LONG
from axiom_cli.wording import plural

GZIP = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
NOT_UTF8 = "not UTF-8"
BATCH = 100
MIB = 2**20
LARGEST_CELL, LARGEST_ARRAY = 16 * MIB, 128 * MIB
"""Characters of a CSV cell, bytes of a file that is one JSON array. A line that is longer than LONGEST_LINE is refused,
and the next one read."""
SHOWN = 1000
"""Bytes that are kept of a line that is too long."""
LINE_ENDS = re.compile(r"(?<=\r)(?!\n)")


@dataclass(frozen=True)
class Line:
    """A row of a source. `number` counts from 1: rows, or lines of a JSONL file (`unit` says which). Where the row is
    not an object, `data` is what is there instead, and `broken` is the reason."""

    number: int
    data: Any
    broken: str = ""
    unit: str = "row"


@dataclass(frozen=True)
class Source:
    """Rows; the `columns` that all of them have, if known before they are read; and their `split`, if one was requested
    or the source names it."""

    lines: Iterator[Line]
    columns: tuple[str, ...] = ()
    split: str = ""


Table = tuple[tuple[str, ...], Iterator[Line]]
"""The columns, if known, and the rows."""


def of_file(raw: IO[bytes], name: str, split: str = "") -> Source:
    """The rows of an open file; the end of its `name` gives the format (JSONL if it is unknown).

    Raises UsageError for an unknown split, MissingError where an extra is not installed, and InputError where the file
    does not have the format that its name gives.
    """
    if split and split not in SPLITS:
        raise UsageError(f"--split {split}: the problems of a file have split train, val or test")
    with _explain_errors(name):
        packed = raw.peek(len(GZIP))[: len(GZIP)] == GZIP  # type: ignore[attr-defined]  # a buffered reader has it
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        kind = suffix(name)
        if kind != ".parquet" and stream.peek(2)[:2] in UTF_16:
            raise InputError(f"{name} is UTF-16, {NOT_UTF8}", encoding_hint(name, "UTF-16"))
        columns, lines = READERS.get(kind, _read_jsonl)(stream)

    def checked() -> Iterator[Line]:
        with raw, _explain_errors(name):
            yield from lines

    return Source(checked(), columns, split)


def suffix(name: str) -> str:
    """The end of a file's name that gives its format: `.csv` for `a.csv.gz`."""
    return PurePath(name.removesuffix(".gz")).suffix.lower()


def encoding_hint(name: str, encoding: str = "LATIN1") -> str:
    """The command that converts a file to UTF-8."""
    return f"`iconv -f {encoding} -t UTF-8 {name}` converts it; its publisher knows which encoding it has"


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    """Rows of a table library with values that JSON has."""
    return (Line(number, json_codec.jsonable(row)) for number, row in enumerate(rows, 1))


def first_line(error: object) -> str:
    """The first line of an error's message, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).split("\n")[0][:300]


def _split_lines(stream: Any) -> Iterator[tuple[int, bytes, bool]]:
    """Each line with its number and whether it is too long; of such a line there is only the beginning."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        too_long = len(line) > LONGEST_LINE
        if too_long:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(MIB)
            line = line[:SHOWN]  # noqa: PLW2901 - the rest of it need not be kept
        yield number, line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line, too_long


def _read_jsonl(stream: Any) -> Table:
    """One object a line; blank lines are skipped."""

    def lines() -> Iterator[Line]:
        for number, text, too_long in _split_lines(stream):
            if too_long:
                yield Line(number, text.decode("utf-8", "replace"), TOO_LONG, "line")
            elif text.strip():
                yield _parse_line(text, number)

    return (), lines()


def _parse_line(text: bytes, number: int) -> Line:
    try:
        return _object(json_codec.loads(text), number, "line")
    except orjson.JSONDecodeError as error:
        reason = json_codec.describe_error(error)
    try:
        shown = text.decode("utf-8")
    except UnicodeDecodeError as error:
        shown, reason = text.decode("utf-8", "replace"), f"{NOT_UTF8}, at byte {error.start + 1}"
    return Line(number, shown.rstrip("\r\n"), reason, "line")


def _object(value: Any, number: int, unit: str = "row") -> Line:
    broken = "" if isinstance(value, dict) else f"{json_codec.type_name(value)}, expected an object"
    return Line(number, value, broken, unit)


def _read_json(stream: Any) -> Table:
    """An array of objects, or JSONL in a file called .json."""
    if stream.peek(SHOWN).removeprefix(BYTE_ORDER_MARK).lstrip()[:1] != b"[":
        return _read_jsonl(stream)
    text = stream.read(LARGEST_ARRAY + 1).removeprefix(BYTE_ORDER_MARK)
    if len(text) > LARGEST_ARRAY:
        raise InputError(
            f"its JSON array is larger than {LARGEST_ARRAY // MIB} MiB", "jq -c '.[]' FILE writes it as JSONL"
        )
    try:
        values = json_codec.loads(text)
    except orjson.JSONDecodeError:
        text.decode("utf-8")  # a wrong encoding is the better explanation
        raise
    return (), (_object(value, number) for number, value in enumerate(values, 1))


def _read_csv(stream: Any, delimiter: str = ",") -> Table:
    """Every cell is text; an empty cell is null."""
    csv.field_size_limit(LARGEST_CELL)
    rows = csv.reader(_csv_lines(stream), delimiter=delimiter)
    columns = tuple(next((row for row in rows if row), ()))
    if twice := [name for name in dict.fromkeys(columns) if columns.count(name) > 1]:
        raise InputError(f"its header has the column {twice[0]!r} twice", "rename one of them")
    return columns, _csv_rows(rows, columns)


def _csv_lines(stream: Any) -> Iterator[str]:
    """The lines as text; one that is too long is TOO_LONG alone."""
    for _, line, too_long in _split_lines(stream):
        text = TOO_LONG if too_long else line.decode("utf-8")
        yield from LINE_ENDS.split(text) if "\r" in text else [text]


def _csv_rows(rows: Iterator[list[str]], columns: tuple[str, ...]) -> Iterator[Line]:
    number = 0
    while True:
        number += 1
        try:
            cells = next(rows, None)
        except csv.Error as error:
            yield Line(number, {}, f"it is not CSV: {error}")
            continue
        if cells is None:
            return
        if not cells:
            number -= 1  # a blank line is no row
        elif cells[-1] == TOO_LONG:
            yield Line(number, {}, TOO_LONG)
        else:
            yield _csv_line(cells, columns, number)


def _csv_line(cells: list[str], columns: tuple[str, ...], number: int) -> Line:
    data: dict[str, Any] = {name: cell or None for name, cell in zip_longest(columns, cells[: len(columns)])}
    extra = cells[len(columns) :]
    if not extra:
        return Line(number, data)
    return Line(number, {**data, "": extra}, f"it has {plural(len(extra), 'more cell')} than the header")


def _read_parquet(stream: IO[bytes]) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingError("Parquet files need the extra axiom-rl[datasets]", installation.extra("datasets")) from None

    @contextmanager
    def explain_damage() -> Iterator[None]:
        try:
            yield
        except (ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:  # a failing disk keeps its own error
                raise
            raise InputError(f"its Parquet data is damaged, or it is not Parquet: {first_line(error)}") from None

    def rows() -> Iterator[dict[str, Any]]:
        with explain_damage():
            for batch in file.iter_batches(batch_size=BATCH):
                yield from batch.to_pylist()

    with explain_damage():
        file = parquet.ParquetFile(stream)
    return tuple(file.schema_arrow.names), json_lines(rows())


READERS: Mapping[str, Callable[[Any], Table]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": lambda stream: _read_csv(stream, "\t"),
    ".parquet": _read_parquet,
}


@contextmanager
def _explain_errors(name: str) -> Iterator[None]:
    """Turns what the readers of files raise into an InputError."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{name}: its gzip data is damaged or cut off: {error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is {NOT_UTF8}: {error.reason}", encoding_hint(name)) from None
    except (csv.Error, orjson.JSONDecodeError) as error:
        raise InputError(f"{name} does not have the format that its name gives: {error}") from None

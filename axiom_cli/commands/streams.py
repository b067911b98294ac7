"""The streams of a command: records in from a file or a pipe, records out to stdout or a file that appears whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from axiom_cli import jsonl
from axiom_cli.commands import glance
from axiom_cli.commands.pages import INPUT_OUTPUT, argument, own_option
from axiom_cli.errors import AxiomError, InputError, MissingError, NothingToDoError, UsageError, did_you_mean
from axiom_cli.files import explained_write_errors
from axiom_cli.records import WRITERS, Record
from axiom_cli.terminal import console, stdout_guard
from axiom_cli.wording import plural, spelled_out

if TYPE_CHECKING:
    from axiom_cli.report.formats import Table

R = TypeVar("R", bound=Record)
Lines = Callable[[Iterable[bytes]], Iterable[bytes]]
Row = Record | dict[str, Any]
STDOUT_NAME = Path("standard output")
STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def _no_folder(path: Path | None) -> Path | None:
    """The same path. Raises UsageError for a folder, before any work is done."""
    if path is not None:
        jsonl.refuse_folder(path)
    return path


Source = Annotated[Path | None, argument("FILE", "Records to read [stdin].")]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="File to write, whole or not at all [stdout].",
        callback=_no_folder,
        rich_help_panel=INPUT_OUTPUT,
    ),
]
SkipBad = Annotated[bool, own_option("--skip-bad", None, "Skip and count lines that cannot be read.", INPUT_OUTPUT)]
AsJson = Annotated[bool, own_option("--json", None, "Write JSONL on stdout even on a terminal.", INPUT_OUTPUT)]


def opened(file: Path | None, hint: str) -> IO[bytes]:
    """The bytes of `file` or stdin. Raises UsageError or InputError, with the hint, if there is nothing to read."""
    if file is None or str(file) == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("nothing is piped in, and no file is named", hint)
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except FileNotFoundError as error:
        beside = [other.name for other in file.parent.iterdir()] if file.parent.is_dir() else []
        hint = did_you_mean(file.name, beside, "check the path")
        raise InputError(f"cannot read {file}: {error.strerror}", hint) from None
    except (IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"cannot read {file}: {error.strerror}", hint) from None


def records(
    file: Path | None,
    *kinds: type[R],
    skip_bad: bool = False,
    reading: Lines = iter,
    check: jsonl.Check | None = None,
) -> Iterator[R]:
    """The records of `file` or stdin, one at a time. Raises NothingToDoError at the call if there are none.

    `reading` may replace lines by others, one for one, before they are parsed. `check` raises an error for a record
    that cannot be used, which counts as a bad line.
    """
    writers = " or ".join(WRITERS[kind.kind] for kind in kinds)
    skipped: list[AxiomError] = []

    def read() -> Iterator[R]:
        with opened(file, f"{writers} writes what this command reads") as stream:
            yield from jsonl.read(reading(stream), *kinds, skip=skipped.append if skip_bad else None, check=check)
        if skipped:
            console.warn(f"{plural(len(skipped), 'bad line')} skipped; first: {skipped[0]}")

    read_records = read()
    try:
        first = next(read_records, None)
    except InputError as error:
        from axiom_cli.importing.readers import READERS, suffix

        if file is None or suffix(file.name) not in READERS or suffix(file.name) == ".jsonl":
            raise
        hint = f"axiom problems import {file} -o problems.jsonl makes records of it"
        raise InputError(f"{file} holds no records: {error}", hint) from None
    if first is None:
        raise NothingToDoError(
            f"no {' or '.join(kind.kind for kind in kinds)} record came in",
            f"{writers} writes them: did the command before this one in the pipe fail?",
        )
    return chain([first], read_records)


def stdout() -> TextIO:
    """The stream for data. Raises MissingError if it was closed before the command began."""
    stream = stdout_guard.stdout()
    if stream is None:
        raise MissingError("standard output is closed", "leave it open, or send it to a file: axiom ... > FILE")
    return stream


def say(text: str) -> None:
    """Writes text to stdout; on a terminal spelled out, so that none of it is obeyed."""
    stream = stdout()
    with explained_write_errors(STDOUT_NAME, ""):
        stream.write(spelled_out(text) if stream.isatty() else text)
        stream.flush()


def summed_up(output: Path | None, as_json: bool = False) -> bool:
    """Whether a person at a terminal would get the records, and gets a summary of them instead."""
    return output is None and not as_json and not console.data_wanted() and console.is_terminal()


def suggest(command: str, output: Path | None, as_json: bool = False) -> None:
    """Says how to keep records that were only summed up, and which command reads them."""
    if summed_up(output, as_json):
        console.hint(f"add -o FILE to keep the records, or | {command} to pass them on")


def write(rows: Iterable[Row], output: Path | None, live: bool = True, as_json: bool = False) -> int:
    """Writes each row as a line, to stdout or atomically to `output`; a person at a terminal gets a summary, unless
    `as_json`. `live` sends each line on as it comes. Returns the number of rows."""
    if summed_up(output, as_json):
        return glance.show(rows)
    if output is not None and str(output) not in STDOUT:
        return jsonl.save(output, rows)
    text = stdout()
    stream, is_terminal, count = text.buffer, text.isatty(), 0
    for row in rows:
        line = jsonl.dump(row)
        with explained_write_errors(STDOUT_NAME, ""):
            stream.write(_spelled_out(line) if is_terminal else line)
            if live:
                stream.flush()
        count += 1
    with explained_write_errors(STDOUT_NAME, ""):
        stream.flush()
    return count


def _spelled_out(line: bytes) -> bytes:
    """A line of JSON in which what a terminal might obey is written as JSON's own escapes."""
    text = line.decode().rstrip("\n")
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text).encode() + b"\n"


def show_rows(title: str, rows: Iterable[dict[str, Any]], as_json: bool = False) -> None:
    """Rows with the same keys: a table for a person at a terminal, else JSONL on stdout."""
    if as_json or console.data_wanted():
        write(rows, None, as_json=True)
    else:
        from axiom_cli.report.formats import table_of

        draw([table_of(title, rows)])


def draw(parts: Iterable[Table | str]) -> None:
    """Tables and sentences for a person, in order."""
    for part in parts:
        if isinstance(part, str):
            console.note(part)
        else:
            console.table(part.title, part.columns, part.rows, part.keys)

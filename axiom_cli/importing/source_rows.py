"""The rows of a file or a data set as problems, checked as `axiom problems import` checks them. With a workspace, that
is done once for the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.ids import digest
from axiom_cli.importing import columns as import_columns
from axiom_cli.importing import hub, readers
from axiom_cli.importing.imported import Imported
from axiom_cli.importing.importer import import_problems
from axiom_cli.importing.registry import AUTO, DEFAULT, format_of, recognize
from axiom_cli.importing.schema import split_named
from axiom_cli.importing.source_names import HUB, SourceName
from axiom_cli.json_codec import dumps
from axiom_cli.records import Problem
from axiom_cli.wording import plural
from axiom_cli.workspace.store import Workspace

VERSION = 1
MOST_REFUSED = 0.5
"""If a larger share of a file's rows is refused, the whole file is."""
RESERVED = "all"
"""The family that stands for every one in metrics."""
Say = Callable[[str], object]


def read_rows(  # noqa: PLR0913 - the last two are where sentences go
    name: SourceName,
    as_: str,
    by_user: Sequence[str],
    workspace: Workspace | None,
    note: Say,
    warn: Say,
) -> tuple[list[Problem], str]:
    """The problems of a file or data set, and the digest of its rows, which are in the format `as_` and have their
    fields in the columns that the user names (`FIELD=COLUMN`). Raises InputError, NothingToDoError."""
    lines = list(chain.from_iterable(_lines(name)))
    if not lines:
        raise NothingToDoError(f"{name.name} has no rows", "name another file")
    format_name, by_field = _format(name, lines, as_, by_user, note)
    rows = digest(b"".join(dumps([line.number, line.data, line.broken]) for line in lines))
    columns = import_columns.Columns(by_field)
    recipe = {
        "stage": "import",
        "version": VERSION,
        "config": {"format": format_name, "columns": by_field, "family": name.stem},
        "inputs": {"rows": rows},
    }

    problems: list[Problem] | None = None

    def make() -> dict[str, Any]:
        nonlocal problems
        problems, refused, first = _import(name, lines, format_name, columns)
        stored = {"problems": workspace.put_records(problems)} if workspace and problems else {}
        return {**stored, "refused": refused, "first": first}

    made: Any = workspace.remember(recipe, make) if workspace else make()
    if problems is None and workspace:
        problems = list(workspace.get_records(made["problems"], Problem))
    assert problems is not None
    if made["refused"]:
        warn(f"{name.name}: {made['refused']:,} of {plural(len(lines), 'row')} refused; first: {made['first']}")
    return problems, rows


def _import(
    name: SourceName, lines: list[readers.Line], format_name: str, columns: import_columns.Columns
) -> tuple[list[Problem], int, str]:
    """The problems of the rows; how many rows were refused, and the first with its reason. Raises InputError where most
    rows are not problems."""
    problems, refused, malformed = [], [], 0
    lines = sorted(lines, key=lambda line: _precedence(line, columns))  # of two equal rows, the held-out one stays
    checked = import_columns.check_columns(readers.Source(iter(lines)), columns)
    for imported in _naming(name, import_problems(checked, format_name, columns=columns, family=name.stem)):
        if imported.problem and imported.problem.family != RESERVED:
            problems.append(imported.problem)
            continue
        reason = imported.reason or f"its family is called {RESERVED!r}, which stands for every family in reports"
        refused.append(f"{imported.row.unit} {imported.row.number}: {reason}")
        malformed += imported.malformed
    if not problems or malformed > MOST_REFUSED * len(lines):
        few = f"{len(problems):,} of the {plural(len(lines), 'row')} in {name.name} can be used"
        hint = f"axiom problems import {name.name.removeprefix('./')} -o problems.jsonl says why, row by row"
        raise InputError(f"{few}; {refused[0]}", hint)
    return problems, len(refused), refused[0] if refused else ""


def _naming(name: SourceName, rows: Iterable[Imported]) -> Iterator[Imported]:
    """The rows; an InputError over them says which of several files it is about."""
    try:
        yield from rows
    except InputError as error:
        raise InputError(f"{name.name}: {error}", error.hint) from None


def _precedence(line: readers.Line, columns: import_columns.Columns) -> int:
    """Test rows first, then those of validation."""
    split = "" if line.broken else import_columns.look_up(line.data, columns.by_field.get("split", "split"))
    return {"test": 0, "val": 1}.get(split_named(split) if isinstance(split, str) else "", 2)


def _lines(name: SourceName) -> Iterator[Iterable[readers.Line]]:
    """The rows of a file, or those of every split of a data set."""
    if name.kind == "file":
        with Path(name.name).open("rb") as stream:
            yield readers.of_file(stream, name.name).lines
        return
    for source in hub.every_split(name.name.removeprefix(HUB)):
        yield (
            replace(line, data={"split": source.split, **line.data}) if source.split and not line.broken else line
            for line in source.lines
        )


def _format(
    name: SourceName, lines: Sequence[readers.Line], as_: str, by_user: Sequence[str], note: Say
) -> tuple[str, Mapping[str, str]]:
    """The format of the rows, and the columns that its fields are read from."""
    format_name = as_
    if format_name == AUTO:
        format_name, _ = (DEFAULT, lines) if by_user else recognize(iter(lines))
    row_format = format_of(format_name)
    by_field = import_columns.parse(by_user, row_format.fields, format_name)
    if format_name == DEFAULT:
        first: Mapping[str, Any] = next((line.data for line in lines if not line.broken), {})
        guessed = import_columns.guess(first, by_field)
        by_field = {**guessed, **by_field}
        if guessed:
            read_as = " and ".join(f"{column!r} as the {field}" for field, column in guessed.items())
            note(f"{name.name}: reading the column {read_as}")
    elif as_ == AUTO:
        note(f"{name.name} is read as {format_name}, by its columns")
    return format_name, by_field

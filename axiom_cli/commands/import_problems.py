"""`axiom problems import`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axiom_cli.commands.pages import INPUT_OUTPUT, argument, own_option
from axiom_cli.commands.streams import AsJson, Output, opened, suggest, write
from axiom_cli.errors import NothingToDoError, UsageError
from axiom_cli.records import Problem
from axiom_cli.settings.configs import ImportConfig
from axiom_cli.settings.options import choice, configured, names
from axiom_cli.terminal import console
from axiom_cli.wording import plural

if TYPE_CHECKING:
    from axiom_cli.importing import readers
    from axiom_cli.importing.columns import Columns

SOURCE = (
    "A file (.jsonl, .json, .csv, .tsv, .parquet, also .gz), - for stdin, the folder of a data set, or hub:OWNER/NAME."
)
REFUSED = "Also write the refused rows: row, name, reason, data."
AUTO = "auto"
FORMATS = (
    *(AUTO, "jsonl", "humaneval", "mbpp", "evalplus", "apps", "taco", "codecontests", "livecodebench"),
    *("leetcode", "kodcode", "gsm8k", "math", "aime"),
)
As = Annotated[
    str, choice("--as", FORMATS, f"Format of the rows: {', '.join(FORMATS)}; auto goes by their columns.", "FORMAT")
]


@configured("column")
def import_(
    config: ImportConfig,
    source: Annotated[str, argument("SOURCE", SOURCE)],
    as_: As = AUTO,
    output: Output = None,
    refused: Annotated[Path | None, own_option("--refused", "FILE", REFUSED, INPUT_OUTPUT)] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", hidden=True, help="Import always skips bad rows.")] = False,  # noqa: ARG001
    json: AsJson = False,
) -> None:
    """Import a problem set, your own or a published one. Reference solutions must pass their own tests.

    A row is refused if it cannot be read, does not have the format, repeats an earlier problem, or has a reference
    solution that fails. Each is reported with its row number and the reason; the others are imported.
    """
    from axiom_cli.commands.refusals import Refusals, check_apart, open_refusals
    from axiom_cli.importing import columns as import_columns
    from axiom_cli.importing.importer import import_problems

    check_apart(source, output, refused)
    mapped = bool(config.column or config.answer_after)
    columns = _columns(config, as_ if as_ != AUTO else "jsonl")
    rows = _source(source, config)
    if as_ == AUTO:
        as_, rows = ("jsonl", rows) if mapped else _recognize(rows, source)

    def accepted(refusals: Refusals) -> Iterator[Problem]:
        lines = import_columns.check_columns(rows, columns)
        for imported in import_problems(lines, as_, columns=columns, split=rows.split):
            number, name = imported.row.number, imported.name
            if not imported.problem:
                refusals.add(number, name, imported.reason, imported.row.data)
                continue
            if imported.note:
                refusals.note(number, name, imported.note)
            yield imported.problem

    with open_refusals(refused) as refusals:
        problems = accepted(refusals)
        first = next(problems, None)
        count = write(chain([first], problems), output, as_json=json) if first else 0
    refusals.report()
    if count == 0 and not refusals.count:
        raise NothingToDoError(f"{source} has no rows", "name another file")
    if count == 0:
        message = f"nothing imported from {source}: {plural(refusals.count, 'row')} refused"
        raise NothingToDoError(message, "--refused FILE writes each of them with its reason")
    console.note(f"{plural(count, 'problem')} imported from {source}, {refusals.count:,} refused")
    suggest("axiom solve", output, json)


def _recognize(rows: readers.Source, name: str) -> tuple[str, readers.Source]:
    """The format of rows by their columns, and the rows."""
    from axiom_cli.importing.registry import DEFAULT, recognize

    format_name, lines = recognize(rows.lines)
    if format_name != DEFAULT:
        console.note(f"{name} is read as {format_name}, by its columns")
    return format_name, replace(rows, lines=lines)


def _columns(config: ImportConfig, format_name: str) -> Columns:
    from axiom_cli.importing import columns
    from axiom_cli.importing.registry import format_of

    if config.answer_after and format_name != "jsonl":
        raise UsageError(f"--answer-after is for rows of your own, not for --as {format_name}", "use --as jsonl")
    by_field = columns.parse(names([config.column]), format_of(format_name).fields, format_name)
    return columns.Columns(by_field, config.answer_after)


def _source(name: str, config: ImportConfig) -> readers.Source:
    from axiom_cli.importing import hub, readers

    on_hub = name.removeprefix("hub:")
    if on_hub != name or hub.is_data_set(name):
        if on_hub == name and not Path(name).is_dir():
            console.note(f"{name} is not a file or folder here: asking the hub")
        return hub.of_data_set(on_hub, config.split, config.subset)
    if config.subset:
        raise UsageError(f"--subset {config.subset}: {name} is a file, which has no subsets", "leave out --subset")
    stream = opened(Path(name), "name a file, a folder or a data set of the hub; - is stdin")
    return readers.of_file(stream, name, config.split)

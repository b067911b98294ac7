"""From a source's columns to the fields that a format reads: `prompt=question`, `answer=meta.answer`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from axiom_cli.errors import InputError, UsageError, did_you_mean
from axiom_cli.importing.readers import Line, Source

ABSENT = object()
MOST_REMEMBERED = 200
SHOWN = 20
USUAL: Mapping[str, tuple[str, ...]] = {
    "prompt": ("question", "problem", "query", "instruction", "input", "task"),
    "answer": ("solution", "target", "label", "output", "result", "expected", "response"),
}
"""What columns of questions and answers are usually called, where they are not called prompt and answer."""
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True)
class Columns:
    """Which column each field is read from; an empty column leaves the field out. With `answer_after`, the answer is
    what follows the last such mark in its column, and the whole text is kept as `solution` if there is none yet."""

    by_field: Mapping[str, str] = field(default_factory=dict)
    answer_after: str = ""

    def read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row with its columns renamed and without its nulls. A field whose column it lacks is left out.

        Raises InputError where the answer has no mark.
        """
        mapped = {name: look_up(row, column) for name, column in self.by_field.items() if column}
        taken = {*self.by_field, *self.by_field.values()}
        fields = {**{name: value for name, value in row.items() if name not in taken}, **mapped}
        fields = {name: value for name, value in fields.items() if value is not None and value is not ABSENT}
        if self.answer_after and "answer" in fields:
            solution = fields["answer"]
            fields = {"solution": solution, **fields, "answer": text_after(solution, self.answer_after)}
        return fields


def parse(pairs: Iterable[str], fields: Iterable[str], format_name: str) -> dict[str, str]:
    """Field to column from `prompt=question` and the like. Raises UsageError for a field that the format does not
    read."""
    columns: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = (part.strip() for part in pair.partition("="))
        if not equals:
            raise UsageError(f"--column {pair}: expected FIELD=COLUMN", "--column prompt=question")
        if name not in fields:
            raise UsageError(
                f"--column {pair}: the format {format_name} does not read a field {name!r}",
                did_you_mean(name, fields, f"it reads {join_names(fields)}"),
            )
        if name in columns:
            fault = f"--column gives the field {name!r} twice: {columns[name]} and {column}"
            raise UsageError(fault, "name the one column that has it")
        columns[name] = column
    return columns


def guess(row: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, str]:
    """The columns of a row of one's own that hold the prompt and the answer under another usual name, in any case.

    A field that the row has, that is among the `chosen`, or that several columns could hold, is left out.
    """
    guessed: dict[str, str] = {}
    taken = {*chosen.values()}
    for name, usual in USUAL.items():
        if name in row or name in chosen or (name == "answer" and {"entry_point", "tests"} & row.keys()):
            continue
        columns = [column for column in row if column.strip().lower() in (name, *usual) and column not in taken]
        if len(columns) == 1:
            guessed[name] = columns[0]
    return guessed


def look_up(row: Mapping[str, Any], column: str) -> Any:
    """The value of a column, whose name may be a path: `meta.answer`. ABSENT if the row does not have it."""
    if column in row:
        return row[column]
    head, dot, rest = column.partition(".")
    inner = row.get(head)
    return look_up(inner, rest) if dot and isinstance(inner, Mapping) else ABSENT


def check_columns(source: Source, columns: Columns) -> Iterator[Line]:
    """The source's rows. Raises InputError for a column that no row has: at the call if the source's columns are known,
    else after the last row."""
    wanted = [column for column in columns.by_field.values() if column]
    for column in wanted:
        if source.columns and column not in source.columns and column.partition(".")[0] not in source.columns:
            raise _absent(column, dict.fromkeys(source.columns))
    return _check_rows(source.lines, wanted)


def _check_rows(lines: Iterable[Line], unmet: list[str]) -> Iterator[Line]:
    known: dict[str, None] = {}
    for line in lines:
        if unmet and not line.broken:
            unmet = [column for column in unmet if look_up(line.data, column) is ABSENT]
            if len(known) < MOST_REMEMBERED:
                known.update(dict.fromkeys(_column_names(line.data)))
        yield line
    if unmet and known:
        raise _absent(unmet[0], known)


def _column_names(row: Mapping[str, Any]) -> Iterator[str]:
    """The row's columns, and the paths one level into them."""
    for name, value in row.items():
        yield name
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)


def join_names(names: Iterable[str]) -> str:
    """`a, b, c`, and how many more there are."""
    names = list(names)
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def _absent(column: str, known: Iterable[str]) -> InputError:
    listed = join_names(known)
    return InputError(f"no row has a column {column!r}; the columns are {listed}", did_you_mean(column, known))


def text_after(text: Any, mark: str) -> str:
    """What follows the last `mark` in a text; only up to the closing brace if the mark opens one (`\\boxed{`).

    A number loses the commas between its thousands. Raises InputError where there is no mark.
    """
    if not isinstance(text, str) or mark not in text:
        raise InputError(f"its answer has no {mark!r}")
    rest = text.rpartition(mark)[2]
    rest = (_up_to_closing_brace(rest) if mark.endswith("{") else rest).strip()
    return rest.replace(",", "") if THOUSANDS.fullmatch(rest) else rest


def _up_to_closing_brace(text: str) -> str:
    """The text before the brace that closes the one opened in front of it. An escaped brace does not count."""
    depth = 1
    for match in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return text[: match.start()]
    raise InputError("the brace in its answer is never closed")

"""From a source's columns to the fields that a form reads: `prompt=question`, `answer=meta.answer`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from axiom_cli.errors import InputError, UsageError
from axiom_cli.importing.readers import Line, Source

NOTHING = object()
COUNTED = 200
SHOWN = 20
GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True)
class Columns:
    """Which column each field is read from, by field; an empty one leaves the field out. With `after`, the answer is
    what follows the last `after` in its column, and the whole text is kept as `solution` where there is none yet."""

    of: Mapping[str, str] = field(default_factory=dict)
    after: str = ""

    def read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row with its columns renamed and without its nulls. A field whose column it lacks is left out.

        Raises InputError where its answer is not marked.
        """
        found = {name: look_up(row, column) for name, column in self.of.items() if column}
        kept = {name: value for name, value in row.items() if name not in self.of and name not in self.of.values()}
        named = {name: value for name, value in {**kept, **found}.items() if value is not None and value is not NOTHING}
        if self.after and "answer" in named:
            whole = named["answer"]
            named = {"solution": whole, **named, "answer": after(whole, self.after)}
        return named


def parse(pairs: Iterable[str], fields: Iterable[str], form: str) -> dict[str, str]:
    """Field to column from texts like `prompt=question`. Raises UsageError for a field that the form does not read."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = (part.strip() for part in pair.partition("="))
        if not equals:
            raise UsageError(f"--column {pair}: expected FIELD=COLUMN", "--column prompt=question")
        if name not in fields:
            raise UsageError(f"--column {pair}: the form {form} reads no field {name!r}", _near(name, fields))
        if name in found:
            raise UsageError(f"--column names the field {name!r} twice: {found[name]} and {column}")
        found[name] = column
    return found


def look_up(row: Mapping[str, Any], column: str) -> Any:
    """The value of a column, whose name may be a path: `meta.answer`. NOTHING where the row has none."""
    if column in row:
        return row[column]
    head, dot, rest = column.partition(".")
    inner = row.get(head)
    return look_up(inner, rest) if dot and isinstance(inner, Mapping) else NOTHING


def watched(source: Source, columns: Columns) -> Iterator[Line]:
    """The source's rows. Raises InputError naming a column that no row has: at once where the columns are known, else
    at the end."""
    known = dict.fromkeys(source.columns)
    for column in filter(None, columns.of.values()):
        if known and column not in known and column.partition(".")[0] not in known:
            raise _absent(column, known)
    return _watching(source.lines, [column for column in columns.of.values() if column])


def _watching(lines: Iterable[Line], unmet: list[str]) -> Iterator[Line]:
    met: dict[str, None] = {}
    for line in lines:
        if unmet and not line.broken:
            unmet = [column for column in unmet if look_up(line.data, column) is NOTHING]
            if len(met) < COUNTED:
                met.update(dict.fromkeys(names(line.data)))
        yield line
    if unmet and met:
        raise _absent(unmet[0], met)


def names(row: Mapping[str, Any]) -> Iterator[str]:
    """The row's columns, and one level of the paths into them."""
    for name, value in row.items():
        yield name
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)


def listed(known: Iterable[str]) -> str:
    """`a, b, c`, and how many more there are."""
    there = list(known)
    return ", ".join(there[:SHOWN]) + (f" and {len(there) - SHOWN:,} more" if len(there) > SHOWN else "")


def _absent(column: str, known: Iterable[str]) -> InputError:
    return InputError(f"no row has a column {column!r}; there are {listed(known)}", _near(column, known, ""))


def _near(name: str, known: Iterable[str], otherwise: str = "it reads ") -> str:
    close = get_close_matches(name, list(known), 1, 0.5)
    return f"did you mean {close[0]}?" if close else otherwise and otherwise + listed(known)


def after(text: Any, mark: str) -> str:
    """What follows the last `mark` in a text; up to the brace that closes it, where the mark opens one (`\\boxed{`).

    A number loses the commas between its thousands. Raises InputError where there is no mark.
    """
    if not isinstance(text, str) or mark not in text:
        raise InputError(f"its answer has no {mark!r}")
    rest = text.rpartition(mark)[2]
    rest = (_braced(rest) if mark.endswith("{") else rest).strip()
    return rest.replace(",", "") if GROUPED.fullmatch(rest) else rest


def _braced(text: str) -> str:
    """The text before the brace that closes what was opened in front of it; an escaped brace is a letter."""
    depth = 1
    for found in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return text[: found.start()]
    raise InputError("the brace in its answer is never closed")

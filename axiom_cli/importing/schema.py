"""The fields of imported rows: what each must be, and how published sets write it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from keyword import iskeyword
from typing import Any

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import InputError
from axiom_cli.importing.readers import split_called
from axiom_cli.records import STDIN_STDOUT, Program

Row = Mapping[str, Any]
LEVEL = 5
TEXT, NAME, LIST, ANY = "a text", "a text or a whole number", "a list of texts", "anything"
NUMBERED = re.compile(r"(?:level)?\s*(\d{1,2})(?:\.0)?", re.IGNORECASE)
CALL = {"args", "expected"}
TAKEN = ("kind", "program")
"""Names of a problem record that a row of another make may use for something else."""


def check_fields(row: Row, needs: Mapping[str, str], takes: Mapping[str, str], columns: Mapping[str, str]) -> None:
    """Raises InputError for a field that is missing or of another type. `columns` are named as the source has them."""
    for name in needs:
        if name not in row:
            column = columns.get(name, name)
            raise InputError(f"it has no {column!r}" + (f" for {name}" if column != name else ""))
    for name, kind in {**needs, **takes}.items():
        if name in row and not _is(row[name], kind):
            raise InputError(f"its {name} is {row[name]!r:.40}, expected {kind}")


def _is(value: Any, kind: str) -> bool:
    if kind == LIST:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == NAME:
        return isinstance(value, (str, int)) and not isinstance(value, bool)
    return kind == ANY or isinstance(value, str)


def level(value: Any) -> int:
    """The level that 4, 4.0, `4` and `Level 4` name. Raises InputError on anything else."""
    found = NUMBERED.fullmatch(str(value).strip())
    if isinstance(value, bool) or found is None:
        raise InputError(f"its level is {value!r:.40}, expected 1 to 10")
    return int(found[1])


def split(name: str) -> str:
    """`val` for `validation`, and the like; any other name as it is."""
    return split_called(name) or name


def answer(value: Any) -> str:
    """An answer as canonical text: runs of white space as one space, a whole number without its point. Raises
    InputError where it is neither a text nor a number."""
    if not isinstance(value, (str, int, float)):
        raise InputError(f"its answer is {value!r:.40}, expected a text or a number")
    whole = isinstance(value, float) and value.is_integer()
    return " ".join(str(int(value) if whole else value).split())


def tests(value: Any, name: str) -> Any:
    """Tests as they are, or out of a JSON text, as sets have them whose columns have one type. Raises InputError."""
    if not isinstance(value, str):
        return value
    try:
        return json_codec.loads(value.encode())
    except orjson.JSONDecodeError as error:
        raise InputError(f"its {name} are {json_codec.fault(error)}") from None


def check_entry(program: Program) -> None:
    """Raises InputError where `entry_point` is neither `f` nor `Class.method`, nor that of a script."""
    entry = program.entry_point
    if entry != STDIN_STDOUT and not all(part.isidentifier() and not iskeyword(part) for part in entry.split(".")):
        raise InputError(f"its entry_point is {entry!r:.40}, expected a name that Python can call")


def check_tests(program: Program) -> None:
    """Raises InputError where `examples` or `tests` are not lists of calls with what they give."""
    for name in ("examples", "tests"):
        value = getattr(program, name) or []
        good = isinstance(value, list) and all(
            isinstance(one, dict) and {"args", "expected"} <= set(one) for one in value
        )
        if not good:
            raise InputError(f"its {name} are {value!r:.40}, expected a list of {{args: [...], expected}}")


def unread(row: Row, read: Collection[str]) -> dict[str, Any]:
    """The fields of a row that its form does not read, which are kept. Those with a name that a problem uses itself
    stand under `row`."""
    kept = {name: value for name, value in row.items() if name not in (*read, *TAKEN)}
    taken = {name: row[name] for name in TAKEN if name in row}
    return {**kept, "row": taken} if taken else kept

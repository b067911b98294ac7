"""The fields of imported rows: what each must be, and the ways in which published sets write it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from keyword import iskeyword
from typing import Any, Literal, get_args

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import InputError
from axiom_cli.records import HIGHEST_LEVEL, STDIN_STDOUT, AnswerType, Program

Row = Mapping[str, Any]
Kind = Literal["text", "text or a whole number", "a list of texts", "anything"]
TEXT: Kind = "text"
NAME: Kind = "text or a whole number"
TEXTS: Kind = "a list of texts"
ANY: Kind = "anything"
SPLITS = ("train", "val", "test")
SPLIT_PREFIXES = {"train": "train", "test": "test", "eval": "test", "val": "val", "dev": "val"}
LEVEL = 5
NUMBERED_LEVEL = re.compile(r"(?:level)?\s*(\d{1,2})(?:\.0)?", re.IGNORECASE)
RESERVED = ("kind", "program")
"""Fields of a problem record that a row of another origin may use for something else."""


def check_fields(row: Row, needs: Mapping[str, Kind], takes: Mapping[str, Kind], columns: Mapping[str, str]) -> None:
    """Raises InputError for a field that is missing or of the wrong type. `columns` has the source's names."""
    for name in needs:
        if name not in row:
            column = columns.get(name, name)
            raise InputError(f"it has no {column!r}" + (f" for {name}" if column != name else ""))
    for name, kind in {**needs, **takes}.items():
        if name in row and not _is(row[name], kind):
            raise InputError(f"its {name} is {row[name]!r:.40}, expected {kind}")


def _is(value: Any, kind: Kind) -> bool:
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == NAME:
        return isinstance(value, (str, int)) and not isinstance(value, bool)
    return kind == ANY or isinstance(value, str)


def level(value: Any) -> int:
    """The level that 4, 4.0, `4` and `Level 4` name. Raises InputError for anything else."""
    number = NUMBERED_LEVEL.fullmatch(str(value).strip())
    if isinstance(value, bool) or number is None:
        raise InputError(f"its level is {value!r:.40}, expected 1 to {HIGHEST_LEVEL}")
    return int(number[1])


def split_named(name: str) -> str:
    """The split of problems that a data set's split stands for: `val` for `validation`; empty if it stands for none."""
    return next((split for prefix, split in SPLIT_PREFIXES.items() if name.startswith(prefix)), "")


def answer(value: Any) -> str:
    """An answer as canonical text: runs of white space as one space, a whole number without its decimal point. Raises
    InputError where it is neither text nor a number."""
    if not isinstance(value, (str, int, float)):
        raise InputError(f"its answer is {value!r:.40}, expected text or a number")
    whole = isinstance(value, float) and value.is_integer()
    return " ".join(str(int(value) if whole else value).split())


def answer_type(row: Row) -> str | None:
    """The row's `answer_type`. Raises InputError for one that problems do not have; published sets have their own."""
    value, types = row.get("answer_type"), get_args(AnswerType)
    if value is not None and value not in types:
        raise InputError(
            f"its answer_type is {value!r:.40}, expected {', '.join(types)}: --column answer_type= leaves it out"
        )
    return value


def tests(value: Any, name: str) -> Any:
    """Tests as they are, or parsed from the JSON text that sets with one type a column have. Raises InputError."""
    if not isinstance(value, str):
        return value
    try:
        return json_codec.loads(value.encode())
    except orjson.JSONDecodeError as error:
        raise InputError(f"its {name} are {json_codec.describe_error(error)}") from None


def listed_tests(value: Any, name: str) -> list[Any]:
    """As `tests`. Raises InputError where they are not a list."""
    cases = tests(value, name) or []
    if not isinstance(cases, list):
        raise InputError(f"its {name} are {cases!r:.40}, expected a list of {{args: [...], expected}}")
    return cases


def entry_point(text: str) -> str:
    """`Class.method` for `Class().method`, as some sets write it; any other text as it is."""
    return text.replace("().", ".", 1)


def check_entry_point(program: Program) -> None:
    """Raises InputError where `entry_point` is neither `f` nor `Class.method`, nor that of a script."""
    entry = program.entry_point
    if entry != STDIN_STDOUT and not all(part.isidentifier() and not iskeyword(part) for part in entry.split(".")):
        raise InputError(f"its entry_point is {entry!r:.40}, expected a name that Python can call")


def check_tests(program: Program) -> None:
    """Raises InputError where `examples` or `tests` are not lists of calls with their expected results."""
    for name in ("examples", "tests"):
        cases = getattr(program, name) or []
        if not isinstance(cases, list) or not all(
            isinstance(case, dict) and {"args", "expected"} <= case.keys() for case in cases
        ):
            raise InputError(f"its {name} are {cases!r:.40}, expected a list of {{args: [...], expected}}")


def unread(row: Row, read: Collection[str]) -> dict[str, Any]:
    """The fields of a row that its format does not read, which are kept. Those with a reserved name go under `row`."""
    kept = {name: value for name, value in row.items() if name not in (*read, *RESERVED)}
    reserved = {name: row[name] for name in RESERVED if name in row}
    return {**kept, "row": reserved} if reserved else kept

"""The formats of rows, by name: to add one, a file here and a line in FORMATS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice

from axiom_cli.errors import UsageError
from axiom_cli.importing import formats
from axiom_cli.importing.apps import APPS, TACO
from axiom_cli.importing.codecontests import CODECONTESTS
from axiom_cli.importing.imported import Format
from axiom_cli.importing.kodcode import KODCODE
from axiom_cli.importing.leetcode import LEETCODE
from axiom_cli.importing.livecodebench import LIVECODEBENCH
from axiom_cli.importing.math_sets import AIME, GSM8K, MATH
from axiom_cli.importing.readers import Line
from axiom_cli.importing.schema import Row

AUTO, DEFAULT = "auto", "jsonl"
MOST_BROKEN = 10
"""Rows that are looked at before one is found that can be read."""
FORMATS: Mapping[str, Format] = {
    **formats.FORMATS,
    "apps": APPS,
    "taco": TACO,
    "codecontests": CODECONTESTS,
    "livecodebench": LIVECODEBENCH,
    "leetcode": LEETCODE,
    "kodcode": KODCODE,
    "gsm8k": GSM8K,
    "math": MATH,
    "aime": AIME,
}


def format_of(name: str) -> Format:
    """The format called `name`. Raises UsageError if there is none."""
    if name not in FORMATS:
        raise UsageError(f"there is no format called {name!r}", f"--as {', '.join(FORMATS)}")
    return FORMATS[name]


def recognize(lines: Iterator[Line]) -> tuple[str, Iterator[Line]]:
    """The format of rows, by the columns of the first one that can be read, and the rows again. `jsonl` where that is
    not the row of one set only."""
    seen: list[Line] = []
    for line in islice(lines, MOST_BROKEN):
        seen.append(line)
        if not line.broken:
            break
    rows = [line.data for line in seen if not line.broken]
    return next(map(_format_of_row, rows), DEFAULT), chain(seen, lines)


def _format_of_row(row: Row) -> str:
    if "prompt" in row and ("answer" in row or {"tests", "test_code"} & row.keys()):
        return DEFAULT
    names = [name for name, row_format in FORMATS.items() if row_format.recognizes(row)]
    return names[0] if len(names) == 1 else DEFAULT

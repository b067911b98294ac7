"""What commands find, in each format: one renderer for JSON, CSV and Markdown. A terminal's tables are drawn by
`terminal.console`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from axiom_cli.records import Record
from axiom_cli.wording import as_markdown, harmless_markdown


@dataclass(frozen=True)
class Table:
    """Text cells under headings. The first `keys` columns tell one row from another."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    keys: int = 0

    def filled(self) -> Table:
        """The table without the columns that hold nothing."""
        kept = [place for place in range(len(self.columns)) if any(row[place] for row in self.rows)]
        columns, *rows = ([of[place] for place in kept] for of in (self.columns, *self.rows))
        return replace(self, columns=columns, rows=rows)


def table_of(title: str, rows: Iterable[Mapping[str, Any]]) -> Table | str:
    """Rows with the same keys as a table, without their `kind`; a sentence where there are none."""
    cells = [
        {name: "" if value is None else str(value) for name, value in row.items() if name != "kind"} for row in rows
    ]
    return Table(title, list(cells[0]), [list(row.values()) for row in cells]) if cells else f"{title}: none"


@dataclass(frozen=True)
class Findings:
    """What was found about experiments, files of verdicts, two models or a value function, ready for every format.

    `json_value` is everything, as one JSON value; `csv_rows` are plain values under the names of their columns;
    `markdown` and `terminal` are tables and sentences, in order; `records` go to a pipe, a line each.
    """

    json_value: Any
    csv_rows: Sequence[Mapping[str, Any]]
    markdown: Sequence[Table | str]
    terminal: Sequence[Table | str]
    records: Sequence[Record | dict[str, Any]]


def render(findings: Findings, form: str) -> str:
    """The findings as `json`, `csv` or else Markdown text, ending in a newline."""
    if form == "json":
        return orjson.dumps(findings.json_value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    if form == "csv":  # a column is empty where a row lacks it
        columns = list(dict.fromkeys(column for row in findings.csv_rows for column in row))
        writer = csv.DictWriter(out := io.StringIO(), columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(findings.csv_rows)
        return out.getvalue()
    return "\n\n".join(map(_markdown, findings.markdown)) + "\n"


def _markdown(part: Table | str) -> str:
    if isinstance(part, str):
        return harmless_markdown(part)
    lines = [part.columns, ["---"] * len(part.columns), *part.rows]
    body = "\n".join("| " + " | ".join(map(as_markdown, line)) + " |" for line in lines)
    return f"## {as_markdown(part.title)}\n\n{body}" if part.title else body

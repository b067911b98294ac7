"""What `axiom report` finds, in each format: one renderer for JSON, CSV and Markdown. A terminal's tables are drawn by
`terminal.console`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from axiom_cli.errors import UsageError
from axiom_cli.records import Record

FORMATS = ("table", "json", "csv", "md")


@dataclass(frozen=True)
class Table:
    """Text cells under headings. The first `keys` columns tell one row from another."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    keys: int = 0


class Findings(Protocol):
    """What can be shown in every format: an experiment, files of verdicts, a comparison, a ranking."""

    def json_value(self) -> Any:
        """Everything, as one JSON value."""

    def csv_rows(self) -> list[dict[str, Any]]:
        """Plain values under the names of their columns."""

    def markdown_parts(self) -> list[Table | str]:
        """Tables and paragraphs, in order."""

    def terminal_parts(self) -> list[Table | str]:
        """Tables and sentences, in order."""

    def records(self) -> Iterable[Record | dict[str, Any]]:
        """What goes to a pipe, a line each."""


def render(findings: Findings, form: str) -> str:
    """The findings as `json`, `csv` or `md` text, ending in a newline. UsageError for any other format."""
    if form == "json":
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(findings.json_value(), option=options).decode()
    if form == "csv":
        return _csv(findings.csv_rows())
    if form == "md":
        return "\n\n".join(map(_markdown, findings.markdown_parts())) + "\n"
    raise UsageError(f"unknown format {form!r}", f"one of {', '.join(FORMATS)}")


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a heading; a column is empty where a row lacks it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(column for row in rows for column in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _markdown(part: Table | str) -> str:
    if isinstance(part, str):
        return part
    lines = [part.columns, ["---"] * len(part.columns), *part.rows]
    body = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"## {part.title}\n\n{body}" if part.title else body

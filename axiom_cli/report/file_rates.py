"""Pass rates of files of verdicts, with intervals: what `axiom report FILE...` shows, a row a file and temperature."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.evaluation.comparison_sources import csv_text, kind_of, markdown_table
from axiom_cli.evaluation.experiment import temperature
from axiom_cli.evaluation.metrics import ALL, evaluate
from axiom_cli.records import Metrics, Verdict
from axiom_cli.report.summary import rate_cells, rate_columns


def rates(files: Sequence[str]) -> list[Metrics]:
    """The metrics of each file of verdicts under its name: overall, by family, by level, by both. Its split is that of
    its problems, or `mixed`. Raises InputError for what holds no verdicts."""
    return [row for file in files for row in _of(file)]


def _of(file: str) -> list[Metrics]:
    if kind_of(file) != "verdict":
        raise InputError(f"{file} holds no verdicts", "axiom verify writes them")
    verdicts = jsonl.load(Path(file), Verdict)
    splits = sorted({verdict.sample.problem.split for verdict in verdicts})
    return evaluate(verdicts, file, split=splits[0] if len(splits) == 1 else "mixed")


def table(rows: Sequence[Metrics]) -> tuple[str, list[str], list[list[str]]]:
    """Title, columns and rows for console.table."""
    families = sorted({row.family for row in rows if row.family != ALL})
    by_family = {(row.experiment, temperature(row), row.family): row.rate for row in rows if not row.level}
    cells = [
        [row.experiment, row.split]
        + rate_cells(row, [by_family.get((row.experiment, temperature(row), family)) for family in families])
        for row in rows
        if (row.family, row.level) == (ALL, 0)
    ]
    return "pass rates", ["file", "split", *rate_columns(families)], cells


def render(rows: Sequence[Metrics], form: str) -> str:
    """The table as `md` text, or every row as `csv` or `json`, ending in a newline."""
    if form == "md":
        title, columns, cells = table(rows)
        return f"## {title}\n\n{markdown_table(columns, cells)}\n"
    if form == "csv":
        return csv_text([_flat(row) for row in rows])
    told = [row.to_dict() for row in rows]
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _flat(row: Metrics) -> dict[str, Any]:
    names = ("split", "family", "level", "n", "passed", "rate")
    return {
        "file": row.experiment,
        **{name: getattr(row, name) for name in names},
        "low": row.interval[0],
        "high": row.interval[1],
        **{name: row.extra[name] for name in ("temperature", "problems", "parsed", "reasoned", "truncated", "infra")},
    }

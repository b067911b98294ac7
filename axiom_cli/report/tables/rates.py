"""Pass rates as tables: the cells of a metrics row, and the tables of `axiom report FILE...`, one row a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.evaluation.comparison_sources import kind_of
from axiom_cli.evaluation.metrics import ALL, evaluate
from axiom_cli.records import Metrics, Verdict
from axiom_cli.report.cells import family_rates, rate_cells, rate_columns
from axiom_cli.report.formats import Findings, Table


def file_rates(files: Sequence[str]) -> list[Metrics]:
    """The metrics of each file under its name: overall, by family, by level, by both. A file's split is that of its
    problems, or `mixed`. InputError for a file without verdicts."""
    rows: list[Metrics] = []
    for file in files:
        if kind_of(file) != "verdict":
            raise InputError(f"{file} contains no verdicts", "axiom verify writes them")
        verdicts = jsonl.load(Path(file), Verdict)
        splits = sorted({verdict.sample.problem.split for verdict in verdicts})
        rows += evaluate(verdicts, file, split=splits[0] if len(splits) == 1 else "mixed")
    return rows


def rate_findings(rows: Sequence[Metrics], of: str = "file") -> Findings:
    """The pass rates of files, or of what else `of` says that the rows' experiments are, in every format."""
    families = sorted({row.family for row in rows if row.family != ALL})
    rates = family_rates(rows)
    cells = [
        [row.experiment, row.split, *rate_cells(row, families, rates)]
        for row in rows
        if (row.family, row.level) == (ALL, 0)
    ]
    table = Table("pass rates", [of, "split", *rate_columns(families)], cells, keys=2)
    return Findings([row.to_dict() for row in rows], [_plain_row(row, of) for row in rows], [table], [table], rows)


def _plain_row(row: Metrics, of: str) -> dict[str, Any]:
    counts = ("temperature", "problems", "parsed", "reasoned", "truncated", "infra")
    return {
        of: row.experiment,
        **{name: getattr(row, name) for name in ("split", "family", "level", "n", "passed", "rate")},
        "low": row.interval[0],
        "high": row.interval[1],
        **{name: row.extra[name] for name in counts},
    }

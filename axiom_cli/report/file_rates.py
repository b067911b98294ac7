"""Pass rates of files of verdicts, with intervals: what `axiom report FILE...` shows, a row a file and temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.evaluation.comparison_sources import kind_of
from axiom_cli.evaluation.metrics import ALL, evaluate, temperature
from axiom_cli.records import Metrics, Verdict
from axiom_cli.report.experiment_tables import rate_cells, rate_columns
from axiom_cli.report.formats import Table


@dataclass(frozen=True)
class FileRates:
    """The metrics of each file of verdicts under its name: overall, by family, by level, by both."""

    rows: Sequence[Metrics]

    def json_value(self) -> list[dict[str, Any]]:
        """Every metrics record."""
        return [row.to_dict() for row in self.rows]

    def csv_rows(self) -> list[dict[str, Any]]:
        """A row a metrics record."""
        return [
            {
                "file": row.experiment,
                **{name: getattr(row, name) for name in ("split", "family", "level", "n", "passed", "rate")},
                "low": row.interval[0],
                "high": row.interval[1],
                **{
                    name: row.extra[name]
                    for name in ("temperature", "problems", "parsed", "reasoned", "truncated", "infra")
                },
            }
            for row in self.rows
        ]

    def markdown_parts(self) -> list[Table | str]:
        """A row a file and temperature."""
        families = sorted({row.family for row in self.rows if row.family != ALL})
        by_family = {(row.experiment, temperature(row), row.family): row.rate for row in self.rows if not row.level}
        cells = [
            [row.experiment, row.split]
            + rate_cells(row, [by_family.get((row.experiment, temperature(row), family)) for family in families])
            for row in self.rows
            if (row.family, row.level) == (ALL, 0)
        ]
        return [Table("pass rates", ["file", "split", *rate_columns(families)], cells, keys=2)]

    def terminal_parts(self) -> list[Table | str]:
        """The same table."""
        return self.markdown_parts()

    def records(self) -> Sequence[Metrics]:
        """Every metrics record."""
        return self.rows


def file_rates(files: Sequence[str]) -> FileRates:
    """The metrics of `files`. A file's split is that of its problems, or `mixed`. InputError for a file without
    verdicts."""
    rows: list[Metrics] = []
    for file in files:
        if kind_of(file) != "verdict":
            raise InputError(f"{file} contains no verdicts", "axiom verify writes them")
        verdicts = jsonl.load(Path(file), Verdict)
        splits = sorted({verdict.sample.problem.split for verdict in verdicts})
        rows += evaluate(verdicts, file, split=splits[0] if len(splits) == 1 else "mixed")
    return FileRates(rows)

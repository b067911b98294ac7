"""Pass rates as tables: the cells of a metrics row, and the tables of `axiom report FILE...`, one row a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.evaluation.comparison import percent, percent_range
from axiom_cli.evaluation.comparison_sources import kind_of
from axiom_cli.evaluation.metrics import ALL, evaluate, temperature
from axiom_cli.records import Metrics, Verdict
from axiom_cli.report.formats import Findings, Table

FamilyRates = Mapping[tuple[Any, ...], float]
"""Evaluation and family -> pass rate."""


def sampling(row: Metrics) -> str:
    """`greedy`, or `T = 0.7 x 4`: temperature and samples a problem."""
    heat, samples = temperature(row), round(row.n / max(1, row.extra.get("problems", row.n)))
    return "greedy" if heat == 0 and samples <= 1 else f"T = {heat:g} x {samples}"


def family_rates(rows: Iterable[Metrics]) -> FamilyRates:
    """The pass rate of each family, over all levels, in each evaluation among `rows`."""
    evaluations = (row for row in rows if row.extra.get("phase") == "evaluate" and not row.level)
    return {(*_evaluation(row), row.family): row.rate for row in evaluations}


def rates_of(row: Metrics, families: Sequence[str], rates: FamilyRates) -> dict[str, float | None]:
    """The rate of each family in the evaluation of `row`, None for a family that was not evaluated."""
    return {family: rates.get((*_evaluation(row), family)) for family in families}


def _evaluation(row: Metrics) -> tuple[Any, ...]:
    return row.experiment, row.iteration, row.split, temperature(row)


def rate_columns(families: Sequence[str]) -> list[str]:
    """The headings of `rate_cells`."""
    return [
        *("sampling", "problems", "pass rate", "95 % interval", *families),
        *("pass@k", "parsed", "reasoned", "infra"),
    ]


def rate_cells(row: Metrics, families: Sequence[str], rates: FamilyRates) -> list[str]:
    """One metrics row as text, with the rate of each family."""
    k = max(map(int, row.pass_at), default=0)
    return [
        sampling(row),
        f"{row.extra.get('problems', row.n):,}",
        percent(row.rate),
        percent_range(row.interval),
        *("" if rate is None else percent(rate) for rate in rates_of(row, families, rates).values()),
        f"@{k} {percent(row.pass_at[str(k)])}" if len(row.pass_at) > 1 else "",
        *(percent(row.extra[share]) if share in row.extra else "" for share in ("parsed", "reasoned")),
        str(row.extra.get("infra", "")),
    ]


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

"""What `axiom eval` finds, in every format: pass rates overall, by family and by level, and how models compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from axiom_cli.evaluation.comparison import Comparison, percent, percent_range
from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.records import Metrics
from axiom_cli.report.cells import sampling
from axiom_cli.report.formats import Findings, Table
from axiom_cli.report.tables.comparison import comparison_findings
from axiom_cli.report.tables.rates import rate_findings


def evaluation_findings(rows: Sequence[Metrics], comparisons: Sequence[Comparison]) -> Findings:
    """The metrics of one model or several, and the comparisons. Only metrics go to a pipe or into CSV."""
    rates = rate_findings(rows, of="model")
    shown = [*rates.terminal, *_by_level(rows)]
    written = [*rates.markdown, *_by_level(rows)]
    value = {"metrics": rates.json_value, "comparisons": [comparison.to_dict() for comparison in comparisons]}
    if comparisons:
        compared = comparison_findings(comparisons)
        shown += compared.terminal
        written += compared.markdown
    return replace(rates, json_value=value, terminal=shown, markdown=written)


def _by_level(rows: Sequence[Metrics]) -> list[Table]:
    """A row for each level, a column for each model and way of sampling; nothing where there is one level."""
    levels = sorted({row.level for row in rows if row.level})
    if len(levels) < 2:  # noqa: PLR2004 - one level is the overall rate
        return []
    overall = [row for row in rows if row.family == ALL]
    heads = list(dict.fromkeys((row.experiment, temperature(row)) for row in overall))
    cell = {((row.experiment, temperature(row)), row.level): row for row in overall}
    names = {head: f"{head[0]}, {sampling(cell[head, 0])}" for head in heads}
    if len(heads) == 1:
        (head,) = heads
        lines = [(level, cell[head, level]) for level in levels]
        body = [[str(level), f"{row.n:,}", percent(row.rate), percent_range(row.interval)] for level, row in lines]
        return [Table("by level", ["level", "problems", "pass rate", "95 % interval"], body, keys=1)]
    body = [[str(level), *(percent(cell[head, level].rate) for head in heads)] for level in levels]
    return [Table("by level", ["level", *names.values()], body, keys=1)]

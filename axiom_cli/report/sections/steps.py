"""How much each model gained, against the start and against the one before, and what the gain consists of."""

from __future__ import annotations

from axiom_cli.evaluation.gain import GainSplit
from axiom_cli.report.cells import COMPARISON_COLUMNS, comparison_cells
from axiom_cli.report.drawing.html import Section, joined, table_card
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.gain import gain_table
from axiom_cli.report.outcome.summary import ExperimentSummary


def steps(summary: ExperimentSummary) -> Section | None:
    final, steps = (
        Table(title, COMPARISON_COLUMNS, list(map(comparison_cells, of)))
        for title, of in (("Start and selected, in points", summary.final), ("Step by step, in points", summary.steps))
    )
    tables = [table_card(table) for table in (final, steps) if table.rows]
    lead = (
        "The selected model against the start model, then each model against the one before it, on the same problems. "
        "Gained and lost count problems; a difference below the detectable one is inconclusive."
    )
    return Section("Model N against Model N+1", lead, joined(tables)) if tables else None


def gain_section(name: str, gain: GainSplit | None) -> Section | None:
    """A section of the page; empty without a split."""
    lead = (
        "Habit and form are worth what they were worth to the start model, family by family and level by level; skill "
        "is what is left."
    )
    return Section("Form, habit, skill", lead, table_card(gain_table(name, gain))) if gain else None

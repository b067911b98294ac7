"""The controls of a run, on the page: what it has above arms that learned without the verifier."""

from __future__ import annotations

from axiom_cli.report.comparison_tables import COLUMNS, comparison_cells
from axiom_cli.report.formats import Table
from axiom_cli.report.html import Section, joined, table_card
from axiom_cli.report.summary import ExperimentSummary

LEAD = (
    "A control arm makes the same rounds at equal compute and learns from something else than verified solutions. What "
    "the selected model has above it is what the verifier is worth."
)


def controls(summary: ExperimentSummary) -> Section | None:
    """The selected model against each control's own best; None where no control ran."""
    rows = [comparison_cells(comparison) for comparison in summary.controls.values()]
    if not rows:
        return None
    return Section("Controls", LEAD, joined([table_card(Table("Differences in points", COLUMNS, rows))]))

"""What a cold start changed: the well-formed share and the pass rate on validation, before and after."""

from __future__ import annotations

from typing import Any

from axiom_cli.evaluation.comparison import percent, percent_range
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.report.formats import Table

PHASE = "coldstart"
TIMES = ("before", "after")


def cold_start_facts(experiment: Experiment) -> dict[str, Any]:
    """What the metrics say of round 0; empty without one."""
    row = next((row for row in experiment.phases() if row.extra["phase"] == PHASE), None)
    if row is None:
        return {}
    return {name: row.extra[name] for name in ("teacher", "rows", "traces", *TIMES) if name in row.extra}


def cold_start_table(experiment: Experiment) -> Table | None:
    """The rates before and after, a row each; None without a cold start."""
    facts = cold_start_facts(experiment)
    if not facts:
        return None
    rows = [
        [when, f"{of['n']:,}", percent(of["parsed"]), percent(of["rate"]), percent_range(of["interval"])]
        for when in TIMES
        if (of := facts.get(when))
    ]
    title = f"{experiment.name}: the cold start on {facts['rows']:,} traces by {facts['teacher']}, on validation"
    return Table(title, ["model", "problems", "well-formed", "pass rate", "95 % interval"], rows)

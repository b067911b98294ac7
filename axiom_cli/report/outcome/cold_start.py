"""What a cold start taught, and what it changed: the well-formed share and the pass rate on validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axiom_cli import models
from axiom_cli.evaluation.comparison import percent, percent_range
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.report.formats import Table
from axiom_cli.sampling import nano_cold_start

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


def taught_levels(experiment: Experiment) -> Mapping[str, int] | None:
    """The highest level of each family in the cold start: of nano in its own, of another model in that of round 0.
    None where nothing is known of it, as of a model that others pretrained, or an earlier nano."""
    highest: dict[str, int] = {}
    start, known = experiment.config.get("model", {}), False
    if isinstance(start, dict) and start.get("digest") == models.resolve(models.NANO).digest:
        known = True
        highest = {family: max(levels) for family, levels in nano_cold_start.held().items()}
    for row in experiment.phases():
        for family, levels in row.extra.get("taught", {}).items() if row.extra["phase"] == PHASE else ():
            known = True
            highest[family] = max(highest.get(family, 0), *map(int, levels))
    return highest if known else None

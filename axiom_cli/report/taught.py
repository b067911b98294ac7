"""What models were trained on: the start model before the first round, and the others in a climb."""

from __future__ import annotations

from collections.abc import Mapping

from axiom_cli import models
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.report.cold_start import PHASE
from axiom_cli.sampling import nano_cold_start


def taught_levels(experiment: Experiment) -> Mapping[str, int] | None:
    """The highest level of each family in the cold start: of nano in its own, of another model in that of round 0.
    None where nothing is known of it, as of a model that others pretrained, or an earlier nano."""
    found: dict[str, int] = {}
    start, known = experiment.config.get("model", {}), False
    if isinstance(start, dict) and start.get("digest") == models.resolve(models.NANO).digest:
        known = True
        found = {family: max(levels) for family, levels in nano_cold_start.held().items()}
    for row in experiment.phases():
        for family, levels in row.extra.get("taught", {}).items() if row.extra["phase"] == PHASE else ():
            known = True
            found[family] = max(found.get(family, 0), *map(int, levels))
    return found if known else None


def climbed_levels(experiment: Experiment) -> dict[str, dict[int, int]]:
    """For each family the highest level that each model of a climb was trained on, by iteration. Empty where the levels
    of the run did not rise."""
    found: dict[str, dict[int, int]] = {}
    for row in experiment.phases():
        for family, top in row.extra.get("tops", {}).items():
            found.setdefault(family, {})[row.iteration + 1] = top
    return found

"""Several runs together, such as one recipe with several seeds: the mean of their gains, how far they spread, and one
paired test over all of their problems.

The interval of the mean is Student's t over runs: it says what another run would do. The pooled test is over problems:
it says whether these runs, taken together, got better. Two runs that met the same problem count it once, by their mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from axiom_cli.evaluation.comparison import Comparison, pair
from axiom_cli.evaluation.comparison_sources import EvaluatedModel
from axiom_cli.evaluation.experiment_folder import HELD_OUT, Experiment
from axiom_cli.statistics import CONFIDENCE

GREEDY = 0.0
NOT_SETTINGS = {"experiment", "seed", "axiom", "preset", "iterations", "control", "evidence", "selection"}
"""What config.json has that tells no two runs of one recipe apart, or that reports show anyway."""


@dataclass(frozen=True)
class Spread:
    """A figure over runs: shares of 1. `interval` is the 95 % interval of the mean, None for a single run."""

    runs: int
    mean: float
    deviation: float | None
    interval: tuple[float, float] | None
    least: float
    most: float


@dataclass(frozen=True)
class Pooled:
    """Several runs, each with a start and a selected model. `differ` has the settings in which they differ
    beyond their seed, with the values; `tested` is the pooled comparison, None where verdicts were not kept."""

    names: list[str]
    split: str
    start: Spread
    selected: Spread
    gain: Spread
    controls: Mapping[str, Spread]
    tested: Comparison | None
    differ: Mapping[str, list[str]]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "tested": self.tested.to_dict() if self.tested else None}


def spread(values: Sequence[float]) -> Spread:
    """The mean of at least one value, the standard deviation over runs, and Student's interval of the mean."""
    runs, mean = len(values), math.fsum(values) / len(values)
    if runs == 1:
        return Spread(1, mean, None, None, mean, mean)
    from scipy.stats import t

    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (runs - 1))
    half = float(t.ppf(0.5 + CONFIDENCE / 2, runs - 1)) * deviation / math.sqrt(runs)
    return Spread(runs, mean, deviation, (mean - half, mean + half), min(values), max(values))


def pooled_test(runs: Sequence[tuple[Experiment, int]], split: str) -> Comparison | None:
    """The start models of the runs against the models selected, over the problems of all. None where the greedy
    verdicts of a run were not kept."""
    counts: tuple[dict[str, tuple[int, int]], ...] = ({}, {})
    for experiment, selected in runs:
        models = (EvaluatedModel(experiment, iteration) for iteration in (experiment.iterations()[0], selected))
        before, after = (
            {tally.problem: tally for tally in model.tallies(split).get(GREEDY, ()) if tally.judged} for model in models
        )
        shared = before.keys() & after.keys()
        if not shared:
            return None
        for sums, tallies in zip(counts, (before, after), strict=True):
            for problem, tally in tallies.items():
                if problem in shared:
                    passed, judged = sums.get(problem, (0, 0))
                    sums[problem] = passed + tally.passed, judged + tally.judged
    return pair(counts[0], counts[1], ("the start models", "the selected models"), split)


def common_split(runs: Sequence[tuple[Experiment, int]]) -> str:
    """The first of test and validation on which start and selected model of every run were evaluated; else empty."""
    for split in HELD_OUT:
        if all(
            {experiment.iterations()[0], selected} <= {*experiment.iterations(split=split)}
            for experiment, selected in runs
        ):
            return split
    return ""


def differing(experiments: Sequence[Experiment]) -> dict[str, list[str]]:
    """The settings that all runs have and in which they differ beyond their seed and length, with the value of each."""
    flat = [dotted(experiment.config) for experiment in experiments]
    names = set.intersection(*map(set, flat)) - NOT_SETTINGS
    values = {name: [str(of[name]) for of in flat] for name in sorted(names)}
    return {name: of for name, of in values.items() if len(set(of)) > 1 and not name.endswith(".seed")}


def dotted(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in a config.json in one level: `solve.samples` for what `solve` holds."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    return flat

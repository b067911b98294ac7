"""The runs of other seeds that lie beside a run: whether what it came to is one seed's luck."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import Any

from axiom_cli.evaluation.comparison import points, points_range, spoken
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.evaluation.pooled import Spread, spread
from axiom_cli.report.outcome.siblings import a_run_a_seed, evaluated_on, seed_of, siblings
from axiom_cli.wording import listed

MOST_NAMED = 6


@dataclass(frozen=True)
class Repeats:
    """Runs that differ in the seed alone, by seed, and the gains of their selected models as shares of 1."""

    names: list[str]
    seeds: list[int]
    split: str
    gain: Spread

    @property
    def sentence(self) -> str:
        """Which runs, and the mean and the spread of their gains."""
        named = [f"{name} (seed {seed})" for name, seed in zip(self.names, self.seeds, strict=True)]
        if len(named) > MOST_NAMED:
            named = [*named[: MOST_NAMED - 1], f"{len(named) - MOST_NAMED + 1} more"]
        over = f"95 % interval over runs {points_range(self.gain.interval)}, " if self.gain.interval else ""
        deviation = f"standard deviation {100 * (self.gain.deviation or 0):.1f}"
        return (
            f"{len(self.names)} runs differ in the seed alone: {listed(named)}. On {spoken(self.split)} problems they "
            f"gain {points(self.gain.mean)} points on average ({over}{deviation}), from {points(self.gain.least)} to "
            f"{points(self.gain.most)}."
        )

    @property
    def command(self) -> str:
        """What shows them together."""
        return shlex.join(["axiom", "report", *self.names])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "sentence": self.sentence}


def repeats(run: Experiment) -> Repeats | None:
    """The runs beside `run` that differ from it in the seed alone and were evaluated on the same split, and itself;
    None where there is none with another seed."""
    split = evaluated_on(run, (run.iterations()[0], run.best()))
    runs = [
        of for of in siblings(run) if of.iterations() and {of.iterations()[0], of.best()} <= {*of.iterations("", split)}
    ]
    runs = a_run_a_seed(runs)
    if not split or len(runs) < 2:
        return None
    gains = spread([_rate(of, of.best(), split) - _rate(of, of.iterations()[0], split) for of in runs])
    return Repeats([of.folder.path.name for of in runs], [seed_of(of) for of in runs], split, gains)


def _rate(run: Experiment, iteration: int, split: str) -> float:
    return next(row.rate for row in run.evaluations(split=split) if row.iteration == iteration)

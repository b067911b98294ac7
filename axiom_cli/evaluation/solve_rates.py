"""The solve rate of each held-out problem after each round: what its samples say, and how little a few of them do.

The posterior is that of `statistics.solve_rate`, of one model's samples at one temperature. Rounds are not mixed: each
has a model of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from axiom_cli.errors import InputError
from axiom_cli.evaluation.experiment_folder import KEPT, Experiment
from axiom_cli.statistics import solve_rate

PRIOR = (0.5, 0.5)
"""Jeffreys' Beta prior of each solve rate, before the first sample."""


class ModelCount(NamedTuple):
    """How one model did on one problem: the verifier judged `n` samples and accepted `passed` of them."""

    iteration: int
    n: int
    passed: int

    def to_dict(self) -> dict[str, Any]:
        """The counts with the posterior mean, `rate`, and its 95 % `interval`."""
        rate, low, high = solve_rate(self.passed, self.n)
        return {**self._asdict(), "rate": round(rate, 6), "interval": [round(low, 6), round(high, 6)]}


@dataclass(frozen=True)
class ProblemRates:
    """A problem of a split at one temperature, with each model that was judged on it, in the order of the rounds."""

    experiment: str
    problem: str
    family: str
    level: int
    split: str
    temperature: float
    rounds: list[ModelCount]

    def to_dict(self) -> dict[str, Any]:
        """As a record of the kind `solve_rate`."""
        return {
            "kind": "solve_rate",
            **{name: value for name, value in vars(self).items() if name != "rounds"},
            "prior": list(PRIOR),
            "rounds": [count.to_dict() for count in self.rounds],
        }


class RoundCounts(NamedTuple):
    """How many problems the model of an iteration solves, and what changed: `newly_solved` and
    `lost` since the model before it, on the problems that both were judged on, None for the first model; `ever_solved`
    by it or any before it."""

    iteration: int
    problems: int
    solved: int
    newly_solved: int | None
    lost: int | None
    ever_solved: int


def problem_rates(experiment: Experiment, split: str = "") -> list[ProblemRates]:
    """Every problem of validation and test, or of one of them, at every temperature, in the order of the evaluations.

    Raises InputError where no verdicts were kept."""
    splits = [split] if split else ["val", "test"]
    rates = [of for name in splits for of in _of_split(experiment, name)]
    if not rates:
        raise InputError(f"experiment {experiment.name} holds no verdicts of its evaluations", KEPT)
    return rates


def _of_split(experiment: Experiment, split: str) -> Iterator[ProblemRates]:
    by_problem: dict[tuple[float, str], ProblemRates] = {}
    for iteration in experiment.iterations(split=split):
        for heat, tallies in experiment.counts(split, iteration).items():
            for of in tallies:
                if of.judged:
                    rates = ProblemRates(experiment.name, of.problem, of.family, of.level, split, heat, [])
                    rates = by_problem.setdefault((heat, of.problem), rates)
                    rates.rounds.append(ModelCount(iteration, of.judged, of.passed))
    heats = sorted({heat for heat, _ in by_problem})
    return (rates for heat in heats for (own, _), rates in by_problem.items() if own == heat)


def by_evaluation(rates: Iterable[ProblemRates]) -> dict[tuple[str, float], list[ProblemRates]]:
    """The problems by split and temperature, in order."""
    groups: dict[tuple[str, float], list[ProblemRates]] = {}
    for of in rates:
        groups.setdefault((of.split, of.temperature), []).append(of)
    return groups


def round_counts(rates: Sequence[ProblemRates]) -> list[RoundCounts]:
    """The problems of one split at one temperature, counted round by round. A problem is solved where more than half of
    its samples pass."""
    solved = {of.problem: {count.iteration: 2 * count.passed > count.n for count in of.rounds} for of in rates}
    iterations = sorted({iteration for of in solved.values() for iteration in of})
    ever: set[str] = set()
    counted = []
    for place, iteration in enumerate(iterations):
        now = {problem for problem, of in solved.items() if of.get(iteration)}
        ever |= now
        new, lost = _changes(solved.values(), iterations[place - 1], iteration) if place else (None, None)
        judged = sum(iteration in of for of in solved.values())
        counted.append(RoundCounts(iteration, judged, len(now), new, lost, len(ever)))
    return counted


def _changes(solved: Iterable[Mapping[int, bool]], before: int, after: int) -> tuple[int, int]:
    """How many problems that two models were judged on the later one newly solves, and how many it loses; `solved` says
    of each problem which models solve it."""
    both = [(models[before], models[after]) for models in solved if before in models and after in models]
    return both.count((False, True)), both.count((True, False))

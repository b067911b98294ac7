"""How far a run climbed: the frontier of the selected model against the start model's, and what each was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from axiom_cli import statistics
from axiom_cli.errors import AxiomError
from axiom_cli.evaluation.experiment_folder import HELD_OUT, Experiment
from axiom_cli.evaluation.frontier import Evaluation, Frontier
from axiom_cli.problems import families
from axiom_cli.problems.families import plug_ins
from axiom_cli.report.outcome.cold_start import taught_levels

GREEDY = 0.0
MOST_NAMED = 4
"""Families that a sentence names; more of them are counted."""


@dataclass(frozen=True)
class Climb:
    """A family's frontier in the start model and in the selected one. `taught` is the highest level of its cold start,
    0 if that holds none of the family, None if it is not known. `interval` is the paired 95 % interval of the change of
    the pass rate over the levels between the two."""

    family: str
    split: str
    start: Frontier
    now: Frontier
    taught: int | None
    interval: tuple[float, float]

    @property
    def moved(self) -> int:
        """The levels by which it rose, negative if it fell; 0 where the interval holds a change of zero."""
        low, high = self.interval
        return self.now.solved - self.start.solved if low > 0 or high < 0 else 0

    @property
    def beyond(self) -> int:
        """The levels by which it rose beyond what the start model was taught and could do."""
        return self.now.solved - max(self.taught or 0, self.start.solved) if self.moved > 0 else 0

    def words(self, level: int) -> str:
        """A level as the family says it: `60 lines`, or else `level 10`."""
        return size_of(self.family, level) or f"level {level}"

    def reached(self, of: Frontier) -> str:
        """The level at which a frontier is, in words."""
        return self.words(of.solved) if of.solved else f"not even {self.words(of.lowest)}"


def climbs(
    experiment: Experiment, selected: int, frontiers: Mapping[Evaluation, Mapping[str, Frontier]]
) -> list[Climb]:
    """A climb for each family, on the first of test and validation on which both models have a frontier."""
    start, taught = experiment.iterations()[0], taught_levels(experiment)
    for split in HELD_OUT:
        before, after = (frontiers.get((experiment.name, i, split), {}) for i in (start, selected))
        if shared := [family for family in before if family in after]:
            return [
                Climb(
                    family,
                    split,
                    before[family],
                    after[family],
                    None if taught is None else taught.get(family, 0),
                    _change(experiment, split, (start, selected), family, before[family], after[family]),
                )
                for family in shared
            ]
    return []


def _change(  # noqa: PLR0913 - which models, on what
    experiment: Experiment, split: str, models: tuple[int, int], family: str, before: Frontier, after: Frontier
) -> tuple[float, float]:
    """The interval of the change of the pass rate over the levels between two frontiers; (0, 0) without any."""
    low, high = sorted((before.solved, after.solved))
    if low == high:
        return 0.0, 0.0
    outcomes = [
        {
            tally.problem: tally.passed / tally.judged
            for tally in experiment.tallies(split, iteration).get(GREEDY, ())
            if tally.family == family and low < tally.level <= high and tally.judged
        }
        for iteration in models
    ]
    if shared := [problem for problem in outcomes[0] if problem in outcomes[1]]:
        rates_before, rates_after = ([of[problem] for problem in shared] for of in outcomes)
        return statistics.paired_bootstrap(rates_before, rates_after)[1:]
    counts = []
    for iteration in models:
        rows = [
            row
            for level in range(low + 1, high + 1)
            for row in experiment.evaluations("", split, family, level)
            if row.iteration == iteration and not row.extra.get("temperature", GREEDY)
        ]
        counts += [sum(row.passed for row in rows), sum(row.n for row in rows)]
    return statistics.newcombe(*counts)


def size_of(family: str, level: int) -> str:
    """The family's words for the size of a level; empty where it has none, or is not installed."""
    with suppress(AxiomError), plug_ins.attribute_errors(f"the family {family}:", AxiomError):
        return families.get(family).size_of(level)
    return ""


def climb_sentence(climbs: Sequence[Climb]) -> str:
    """What climbed and what did not, in plain words; empty where no family has a frontier."""
    if not climbs:
        return ""
    rose = sorted((climb for climb in climbs if climb.moved > 0), key=lambda climb: (-climb.beyond, -climb.moved))
    fell = [climb for climb in climbs if climb.moved < 0]
    stayed = [climb for climb in climbs if not climb.moved]
    parts = []
    if rose:
        parts = [_headline(rose[0])]
        if rose[1:]:
            parts.append(f"The frontier also rose in {_listed(rose[1:])}.")
    if fell:
        parts.append(f"The frontier fell in {_listed(fell)}.")
    unsure = any(climb.now.solved != climb.start.solved for climb in stayed)
    still = "did not clearly move" if unsure else "did not move"
    if stayed and (rose or fell):
        parts.append(f"It {still} in {_listed(stayed)}.")
    elif stayed:
        parts.append(f"The frontier, up to which 9 in 10 are solved, {still}: {_listed(stayed)}.")
    return " ".join(parts)


def _headline(climb: Climb) -> str:
    name, now, start = spoken_family(climb.family), climb.reached(climb.now), climb.reached(climb.start)
    sized = bool(size_of(climb.family, climb.now.solved))
    solves = f"it now solves those of {now}" if sized else f"it now solves those up to {now}"
    right = f"at least 9 in 10 right ({start} at the start)"
    if climb.taught is None:
        return f"Of the {name} problems, {solves}, {right}."
    if not climb.taught:
        return f"Never taught {name} problems, {solves}, {right}."
    most = f"of at most {climb.words(climb.taught)}" if sized else f"up to {climb.words(climb.taught)}"
    return f"Taught {name} problems {most}, {solves}, {right}."


def _listed(some: Sequence[Climb]) -> str:
    if len(some) > MOST_NAMED:
        return f"{len(some)} families"
    named = [f"{spoken_family(climb.family)} ({_from_to(climb)})" for climb in some]
    return f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]


def _from_to(climb: Climb) -> str:
    start, now = climb.reached(climb.start), climb.reached(climb.now)
    return start if start == now else f"{start} to {now}"


def spoken_family(family: str) -> str:
    """A family's name in a sentence."""
    return family.replace("_", " ")


def climbed_levels(experiment: Experiment) -> dict[str, dict[int, int]]:
    """For each family the highest level that each model of a climb was trained on, by iteration. Empty where the levels
    of the run did not rise."""
    tops: dict[str, dict[int, int]] = {}
    for row in experiment.phases():
        for family, top in row.extra.get("tops", {}).items():
            tops.setdefault(family, {})[row.iteration + 1] = top
    return tops

"""How far up its levels a model solves a family: the highest level that it solves with all levels below it.

Computed from the greedy rows of an evaluation; docs/metrics.md has the definition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.records import Metrics

SOLVED, HALF_SOLVED = 0.9, 0.5
FEWEST = 10
"""Problems of a level below which its rate is not looked at: of fewer, 0.9 could only be all of them."""

Evaluation = tuple[str, int, str]
"""Experiment (with its arm), iteration and split."""


@dataclass(frozen=True)
class Frontier:
    """Of one family in one evaluation: the highest level solved at 0.9 and more, and at 0.5 and more, with all levels
    below it; 0 where not even the lowest one is. `problems` is the smallest number of problems of a level that counts;
    `lowest` and `highest` are the first and the last level that counts: a frontier of `highest` may lie beyond it, and
    one of 0 anywhere below `lowest`."""

    solved: int
    half_solved: int
    problems: int
    lowest: int
    highest: int

    @property
    def text(self) -> str:
        """The level solved at 0.9, `<3` where the lowest one asked is 3 and not reached."""
        return self.spelled(self.solved)

    def spelled(self, level: int) -> str:
        """A level reached; for none `<3`, or 0 where the lowest one asked is 1."""
        return str(level) if level or self.lowest == 1 else f"<{self.lowest}"


def frontiers(rows: Iterable[Metrics]) -> dict[Evaluation, dict[str, Frontier]]:
    """The frontier of each family in each greedy evaluation among the metrics of an experiment, or of several models.

    Levels count from the lowest one that any of the evaluations asks of the family, up to the first that this one has
    fewer than FEWEST problems of; what lies above that is not known. Families of a single level, and evaluations that
    lack the lowest level, have no frontier.
    """
    cells: dict[Evaluation, dict[str, dict[int, Metrics]]] = defaultdict(lambda: defaultdict(dict))
    levels: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        if row.family != ALL and row.level and row.extra.get("phase") == "evaluate":
            levels[row.family].add(row.level)
            if not temperature(row):
                cells[evaluation_of(row)][row.family][row.level] = row
    by_evaluation: dict[Evaluation, dict[str, Frontier]] = {}
    for evaluation, families in cells.items():
        known = {family: _counted(by_level, sorted(levels[family])) for family, by_level in families.items()}
        of = {family: _frontier(counted) for family, counted in known.items() if counted and len(levels[family]) > 1}
        by_evaluation |= {evaluation: of} if of else {}
    return by_evaluation


def evaluation_of(row: Metrics) -> Evaluation:
    """Which evaluation a row belongs to."""
    return row.experiment, row.iteration, row.split


def _counted(by_level: Mapping[int, Metrics], levels: Iterable[int]) -> dict[int, Metrics]:
    """The levels from the lowest one up to the first with too few problems."""
    counted: dict[int, Metrics] = {}
    for level in levels:
        if level not in by_level or problems_of(by_level[level]) < FEWEST:
            break
        counted[level] = by_level[level]
    return counted


def _frontier(counted: Mapping[int, Metrics]) -> Frontier:
    return Frontier(
        solved=_reached(counted, SOLVED),
        half_solved=_reached(counted, HALF_SOLVED),
        problems=min(map(problems_of, counted.values())),
        lowest=min(counted),
        highest=max(counted),
    )


def _reached(counted: Mapping[int, Metrics], rate: float) -> int:
    reached = 0
    for level, row in counted.items():
        if row.rate < rate:
            break
        reached = level
    return reached


def problems_of(row: Metrics) -> int:
    """The problems with a judged sample."""
    return int(row.extra.get("problems", row.n))

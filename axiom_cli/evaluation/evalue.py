"""Evidence that a model is better than another, added up over as many rounds as anyone cares to look at.

A p-value holds for one look; whoever looks after every round, and stops when it is small, is fooled far more often than
one time in twenty. An e-value may be looked at at any time: a betting game against "not better" that is fair or worse
under it, so that its capital reaches 20 at most once in 20 runs, whenever one stops (Ville's inequality; Waudby-Smith
and Ramdas 2010.09686).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

ENOUGH = 20.0
"""The e-value from which on "better" may be said: false at most once in 20."""
BOLDEST = 0.9
"""The largest share of the capital that is bet on one pair."""
LARGEST = 1e300
RULE = (
    "after each round its model and the start model answer evidence_size fresh problems of split val, greedily, in an "
    "order by chance; they decide nothing; the e-value is multiplied by 1 + l (2 X - 1) for each problem that exactly "
    "one solves, X = 1 where it is the round's model, l = min(0.9, max(0, 2 p - 1)), p = (wins + 1/2) / (pairs + 1) of "
    "the earlier ones; from "
    f"{ENOUGH:g} on, better may be said"
)
"""What config.json says of the e-value before the first round."""


@dataclass(frozen=True)
class Evidence:
    """The e-value of "the candidates are not better", after `pairs` problems that exactly one of candidate and
    reference solved, of which the candidates solved `wins`. `log` is its natural logarithm."""

    wins: int = 0
    pairs: int = 0
    log: float = 0.0

    @property
    def value(self) -> float:
        """The e-value, at most 1e300."""
        return min(LARGEST, math.exp(min(self.log, math.log(LARGEST))))

    @property
    def enough(self) -> bool:
        """Whether "better" may be said now."""
        return self.value >= ENOUGH

    @property
    def bet(self) -> float:
        """The share of the capital for the next pair, by the earlier ones alone: max(0, 2 p - 1), where
        p = (wins + 1/2) / (pairs + 1), and at most 0.9."""
        return min(BOLDEST, max(0.0, 2 * (self.wins + 0.5) / (self.pairs + 1) - 1))

    def after(self, wins: Iterable[bool]) -> Evidence:
        """The evidence after more pairs, in their order: whether the candidate solved each."""
        evidence = self
        for won in wins:
            gain = math.log1p(evidence.bet if won else -evidence.bet)
            evidence = Evidence(evidence.wins + won, evidence.pairs + 1, evidence.log + gain)
        return evidence

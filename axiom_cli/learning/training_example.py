"""A verdict as an objective learns from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from axiom_cli.records import Sample, Verdict

Screen = Callable[[Sequence[Sample]], set[int]]
"""Samples -> the places of those that an evaluation has seen."""


@dataclass(frozen=True)
class TrainingExample:
    """A verdict and how it counts. Each objective uses the fields that it needs; the others keep their neutral values.

    `weight`: factor of its loss (sft: how rarely its problem is solved; kto: the balance of both sides).
    `sign`: 1 where the sample is to become likelier, -1 where less likely (dpo, kto).
    `advantage`: its reward minus the mean of its group (grpo), summed over the equal samples that it stands for.
    `count`: how many equal samples it stands for, and `label`: the share of their verdicts that are passes (value).
    """

    verdict: Verdict
    weight: float = 1.0
    sign: int = 1
    advantage: float | None = None
    count: int = 1
    label: float | None = None

    @property
    def row_weight(self) -> float:
        """The one number that its row holds, which recipes and rows call `weight`; below zero it counts against."""
        return self.weight * self.sign * self.count if self.advantage is None else self.advantage

    def to_dict(self) -> dict[str, Any]:
        """The verdict with its weight, without what was merely observed: equal rows are equal bytes."""
        label = {} if self.label is None else {"label": self.label}
        return {**self.verdict.to_dict(), "seconds": 0.0, "weight": self.row_weight, **label}


def without_seen(
    verdicts: Sequence[Verdict], screen: Screen | None, *, judges: bool = False
) -> tuple[list[Verdict], int]:
    """The verdicts on samples that `screen` does not know, and how many it does. What `judges` samples is measured on
    the split `test`, so it is never fitted on a problem of it."""
    seen = screen([verdict.sample for verdict in verdicts]) if screen else set()
    if judges:
        seen = seen | {place for place, verdict in enumerate(verdicts) if verdict.sample.problem.split == "test"}
    return [verdict for place, verdict in enumerate(verdicts) if place not in seen], len(seen)

"""The run itself or one of its controls, and what it has come to so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from axiom_cli.evaluation.comparison import Outcomes
from axiom_cli.experiment.curriculum import ProblemStream
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.models import Resolved
from axiom_cli.records import Adapter


@dataclass
class Arm:
    """The run itself (its name is empty) or one of its controls, and where it stands after the rounds so far."""

    name: str
    model: Resolved
    stream: ProblemStream
    chain: tuple[Adapter, ...] = ()
    history: tuple[TrainingExample, ...] = ()
    sources: tuple[str, ...] = ()
    outcomes: Outcomes = field(default_factory=dict)
    """Of its model on the validation problems."""
    rates: dict[tuple[str, int], float] = field(default_factory=dict)
    tops: dict[str, int] = field(default_factory=dict)
    out_of_reach: list[str] = field(default_factory=list)
    hard: set[tuple[str, int]] = field(default_factory=set)
    """Families and levels whose problems its start model rarely solves."""
    selection: dict[str, Any] | None = None

    @property
    def is_control(self) -> bool:
        """Whether it is a control, and not the run itself."""
        return bool(self.name)

    def label(self, iteration: int) -> str:
        """`round 1`, `round 1 (shuffled)`."""
        return f"round {iteration + 1}{self.name and f' ({self.name})'}"

    @property
    def optimizer(self) -> str:
        """The stored state of the optimizer at the end of its last training; empty before the first one."""
        return str(self.chain[-1].extra["optimizer"]) if self.chain else ""

"""Who watches a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axiom_cli.learning.objectives import Chosen

if TYPE_CHECKING:
    from axiom_cli.learning.training.run import Progress


def ignore(*_args: object) -> None:
    """What an observer calls by default."""


@dataclass(frozen=True)
class TrainingObserver:
    """What `train`, and the preview of it, call as they make progress: by default nothing.

    `selected` gets what the verdicts gave to train on, before anything is loaded; `step` gets each optimiser step;
    `warn` gets a sentence about a problem that does not stop the run.
    """

    selected: Callable[[Chosen], None] = ignore
    step: Callable[[Progress], None] = ignore
    warn: Callable[[str], None] = ignore

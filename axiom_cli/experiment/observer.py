"""What a loop tells as it makes progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from axiom_cli.learning.train import ignore
from axiom_cli.records import Metrics

if TYPE_CHECKING:
    from axiom_cli.learning.training.run import Progress


PILOT, TRACES, TRAINING = "pilot", "traces", "training"


@dataclass(frozen=True)
class Phase:
    """One part of a run: `traces` and `training` of a cold start, `pilot` (the first samples, which the gates look at),
    `val`, `collect`, `train`, `merge` or `test`.

    `number` is the round, from 1, or the model of a `test`; model 0 is the start model, and its `val` is that of round
    0. `amount` is what there is to do: samples, or rows to train on; 0 where that is not known yet.
    """

    name: str
    number: int
    amount: int = 0
    arm: str = ""


@dataclass(frozen=True)
class LoopObserver:
    """What a loop calls as it makes progress: by default nothing.

    `begin` gets each phase before it, `end` the phase with the amount that was done, and the seconds that it took when
    it was made, which may be long ago. In between, `recalled` gets a number of samples that were made earlier,
    `sampled` numbers of new samples and of their tokens, `judged` how many problems have all their verdicts, and
    `trained` each optimiser step; `learnt` gets the number of a training's steps, whenever they were made. `evaluated`
    gets one model's metrics on one split, the overall row first. `note` gets a sentence about what was done, `warn` one
    about a problem that does not stop the run.
    """

    begin: Callable[[Phase], None] = ignore
    end: Callable[[Phase, float], None] = ignore
    recalled: Callable[[int], None] = ignore
    sampled: Callable[[int, int], None] = ignore
    judged: Callable[[int], None] = ignore
    trained: Callable[[Progress], None] = ignore
    learnt: Callable[[int], None] = ignore
    evaluated: Callable[[Sequence[Metrics]], None] = ignore
    note: Callable[[str], None] = ignore
    warn: Callable[[str], None] = ignore


def both(first: LoopObserver, second: LoopObserver) -> LoopObserver:
    """What tells two that watch one run, the first one first."""

    def pair(name: str) -> Callable[..., None]:
        one, other = getattr(first, name), getattr(second, name)

        def tell(*what: object) -> None:
            one(*what)
            other(*what)

        return tell

    return LoopObserver(**{field.name: pair(field.name) for field in fields(LoopObserver)})

"""A run as trackers show it: loss curve, pass rates and tokens a second of all rounds and arms, in one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from axiom_cli.evaluation.experiment_folder import split_arm
from axiom_cli.experiment.observer import LoopObserver, Phase
from axiom_cli.records import Metrics

if TYPE_CHECKING:
    from axiom_cli.learning.training.run import Progress


class RunTracking:
    """Hands figures by name to `log`, with the arm's training steps so far. Figures of a control arm begin with its
    name. What a resumed run reads back from the workspace has no curve, but the steps after it are counted on."""

    def __init__(self, log: Callable[[Mapping[str, float], int], None]) -> None:
        self._log = log
        self._steps: Counter[str] = Counter()
        self._phase = Phase("", 0)
        self._tokens = 0

    def observer(self) -> LoopObserver:
        """What a loop calls."""
        return LoopObserver(
            begin=self._begin,
            sampled=self._sampled,
            trained=self._trained,
            learnt=self._learnt,
            end=self._end,
            evaluated=self._evaluated,
        )

    def _tell(self, arm: str, group: str, figures: Mapping[str, float], step: int) -> None:
        prefix = "/".join(filter(None, (arm, group)))
        self._log({f"{prefix}/{name}": figure for name, figure in figures.items()}, step)

    def _begin(self, phase: Phase) -> None:
        self._phase, self._tokens = phase, 0

    def _sampled(self, _samples: int, tokens: int) -> None:
        self._tokens += tokens

    def _trained(self, step: Progress) -> None:
        arm = self._phase.arm
        self._tell(arm, "train", step.figures(), self._steps[arm] + step.step)

    def _learnt(self, steps: int) -> None:
        self._steps[self._phase.arm] += steps

    def _end(self, phase: Phase, seconds: float) -> None:
        if self._tokens and seconds:
            speed = {"tokens_per_second": self._tokens / seconds}
            self._tell(phase.arm, phase.name, speed, self._steps[phase.arm])

    def _evaluated(self, rows: Sequence[Metrics]) -> None:
        _, arm = split_arm(rows[0].experiment)
        heat = rows[0].extra["temperature"]
        rates = {f"pass_rate/{r.family}": r.rate for r in rows if r.level == 0 and r.extra["temperature"] == heat}
        self._tell(arm, rows[0].split, rates, self._steps[arm])

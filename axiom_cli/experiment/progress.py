"""Where a run is, on one line: `round 1/3 · collect 4,096/8,000 · 11,200 tok/s · 12 s left · run 2 min left`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from axiom_cli.evaluation.experiment_folder import split_arm
from axiom_cli.experiment.forecast import Clock
from axiom_cli.experiment.observer import PILOT, TRACES, TRAINING, LoopObserver, Phase
from axiom_cli.records import Metrics
from axiom_cli.wording import duration

if TYPE_CHECKING:
    from axiom_cli.learning.training.run import Progress

SEPARATOR = " · "
WARM_UP = 1.0
"""Seconds of a phase before its speed is told."""


@dataclass
class Work:
    """How far a phase is: `done` of `total`, of which `earlier` were done before this process began."""

    phase: Phase
    total: int
    began: float
    done: int = 0
    earlier: int = 0
    tokens: int = 0
    judged: int = 0
    loss: float | None = None


@dataclass
class RunProgress:
    """Follows a run of `rounds` rounds. `note` gets what is worth a line of its own, `warn` warnings, `now` tells the
    time. One thread changes it while others may read its `line`."""

    rounds: int
    clock: Clock
    note: Callable[[str], None]
    warn: Callable[[str], None]
    now: Callable[[], float] = time.monotonic
    begun: bool = True
    """Whether the experiment was begun by an earlier process; what a new one finds, other runs have made."""
    _work: Work | None = None
    _skipped: int = 0
    _resumed: bool = False
    _piloted: int = 0
    _rates: dict[tuple[str, str], float] = field(default_factory=dict)

    def observer(self) -> LoopObserver:
        """What a loop calls."""
        return LoopObserver(
            begin=self.begin,
            end=self.end,
            recalled=self.recalled,
            sampled=self.sampled,
            judged=self.judged,
            trained=self.trained,
            evaluated=self.evaluated,
            note=self.note,
            warn=self.warn,
        )

    def begin(self, phase: Phase) -> None:
        """As `LoopObserver.begin`."""
        self.clock.begin(phase)
        self._work = Work(phase, phase.amount if phase.name != "train" else 0, self.now())

    def end(self, phase: Phase, seconds: float) -> None:
        """As `LoopObserver.end`."""
        work, self._work = self._work, None
        self.clock.end(phase, seconds)
        if work and not work.done and phase.name != PILOT:
            self._skipped += 1

    def recalled(self, samples: int) -> None:
        """As `LoopObserver.recalled`."""
        if work := self._work:
            work.done += samples
            work.earlier += samples
            before, self._piloted = samples - self._piloted, 0
            if before > 0 and work.phase.name != PILOT:
                count = f"{work.done:,} of {work.total:,} samples"
                if self.begun:
                    self._resume(work, f"{work.phase.name}, {count} are there")
                else:
                    self._say_once(
                        f"{title(work.phase)}, {work.phase.name}: {count} were made before, and are read back"
                    )

    def sampled(self, samples: int, tokens: int) -> None:
        """As `LoopObserver.sampled`."""
        if work := self._work:
            if work.done == work.earlier:
                work.began = self.now()
                if work.phase.name != PILOT:
                    self._resume(work, work.phase.name, only_if=self._skipped > 0)
            work.done += samples
            work.tokens += tokens
            if work.phase.name == PILOT:
                self._piloted += samples

    def judged(self, problems: int) -> None:
        """As `LoopObserver.judged`."""
        if self._work:
            self._work.judged = problems

    def trained(self, step: Progress) -> None:
        """As `LoopObserver.trained`."""
        if work := self._work:
            if not work.done:
                work.earlier, work.began = step.step - 1, self.now()
                where = f"training step {work.earlier:,} of {step.steps:,}" if work.earlier else work.phase.name
                self._resume(work, where, only_if=work.earlier > 0 or self._skipped > 0)
            work.done, work.total, work.loss = step.step, step.steps, step.loss

    def _resume(self, work: Work, where: str, *, only_if: bool = True) -> None:
        """Tells once where an interrupted run continues, or a new one begins to make things itself."""
        place = ", ".join(filter(None, (title(work.phase), where)))
        finished = f"what comes before {place}, was made before, and is read back"
        self._say_once(f"resuming: {place}" if self.begun or where != work.phase.name else finished, only_if=only_if)

    def _say_once(self, sentence: str, *, only_if: bool = True) -> None:
        if not self._resumed and only_if:
            self.note(sentence)
        self._resumed = True

    def evaluated(self, rows: Sequence[Metrics]) -> None:
        """As `LoopObserver.evaluated`."""
        first = rows[0]
        _, arm = split_arm(first.experiment)
        before = self._rates.get((first.split, arm))
        self._rates[first.split, arm] = first.rate
        change = "" if before is None else f", {100 * (first.rate - before):+.1f} points"
        kind = "validation" if first.split == "val" else first.split
        model = f"model {first.iteration}{arm and f' ({arm})'}"
        self.note(f"{model}: {100 * first.rate:.1f} % of {first.n:,} {kind} problems{change}")

    def part(self) -> Phase | None:
        """The phase that is at work."""
        return self._work.phase if self._work else None

    def line(self, width: int = 1000, first: str = "") -> str:
        """Where the run is, in at most `width` characters; empty between phases. The line begins with `first`."""
        work = self._work
        if work is None:
            return first
        where = title(work.phase, self.rounds)
        seconds = max(self.now() - work.began, 1e-3)
        new = work.done - work.earlier
        left = (work.total - work.done) * seconds / new if new and work.total and seconds > WARM_UP else None
        amount = f"{work.phase.name} {work.done:,}/{work.total:,}" if work.total else work.phase.name
        parts = [*filter(None, [first, where]), amount]
        extra = []
        if work.loss is not None:
            extra.append(f"loss {work.loss:.3f}")
        if work.tokens and seconds > WARM_UP:
            extra.append(f"{work.tokens / seconds:,.0f} tok/s")
        if left:
            extra.append(f"{duration(left)} left")
        elif left == 0 and work.judged:
            extra.append(f"{work.judged:,} problems judged")
        waiting = self.clock.waiting()
        if left is not None and waiting:
            extra.append(f"run {duration(left + waiting)} left")
        while extra and len(SEPARATOR.join(parts + extra)) > width:
            extra.pop(0)
        return SEPARATOR.join(parts + extra)[:width]


def title(phase: Phase, rounds: int = 0) -> str:
    """`round 1/3`, `round 1/3 (shuffled)`, `start model`, `model 2`; without `rounds` only `round 1`; `round 0` for a
    cold start; nothing for a training by itself."""
    if phase.name in (TRACES, TRAINING):
        name = "round 0"
    elif phase.number == 0:
        name = "" if phase.name == "train" else "start model"
    else:
        total = f"/{rounds}" if rounds else ""
        name = f"model {phase.number}" if phase.name == "test" else f"round {phase.number}{total}"
    return f"{name}{phase.arm and f' ({phase.arm})'}"

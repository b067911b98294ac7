"""What a run is made of, part by part, and how long the rest of it takes, by what its parts have taken so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from axiom_cli.experiment.control_arms import COLD_ONLY, ONE_SHOT
from axiom_cli.experiment.observer import Phase
from axiom_cli.learning import replay
from axiom_cli.models import Resolved

TRAINING_COST = 6.0
"""Seconds for a row to train on, in those of a sample, until the first training tells better: a forward and a backward
pass cost three times a forward pass, and a row is seen about twice."""
PASS_RATE = 0.4
"""Share of the samples that become rows, until the first round tells better."""
ENDLESS = 1 << 40
SAMPLE_DISK = 9 << 10
"""Bytes of disk that a sample takes at least: two blocks of its own (what was sampled, and its receipt), and its
verdict in two files."""
WEIGHTS = (".safetensors", ".bin")
TESTED = 5
"""Rounds of a run beyond which not every model is tested."""


def tested(rounds: int) -> list[int]:
    """The rounds whose models are tested, 0 being the start: all of a short run, of a long one TESTED evenly spaced."""
    parts = min(rounds, TESTED)
    return sorted({round(part * rounds / max(1, parts)) for part in range(parts + 1)})


def schedule(  # noqa: PLR0913 - the sizes of a run
    arms: Sequence[str], rounds: int, collect: int, val: int, test: int, samples_at_test: int, evidence: int = 0
) -> list[Phase]:
    """The phases of a run and its control arms, in order, given the samples of each. The first model and the selected
    one, which is taken for the last, are tested with more samples; `evidence` are those of a round's e-value."""
    phases = []
    for arm in arms:
        phases.append(Phase("val", 0, val, arm))
        for number in range(1, rounds + 1):
            phases += [Phase("collect", number, collect, arm)] * (arm != COLD_ONLY)
            if arm != ONE_SHOT or number == rounds:
                phases += [Phase("train", number, 0, arm), Phase("val", number, val, arm)]
            phases += [Phase("evidence", number, evidence)] * bool(evidence and not arm)
    ends = (0, rounds)
    return phases + [
        Phase("test", number, test * (1 + samples_at_test * (number in ends)), arm)
        for arm in arms
        for number in (ends if arm == ONE_SHOT else tested(rounds))
    ]


def growth(number: int, shares: Mapping[str, float]) -> float:
    """How many rows round `number` trains on for each new one, where every round gives as many new ones."""
    available = {"new": 1000, "history": 1000 * (number - 1), "cold": ENDLESS}
    return replay.natural_total(available, shares) / 1000


class Clock:
    """The phases of a run that are still to come, and what each kind costs."""

    def __init__(self, phases: Sequence[Phase], shares: Mapping[str, float]) -> None:
        """`shares` are those of the replay buffer."""
        self._waiting, self._shares = list(phases), shares
        self._cost: dict[str, float] = {}
        self._new_rows = 0.0

    def begin(self, phase: Phase) -> None:
        """The phase begins: neither it nor what was to come before it is waiting any longer."""
        key = (phase.name, phase.number, phase.arm)
        place = next((i for i, p in enumerate(self._waiting) if (p.name, p.number, p.arm) == key), -1)
        self._waiting = self._waiting[place + 1 :]

    def end(self, phase: Phase, seconds: float) -> None:
        """A phase is done: how much it was, and how long that took when it was done."""
        if phase.amount and seconds:
            self._cost[phase.name] = seconds / phase.amount
        if phase.amount and phase.name == "train" and not phase.arm:
            self._new_rows = phase.amount / growth(phase.number, self._shares)

    def waiting(self) -> float | None:
        """Seconds for the phases after this one; None before anything was measured, or if this is the last one."""
        if not self._cost or not self._waiting:
            return None
        return sum(self._seconds(phase) for phase in self._waiting)

    def _seconds(self, phase: Phase) -> float:
        sample = self._cost.get(phase.name) or [cost for name, cost in self._cost.items() if name != "train"][-1]
        if phase.name != "train":
            return phase.amount * sample
        collected = next((p.amount for p in self._waiting if p.name == "collect"), 0)
        new = self._new_rows or PASS_RATE * collected
        rounds = range(1 if phase.arm == ONE_SHOT else phase.number, phase.number + 1)  # the one training is of all
        rows = new * sum(growth(number, self._shares) for number in rounds)
        return rows * self._cost.get("train", TRAINING_COST * sample)


def least_disk(base: Resolved, phases: Sequence[Phase], models: int) -> int:
    """The least disk, in bytes, for a run of these phases that makes this many models. A merged model lies in the
    workspace twice: as an object, and checked out."""
    samples = sum(phase.amount for phase in phases if phase.name != "train")
    return samples * SAMPLE_DISK + 2 * models * weight_bytes(base.path)


def weight_bytes(model: Path) -> int:
    """Bytes of a model's weights on disk."""
    files = [model] if model.is_file() else [file for file in model.glob("*") if file.suffix in WEIGHTS]
    return sum(file.stat().st_size for file in files)

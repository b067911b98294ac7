"""What a run takes, measured: one small round of it in a scratch workspace, scaled up to the whole.

The stages are the run's own, with its model and its settings, so that whatever they refuse is refused here. A round
costs a fixed part and a part for each sample or row; two sizes of sampling tell these apart. The first round stands for
all: a model that comes to write longer answers takes longer. Only of a climb it is known how the problems grow.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, TypeVar

from axiom_cli import drafts
from axiom_cli.errors import NothingToDoError
from axiom_cli.experiment import climb
from axiom_cli.experiment.arm import Arm
from axiom_cli.experiment.curriculum import ProblemStream
from axiom_cli.experiment.forecast import PASS_RATE, TRAINING_COST, growth, weight_bytes
from axiom_cli.experiment.gates import size
from axiom_cli.experiment.observer import LoopObserver
from axiom_cli.experiment.round import RoundSteps
from axiom_cli.experiment.writer import ExperimentWriter
from axiom_cli.learning.replay import parse_shares
from axiom_cli.learning.train import MIN_ROWS, ignore
from axiom_cli.records import Problem
from axiom_cli.sampling.rollout import rollout
from axiom_cli.wording import duration
from axiom_cli.workspace.store import Workspace

if TYPE_CHECKING:
    from axiom_cli.experiment.loop import Loop
    from axiom_cli.learning.training.run import Progress

SAMPLING_SECONDS = 20.0
"""As many problems are sampled as take so long at the pace of the pilot, whose few samples are slow ones ..."""
ROWS, LONGEST_SAMPLING = 48, 60.0
"""... or as give so many rows to train on, if those are more and take at most so many seconds."""
TRAINING_SECONDS = 10.0
"""Rows are left out that would take longer to train on than this, by what a sample costs."""
FEWEST_STEPS, VALIDATION, WARMING = 4, 64, 8
"""Training steps, validation problems, and problems to warm up with."""
LONGER = 1.15
"""What samples gain in length over a run, since the solutions that a model learns from are longer than those it writes:
nano's grow by this in three rounds on average."""
ROW_DISK = 2 << 10
"""Bytes of disk that a row is taken to need where too few are there to train on."""
HELD_IN_MEMORY = 8 << 10
"""Bytes of memory that a sample of a round takes while the round is collected."""
T = TypeVar("T")


@dataclass(frozen=True)
class Forecast:
    """What the whole run takes: seconds in all and for two kinds of phases, tokens sampled, and bytes of memory (of the
    main process) and of disk. `accelerator` is the memory there, 0 without one."""

    seconds: float
    sampling: float
    training: float
    tokens: int
    memory: int
    disk: int
    accelerator: int = 0

    def lines(self) -> Iterator[str]:
        """The forecast in words."""
        parts = f"{duration(self.sampling)} of sampling, {duration(self.training)} of training"
        yield f"it takes about {duration(self.seconds)} on this machine as busy as it is now: {parts}"
        gpu = f", {size(self.accelerator)} of the accelerator's" if self.accelerator else ""
        yield f"about {count(self.tokens)} tokens, {size(self.memory)} of memory{gpu}, {size(self.disk)} of disk"

    def to_dict(self) -> dict[str, Any]:
        """The numbers as a record."""
        return {"kind": "plan", **asdict(self)}


@dataclass(frozen=True)
class Cost:
    """Seconds and bytes of disk for a phase, and for each sample or row of it."""

    fixed: float
    each: float
    disk_fixed: float
    disk_each: float

    def seconds(self, amounts: Sequence[float]) -> float:
        """Those of phases of these sizes."""
        return sum(self.fixed + self.each * amount for amount in amounts)

    def disk(self, amounts: Sequence[float]) -> float:
        """The bytes of phases of these sizes."""
        return sum(self.disk_fixed + self.disk_each * amount for amount in amounts)


@dataclass(frozen=True)
class Measured:
    """What a small round took: seconds until the engine was ready, what sampling and training cost, the tokens of a
    sample and of a greedy one, and how many new rows the `collected` samples gave. The run's problems are `longer` than
    those on average: its levels rise in a climb."""

    loading: float
    sampling: Cost
    training: Cost
    tokens: float
    greedy: float
    new: float
    collected: int
    longer: float = 1.0


def scaled(measured: Measured, work: Loop) -> Forecast:
    """The forecast for the whole run."""
    phases, a_round = work.phases(), work.round_size * work.config.solve.samples
    samples = [float(phase.amount) for phase in phases if phase.name != "train"]
    evaluated = {"val": len(work.supply.val), "test": len(work.supply.test), "evidence": 2 * work.config.evidence_size}
    greedy = sum(evaluated.get(phase.name, 0) for phase in phases)
    shares, new = parse_shares(work.config.replay), measured.new / measured.collected * a_round
    rows = [new * growth(phase.number, shares) for phase in phases if phase.name == "train"]
    sampling = LONGER * measured.longer * measured.sampling.seconds(samples)
    training = measured.longer * measured.training.seconds(rows)
    tokens = measured.longer * measured.tokens * (sum(samples) - greedy) + measured.greedy * greedy
    return Forecast(
        seconds=measured.loading + sampling + training,
        sampling=sampling,
        training=training,
        tokens=round(LONGER * tokens),
        memory=_peak() + max(0, a_round - measured.collected) * HELD_IN_MEMORY,
        disk=round(measured.sampling.disk(samples) + measured.training.disk(rows)),
        accelerator=_accelerator_peak(),
    )


def count(number: float) -> str:
    """A large number as people say it: `1.2 million`, `530,000`."""
    return f"{number / 1e6:.1f} million" if number >= 1e6 else f"{round(number, -3) or round(number):,.0f}"


def measure(work: Loop, observer: LoopObserver) -> Forecast:
    """The forecast for a run. Raises what the gates and the stages of its first round raise."""
    with drafts.temporary() as folder:
        return scaled(_Probe(work, folder, observer).measure(), work)


class _Probe:
    """One small round, step by step."""

    def __init__(self, work: Loop, root: Path, observer: LoopObserver) -> None:
        self.work, self.root, self.config = work, root, work.config
        self.steps_seen: list[Progress] = []
        self.tokens = 0
        self.observer = replace(observer, sampled=self._sampled(observer), trained=self._trained(observer))
        self.workspace = Workspace.create(root / "workspace")

    def _sampled(self, observer: LoopObserver) -> Callable[[int, int], None]:
        def sampled(samples: int, tokens: int) -> None:
            self.tokens += tokens
            observer.sampled(samples, tokens)

        return sampled

    def _trained(self, observer: LoopObserver) -> Callable[[Progress], None]:
        def trained(step: Progress) -> None:
            self.steps_seen.append(step)
            observer.trained(step)

        return trained

    def measure(self) -> Measured:
        """The pilot, then a round up to its merge."""
        work, config = self.work, self.config
        loading, _ = timed(self._warm_up)
        pilot, verdicts = timed(lambda: work.pilot(self.workspace, self.observer))
        passed = max(1, sum(verdict.passed for verdict in verdicts))
        times = min(max(1, ROWS / passed, SAMPLING_SECONDS / pilot), LONGEST_SAMPLING / pilot)
        enough = len(verdicts) / config.solve.samples * times
        small = replace(
            config,
            iterations=1,
            control="",
            ignore_gates=True,
            train_size=max(1, min(work.round_size, round(enough))),
            solve=replace(config.solve, seed=config.solve.seed + 1),  # nothing is read back from the pilot
        )
        supply = replace(work.supply, val=work.supply.val[:VALIDATION], test=[])
        writer = ExperimentWriter(small, work.base, self.observer.warn, self.root / "experiments")
        writer.folder.path.mkdir(parents=True)
        quiet = replace(self.observer, note=ignore, warn=ignore, evaluated=ignore)
        steps = RoundSteps(small, work.base, self.workspace, work.engine, supply, writer, quiet)
        tops = climb.first_tops(supply, climb.start_level(config))
        arm = Arm("", work.base, ProblemStream(supply, config.seed + 1), tops=tops)
        self.tokens = 0
        steps.validate(arm, 0)
        greedy, self.tokens = self.tokens / len(supply.val), 0
        collecting, collected = timed(lambda: steps.collect(arm, 0))
        fixed, each = _line((len(verdicts), pilot), (len(collected), collecting))
        disk = _used(self.root) / (len(verdicts) + len(supply.val) + len(collected))
        sampling = Cost(fixed, each, 0.0, disk)
        new, training = self._train(steps, arm, collected, each)
        tokens, longer = self.tokens / len(collected), 1.0
        if tops:
            longer = mean(_lengths(work.supply.val)) / mean(_lengths(v.sample.problem for v in collected))
        return Measured(loading, sampling, training, tokens, greedy, new, len(collected), longer)

    def _warm_up(self) -> None:
        """Loads the engine, and lets it do for the first time what takes longer then."""
        engine = self.work.engine.load_weights(self.work.base)
        for _ in rollout(
            self.work.supply.val[:WARMING], engine, replace(self.config.solve, samples=1), self.config.verify
        ):
            pass

    def _train(self, steps: RoundSteps, arm: Arm, collected: list[Any], sample_seconds: float) -> tuple[float, Cost]:
        """How many new rows the samples gave, and what training on rows and merging costs."""
        guess = Cost(0.0, TRAINING_COST * sample_seconds, 2.0 * weight_bytes(self.work.base.path), ROW_DISK)
        try:
            new = steps.rows.select(arm, collected, 0)
            mix = steps.rows.mix(arm, new, 0)
        except NothingToDoError:
            return PASS_RATE * len(collected), guess
        if len(mix.examples) < MIN_ROWS:
            return max(len(new), PASS_RATE * len(collected)), guess
        train = self.config.train
        per_step = train.batch_size * train.grad_accum
        affordable = round(TRAINING_SECONDS / max(guess.each, 1e-6))
        rows = max(MIN_ROWS, min(affordable, len(mix.examples)), round(FEWEST_STEPS * per_step / train.epochs))
        stride = max(1, len(mix.examples) // rows)
        before = _used(self.root)
        spent, adapter = timed(lambda: steps.train(arm, replace(mix, examples=mix.examples[::stride]), 0))
        trained = _used(self.root) - before
        merging, _ = timed(lambda: steps.merge(arm, adapter, mix, 0))
        first, last = self.steps_seen[0], self.steps_seen[-1]
        per_step_seconds = (last.seconds - first.seconds) / max(1, last.step - first.step)
        of_adapter = 2 * sum(file.stat().st_size for file in Path(adapter.path).iterdir())
        return len(new), Cost(
            fixed=max(0.0, spent - last.seconds) + merging,
            each=per_step_seconds * last.steps / adapter.rows,
            disk_fixed=of_adapter + _used(self.root) - before - trained,
            disk_each=max(0.0, trained - of_adapter) / adapter.rows,
        )


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """The seconds that it took, and its result."""
    start = time.monotonic()
    result = work()
    return time.monotonic() - start, result


def _lengths(problems: Iterable[Problem]) -> Iterator[int]:
    return (len(problem.prompt) for problem in problems)


def _line(few: tuple[int, float], many: tuple[int, float]) -> tuple[float, float]:
    """The fixed part of a cost and the part for each, from two measurements (amount, seconds)."""
    (n, seconds), (m, more) = few, many
    each = (more - seconds) / (m - n) if m > 2 * n and more > seconds else more / max(1, m)
    return max(0.0, more - each * m), each


def _used(folder: Path) -> int:
    """Bytes of disk that the files in a folder take, in whole blocks."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if not path.is_dir())


def _peak() -> int:
    """The most bytes of memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _accelerator_peak() -> int:
    import torch

    return torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0

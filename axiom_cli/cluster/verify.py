"""Verify on several machines: programs go to sandboxes on the nodes; answers are checked here, and so is what a checker
of the user's judges, since its package is here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

from axiom_cli.cluster import Role, open_pool
from axiom_cli.cluster.node import SandboxWorker
from axiom_cli.cluster.scheduler import Scheduler, Shard
from axiom_cli.prefetch import Prefetcher
from axiom_cli.records import Program, Sample, Verdict
from axiom_cli.sandbox import Outcome, Sandbox
from axiom_cli.settings.configs import DistributeConfig, VerifyConfig
from axiom_cli.verification import math_answers
from axiom_cli.verification.checkers import CheckerProcess
from axiom_cli.verification.verify import NEEDS_ALGEBRA, as_verdict, math_attempt, program_or_outcome

READ_AHEAD = 64
PROGRAMS = 64
"""Programs in a shard, for each one that a worker runs at once."""
MOST = 1024
"""Samples in a shard, most of which need no program to be run."""
Item = tuple[Sample, str | Outcome]


class SampleShards:
    """Shards of samples as they come in: full ones, or what is there for a worker that has nothing to do."""

    def __init__(self, samples: Iterable[Sample], config: VerifyConfig, checkers: CheckerProcess) -> None:
        self._config, self._checkers, self._formulas = replace(config, jobs=1), checkers, ExitStack()
        self._sandbox: Sandbox | None = None
        self._input = Prefetcher(((sample, self._judged(sample)) for sample in samples), READ_AHEAD)
        self._programs = PROGRAMS * (config.jobs or 1)
        self._items: list[Item] = []
        self._codes = self._taken = 0
        self._failure: Exception | None = None

    def _judged(self, sample: Sample) -> str | Outcome:
        """As `program_or_outcome`; mathematics is compared here."""
        code = program_or_outcome(sample, self._checkers)
        if isinstance(code, str) or code.reason != NEEDS_ALGEBRA:
            return code
        self._sandbox = self._sandbox or self._formulas.enter_context(math_answers.open_sandbox(self._config))
        _, comparison, program = math_attempt(sample, self._checkers)
        assert isinstance(comparison, str) and program is not None
        return math_answers.judged(self._sandbox.run(comparison, program))

    @property
    def ended(self) -> bool:
        """Whether all samples were taken."""
        return not self._items and self._failure is None and self._input.ended

    def take(self, *, hungry: bool) -> Shard | None:
        """The next shard, if there is one now. Raises what the samples raise, after those before it."""
        full = self._fill()
        if not self._items:
            failure, self._failure = self._failure, None
            if failure is not None:
                raise failure
            return None
        over = self._failure is not None or self._input.ended
        if not (full or over or hungry or not self._codes):
            return None
        items, first = self._items, self._taken + 1
        self._items, self._codes, self._taken = [], 0, self._taken + len(items)
        return Shard(items, _request(items), f"the shard of samples {first:,} to {self._taken:,}")

    def _fill(self) -> bool:
        """Takes in what has come. Whether that makes a full shard."""
        while self._codes < self._programs and len(self._items) < MOST and self._failure is None:
            try:
                item = self._input.take()
            except Exception as error:  # noqa: BLE001 - whatever the samples raise is raised by `take` in its turn
                self._failure = error
                return False
            if item is None:
                return False
            self._items.append(item)
            self._codes += isinstance(item[1], str)
        return self._failure is None

    def close(self) -> None:
        """Ends the reading."""
        self._input.close(patience=0)
        self._formulas.close()


def _request(items: list[Item]) -> tuple[list[Program], list[tuple[str, int]]] | None:
    """What a worker is asked for: each program once, and the codes with the places of theirs. None where no code is."""
    programs: list[Program] = []
    attempts: list[tuple[str, int]] = []
    for sample, code in items:
        program = sample.problem.program
        if isinstance(code, str) and program is not None:
            if not programs or programs[-1] != program:
                programs.append(program)
            attempts.append((code, len(programs) - 1))
    return (programs, attempts) if attempts else None


def open_sandboxes(config: VerifyConfig, distributed: DistributeConfig) -> Scheduler:
    """Sandboxes with these limits on every worker of a cluster, one program a worker at once unless `config.jobs` says
    more. The first is open; `run` raises where another reaches less than `config.isolation`, as this does for it."""
    jobs = config.jobs or 1
    pool = open_pool(distributed, Role(SandboxWorker, jobs))
    try:
        scheduler = Scheduler(pool, (replace(config, jobs=jobs),), "run")
        scheduler.describe()
    except BaseException:
        pool.close()
        raise
    return scheduler


def verify(samples: Iterable[Sample], scheduler: Scheduler, config: VerifyConfig) -> Iterator[Verdict]:
    """As the stage `verify`, its programs run by the workers of `scheduler`. A verdict's isolation is its worker's; a
    sample that holds no program has that of its shard. What ended a worker's run is raised after its verdicts."""
    first = scheduler.describe()["level"]
    checkers = CheckerProcess(config)
    source = SampleShards(samples, config, checkers)
    with checkers, closing(source), closing(scheduler.run(source)) as shards:
        for shard in shards:
            level, outcomes, error = shard.result or (first, [], None)
            ran: Iterator[Outcome] = iter(outcomes)
            for sample, code in shard.items:
                outcome = next(ran, None) if isinstance(code, str) else code
                if outcome is None:
                    raise error or RuntimeError(f"{shard.name} has more programs than its {len(outcomes)} outcomes")
                yield as_verdict(sample, outcome, level)

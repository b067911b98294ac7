"""The workers of one sandbox: started as they are needed, each proved to isolate, replaced when dead or worn out."""

from __future__ import annotations

import select
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from axiom_cli.errors import MissingError
from axiom_cli.prefetch import Prefetcher
from axiom_cli.sandbox import levels
from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.judge import INFRA, Outcome, judge
from axiom_cli.sandbox.load import slowdown
from axiom_cli.sandbox.probe import probe
from axiom_cli.sandbox.worker import DRAIN_SECONDS, START_SECONDS, Job, Setup, Worker

IN_FLIGHT = 2  # jobs a worker holds: one that runs and one that waits
WINDOW = 64  # entries a worker that may await their turn
TRIES = 3
LAST_RESORT = 8  # times the wall limit, where the time that a program sleeps is counted
SLEEPING_SHARE = 0.05  # a program that waits uses less than this share of its processor time
WORKING_SHARE = 0.25  # one that works uses more than this


@dataclass(frozen=True)
class Limits:
    """Of one program, and of tests that are code: seconds of processor time, mebibytes of memory over the bare
    interpreter, bytes of results. `test` is seconds of processor time for one test, 0 for no limit of its own."""

    timeout: float = 5.0
    test: float = 0.0
    memory: int = 256
    result_bytes: int = 1 << 20

    @property
    def wall(self) -> float:
        """Seconds by the clock on the wall, against programs that sleep."""
        return 2 * self.timeout + 0.5


class WorkerPool:
    """At most `size` workers. `waiting` are the jobs that none of them has yet; `input` wakes a wait for new ones."""

    def __init__(self, limits: Limits, size: int, setup: Setup) -> None:
        self.limits, self.size, self.setup = limits, size, setup
        self.workers: list[Worker] = []
        self.waiting: deque[Job] = deque()
        self.input: Prefetcher[Any] | None = None
        self._level = levels.LEVELS[-1]

    @property
    def capacity(self) -> int:
        """How many programs may be under way or wait for those before them."""
        return WINDOW * self.size

    def start_first(self) -> tuple[levels.Level, list[str]]:
        """Starts one worker. Returns its isolation level, which no later one may fall below, and what is missing."""
        self.workers.append(self._make())
        self._level, missing = self._probe(self.workers[0])
        return self._level, missing

    def close(self) -> None:
        """Ends all workers."""
        while self.workers:
            self.workers.pop().close()

    def abandon(self) -> None:
        """After an early end: workers that still have jobs are not kept."""
        self.waiting.clear()
        for busy in [worker for worker in self.workers if worker.jobs]:
            self.workers.remove(busy)
            busy.kill()

    def hand_out(self) -> None:
        """Gives waiting jobs to the workers with the fewest, starting workers as they are needed."""
        while self.waiting:
            self._put_away()
            ready = [worker for worker in self.workers if not worker.worn_out]
            best = min(ready, key=lambda worker: len(worker.jobs), default=None)
            if (best is None or best.jobs) and len(self.workers) < self.size:
                self.workers.append(best := self._start())
            if best is None or len(best.jobs) >= IN_FLIGHT:
                return
            job = self.waiting.popleft()
            job.wall = self.limits.wall * (slowdown() * (1 + job.tries) if best.idleness is None else LAST_RESORT)
            best.submit(job)

    def wait(self, *, reading: bool) -> None:
        """Until something has happened: a report, room for a program, new input, or a while has passed."""
        poller = select.poll()
        owners: dict[int, tuple[Worker, Job | None]] = {}
        for worker in self.workers:
            owners.update(worker.register(poller))
        if reading and self.input is not None:
            poller.register(self.input, select.POLLIN)
        busy = [worker for worker in self.workers if worker.jobs]
        patience = DRAIN_SECONDS if busy else START_SECONDS
        for descriptor, _event in poller.poll(patience * 1000):
            owner, job = owners.get(descriptor, (None, None))
            if owner is not None and job is not None:
                owner.exchange(job)
            elif owner is not None:
                for ended, report in owner.reports():
                    self._conclude(owner, ended, report)
        for worker in busy:
            for job in worker.jobs.values():
                worker.exchange(job)
            worker.end_sleeper(self.limits.wall)
            worker.dead = worker.dead or (bool(worker.jobs) and worker.overdue() <= 0)
        self._put_away()

    def _put_away(self) -> None:
        """Ends dead and worn-out workers; the jobs of a dead one are tried again in a fresh one."""
        for ended in [worker for worker in self.workers if worker.dead or (worker.worn_out and not worker.jobs)]:
            self.workers.remove(ended)
            ended.close()
            for job in reversed(ended.jobs.values()):
                self._try_again(job, "its worker died")

    def _try_again(self, job: Job, why: str) -> None:
        job.close()
        job.tries += 1
        if job.tries < TRIES:
            self.waiting.appendleft(job)
        else:
            job.outcome = Outcome(INFRA, 0, job.suite.total, why, settled=False)

    def _conclude(self, owner: Worker, job: Job, report: messages.Report) -> None:
        spans = self.limits.timeout, self.limits.test, self.limits.wall if job.asleep else job.wall
        outcome = judge(job.suite, bytes(job.received), report, spans, flooded=job.flooded)
        job.received = bytearray()
        if report.cause == messages.WALL_LIMIT and not job.asleep and self._starved(owner, job, report):
            outcome = replace(outcome, status=INFRA, reason="the machine was too busy to run it")
        if outcome.status == INFRA and not outcome.settled:
            owner.retire()  # a fresh zygote for what follows
            self._try_again(job, outcome.reason)
        else:
            job.outcome = outcome

    def _starved(self, owner: Worker, job: Job, report: messages.Report) -> bool:
        """Whether a program that ran out of wall time may have waited for a processor, and not for itself."""
        used = report.cpu / self.limits.timeout
        if owner.idleness is not None:
            return used > SLEEPING_SHARE
        if slowdown() > 1:
            return job.tries == 0 or used > SLEEPING_SHARE
        return used > WORKING_SHARE and job.tries < TRIES - 1  # the crowd may have left just now

    def _make(self) -> Worker:
        limits = self.limits
        order = messages.Order(0, limits.timeout, limits.test, 0.0, limits.memory << 20, limits.result_bytes, 0)
        return Worker(order, self.setup)

    def _probe(self, worker: Worker) -> tuple[levels.Level, list[str]]:
        return probe(worker, self.limits.wall * slowdown())

    def _start(self) -> Worker:
        """One worker more, proved to isolate no less than the first. Raises MissingError where none does."""
        for _ in range(TRIES):
            level, missing = self._probe(worker := self._make())
            if levels.LEVELS.index(level) >= levels.LEVELS.index(self._level) and not worker.dead:
                return worker
            worker.kill()
        why = f" ({'; '.join(missing)})" if missing else ""
        raise MissingError(
            f"a new sandbox worker reaches isolation '{level}'{why}, but the first one reached '{self._level}'",
            f"use fewer --jobs, or --isolation {level} to accept it",
        )

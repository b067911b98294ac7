"""The sandbox as its users see it: programs in, outcomes out, in order, on several workers at once."""

from __future__ import annotations

import os
import select
import sys
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Generic, TypeVar

from axiom_cli import ids, records
from axiom_cli.errors import MissingError
from axiom_cli.prefetch import Prefetcher
from axiom_cli.sandbox import levels, suite, worker
from axiom_cli.sandbox.crowding import crowding
from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.judge import INFRA, Outcome, judge
from axiom_cli.sandbox.proof import prove
from axiom_cli.sandbox.worker import Job, Worker

Key = TypeVar("Key")
Asked = records.Program | suite.Calls
Item = tuple[Key, str | Outcome, Asked | None]
READ_AHEAD = 64  # items read before they are asked for
IN_FLIGHT = 2  # jobs a worker holds: one that runs and one that waits
WINDOW = 64  # entries a worker that may await their turn
REMEMBERED = 4096  # outcomes kept, so that equal programs run once
SUITES = 512
TRIES = 3
SLEEPER = 0.05  # a program that waits uses less than this share of its processor time
WORKER = 0.25  # one that works uses more than this


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


class Listed(Generic[Key]):
    """What is there already: no thread."""

    def __init__(self, items: Iterable[Item[Key]]) -> None:
        self._left = deque(items)

    def take(self) -> Item[Key] | None:
        """The next item, or None at the end."""
        return self._left.popleft() if self._left else None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return not self._left

    def fileno(self) -> int:
        """Nothing to wait for."""
        return -1


class Sandbox:
    """Runs untrusted Python. Open it with `with`; `level` and `missing` say how well it isolates, proved at the start.

    `isolation` is `auto` or the weakest level accepted. Raises MissingError where that is not reached. `hash_seed` is
    what the programs' hashes of text start from; `packages` are importable beside the standard library.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        jobs: int = 0,
        isolation: str = "auto",
        layers: tuple[str, ...] = worker.LAYERS,
        hash_seed: int = 0,
        packages: tuple[str, ...] = (),
    ) -> None:
        if sys.platform == "win32":
            raise MissingError("there is no sandbox for Windows", "run axiom in WSL 2")
        self.limits = limits or Limits()
        self.jobs = jobs or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0])
        self._setup = worker.Setup(layers, hash_seed, packages)
        self._workers: list[Worker] = []
        self._known: OrderedDict[str, Outcome] = OrderedDict()
        self._suites: OrderedDict[int, tuple[records.Program, suite.AnySuite]] = OrderedDict()
        try:
            self._workers.append(self._make())
            self.level, self.missing = self._prove(self._workers[0])
            levels.require(self.level, isolation, self.missing)
            if self.level in ("limited", "none"):
                worker.hide_this_process()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends all workers."""
        while self._workers:
            self._workers.pop().close()

    def check(self, code: str, program: records.Program) -> Outcome:
        """The outcome of one program."""
        return next(self._run(Listed([(None, code, program)])))[1]

    def call(self, code: str, asked: suite.Calls) -> Outcome:
        """What a program returns on calls, in `returned`; it is a `pass` where each gave plain data."""
        return next(self._run(Listed([(None, code, asked)])))[1]

    def check_many(self, items: Iterable[Item[Key]]) -> Iterator[tuple[Key, Outcome]]:
        """The outcomes of (key, code, program), in order, each as soon as it and those before it are there.

        Where an Outcome stands in the place of code, it is passed on in its turn.
        Reads ahead in a thread, a bounded number of items; an exception of `items` is raised after the outcomes of
        what came before it.
        """
        source = Prefetcher(items, READ_AHEAD)
        try:
            yield from self._run(source)
        finally:
            source.close(patience=0)

    def _run(self, source: Prefetcher[Item[Key]] | Listed[Item[Key]]) -> Iterator[tuple[Key, Outcome]]:
        line: deque[tuple[Any, Job]] = deque()
        waiting: deque[Job] = deque()
        under_way: dict[str, Job] = {}
        failure: Exception | None = None
        try:
            while True:
                while line and line[0][1].outcome is not None:
                    key, job = line.popleft()
                    under_way.pop(job.key, None)
                    yield key, job.outcome
                while failure is None and len(line) < WINDOW * self.jobs:
                    try:
                        if (item := source.take()) is None:
                            break
                        line.append((item[0], self._admit(item[1], item[2], waiting, under_way)))
                    except Exception as error:  # raised below, when its turn has come
                        failure = error
                self._hand_out(waiting)
                if line and line[0][1].outcome is not None:
                    continue
                if not line and failure is not None:
                    raise failure
                if not line and source.ended:
                    return
                self._wait(waiting, source.fileno() if failure is None and len(line) < WINDOW * self.jobs else -1)
        finally:
            self._abandon()

    def _admit(self, code: str | Outcome, program: Asked | None, waiting: deque[Job], under_way: dict[str, Job]) -> Job:
        """The job of this program: a known outcome, one that is under way already, or a new one."""
        if isinstance(code, Outcome) or program is None:
            return Job(None, "", outcome=code)
        prepared = program if isinstance(program, suite.Calls) else self._suite(program)
        key = ids.digest(f"{prepared.key}\0{code}".encode("utf-8", "surrogatepass"))
        if (job := under_way.get(key)) is not None:
            return job
        job = Job(prepared, code, key=key)
        if (outcome := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            job.outcome = outcome
            return job
        if "\0" in code or not _is_text(code):
            job.outcome = Outcome("fail", 0, prepared.total, "SyntaxError: the program is not text")
            return job
        under_way[key] = job
        waiting.append(job)
        return job

    def _suite(self, program: records.Program) -> suite.AnySuite:
        known = self._suites.get(id(program))
        if known is not None and known[0] is program:
            return known[1]
        prepared = suite.prepare(program)
        self._suites[id(program)] = program, prepared
        if len(self._suites) > SUITES:
            self._suites.popitem(last=False)
        return prepared

    def _hand_out(self, waiting: deque[Job]) -> None:
        """Gives waiting jobs to the workers with the fewest, starting workers as they are needed."""
        while waiting:
            self._replace(waiting)
            ready = [one for one in self._workers if not one.worn]
            best = min(ready, key=lambda one: len(one.jobs), default=None)
            if (best is None or best.jobs) and len(self._workers) < self.jobs:
                self._workers.append(best := self._start())
            if best is None or len(best.jobs) >= IN_FLIGHT:
                return
            job = waiting.popleft()
            job.wall = self.limits.wall * crowding() * (1 + job.tries)
            best.submit(job)

    def _replace(self, waiting: deque[Job]) -> None:
        """Puts away dead and worn workers; the jobs of a dead one are tried again in a fresh one."""
        for one in [one for one in self._workers if one.dead or (one.worn and not one.jobs)]:
            self._workers.remove(one)
            one.close()
            for job in reversed(one.jobs.values()):
                self._again(job, waiting, "its worker died")

    def _again(self, job: Job, waiting: deque[Job], why: str) -> None:
        job.close()
        job.tries += 1
        if job.tries < TRIES:
            waiting.appendleft(job)
        else:
            job.outcome = Outcome(INFRA, 0, job.suite.total, why, settled=False)

    def _wait(self, waiting: deque[Job], wake: int) -> None:
        """Until something has happened: a report, room for a program, new input, or a while has passed."""
        poller = select.poll()
        owners: dict[int, tuple[Worker, Job | None]] = {}
        for one in self._workers:
            owners.update(one.watch(poller))
        if wake >= 0:
            poller.register(wake, select.POLLIN)
        busy = [one for one in self._workers if one.jobs]
        patience = worker.DRAIN_SECONDS if busy else worker.START_SECONDS
        for descriptor, _event in poller.poll(patience * 1000):
            owner, job = owners.get(descriptor, (None, None))
            if owner is not None and job is not None:
                owner.exchange(job)
            elif owner is not None:
                for ended, report in owner.reports():
                    self._conclude(owner, ended, report, waiting)
        for one in busy:
            for job in one.jobs.values():
                one.exchange(job)
            one.dead = one.dead or (bool(one.jobs) and one.overdue() <= 0)
        self._replace(waiting)

    def _conclude(self, owner: Worker, job: Job, report: messages.Report, waiting: deque[Job]) -> None:
        spans = self.limits.timeout, self.limits.test, job.wall
        outcome = judge(job.suite, bytes(job.received), report, spans, job.flooded)
        job.received = bytearray()
        if report.cause == messages.WALL_LIMIT and self._starved(job, report):
            outcome = replace(outcome, status=INFRA, reason="the machine was too busy to run it")
        if outcome.status == INFRA and not outcome.settled:
            owner.served = worker.JOBS_IN_A_LIFE  # a fresh zygote for what follows
            self._again(job, waiting, outcome.reason)
            return
        job.outcome = outcome
        if outcome.settled and job.key and not outcome.returned:
            self._known[job.key] = outcome
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def _starved(self, job: Job, report: messages.Report) -> bool:
        """Whether a program that ran out of wall time may have waited for a processor, and not for itself."""
        used = report.cpu / self.limits.timeout
        if crowding() > 1:
            return job.tries == 0 or used > SLEEPER
        return used > WORKER and job.tries < TRIES - 1  # the crowd may have left just now

    def _abandon(self) -> None:
        """After an early end: workers that still have jobs are not kept."""
        for one in [one for one in self._workers if one.jobs]:
            self._workers.remove(one)
            one.kill()

    def _make(self) -> Worker:
        limits = self.limits
        order = messages.Order(0, limits.timeout, 0.0, limits.memory << 20, limits.result_bytes, 0)
        return Worker(order, limits.test, self._setup)

    def _prove(self, one: Worker) -> tuple[str, list[str]]:
        return prove(one, self.limits.wall * crowding())

    def _start(self) -> Worker:
        """One worker more, proved to isolate no less than the first. Raises MissingError if none can be had."""
        for _ in range(TRIES):
            level, missing = self._prove(one := self._make())
            if levels.LEVELS.index(level) >= levels.LEVELS.index(self.level) and not one.dead:
                return one
            one.kill()
        why = f" ({'; '.join(missing)})" if missing else ""
        raise MissingError(
            f"a new worker reaches {level}{why}, and the first one reached {self.level}",
            f"fewer --jobs may help; --isolation {level} accepts it",
        )


def _is_text(code: str) -> bool:
    try:
        code.encode()
    except UnicodeEncodeError:
        return False
    return True


def isolation_level() -> tuple[str, list[str]]:
    """The level that this machine reaches, and what is missing for a better one, for `axiom doctor`."""
    with Sandbox(Limits(), jobs=1, isolation="none") as box:
        return box.level, box.missing

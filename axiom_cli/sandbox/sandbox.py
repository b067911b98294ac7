"""The sandbox as its users see it: programs in, outcomes out, in order, on several workers at once."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from axiom_cli import ids, records
from axiom_cli.errors import MissingError
from axiom_cli.prefetch import Prefetcher
from axiom_cli.sandbox import levels, suite, worker
from axiom_cli.sandbox.dispatcher import in_order
from axiom_cli.sandbox.judge import Outcome
from axiom_cli.sandbox.pool import Limits, WorkerPool
from axiom_cli.sandbox.worker import Job

Key = TypeVar("Key")
Item = tuple[Key, str | Outcome, records.Program | suite.Calls | None]
READ_AHEAD = 64  # items that are read before they are asked for
REMEMBERED = 4096  # outcomes kept, so that equal programs run once
SUITES = 512


@dataclass(frozen=True)
class Turn(Generic[Key]):
    """An item's place in the line: its outcome, or the job that finds it out."""

    key: Key
    state: Outcome | Job

    @property
    def outcome(self) -> Outcome | None:
        """What came of it, once that is known."""
        return self.state.outcome if isinstance(self.state, Job) else self.state

    @property
    def done(self) -> bool:
        """Whether the outcome is known."""
        return self.outcome is not None


class Sandbox:
    """Runs untrusted Python. Open it with `with`; `level` and `missing` say how well it isolates, proved at the start.

    `isolation` is `auto` or the weakest level accepted. Raises MissingError where that is not reached.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        jobs: int = 0,
        isolation: levels.Level | Literal["auto"] = "auto",
        setup: worker.Setup | None = None,
    ) -> None:
        if sys.platform == "win32":
            raise MissingError("the sandbox does not run on Windows", "run axiom in WSL 2")
        self.limits = limits or Limits()
        self.jobs = jobs or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0])
        self.pool = WorkerPool(self.limits, self.jobs, setup or worker.Setup())
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._suites: OrderedDict[int, tuple[records.Program, suite.AnySuite]] = OrderedDict()
        try:
            self.level, self.missing = self.pool.start_first()
            levels.require(self.level, isolation, self.missing)
            if self.level in ("limited", "none"):
                _hide_this_process()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all workers."""
        self.pool.close()

    def run(self, code: str, program: records.Program | suite.Calls) -> Outcome:
        """The outcome of one program. That of `Calls` is a pass where each returned plain data, and holds it."""
        items: Iterator[Item[None]] = iter([(None, code, program)])
        return next(self._outcomes_of(lambda: next(items, None), lambda: True))[1]

    def run_many(self, items: Iterable[Item[Key]]) -> Iterator[tuple[Key, Outcome]]:
        """The outcomes of (key, code, program), in order, each as soon as it and those before it are there.

        Where an Outcome stands in the place of code, it is passed on in its turn.
        Reads ahead in a thread, a bounded number of items; an exception of `items` is raised after the outcomes of
        what came before it.
        """
        source = Prefetcher(items, READ_AHEAD)
        self.pool.input = source
        try:
            yield from self._outcomes_of(source.take, lambda: source.ended)
        finally:
            self.pool.input = None
            source.close(patience=0)

    def _outcomes_of(
        self, take: Callable[[], Item[Key] | None], ended: Callable[[], bool]
    ) -> Iterator[tuple[Key, Outcome]]:
        under_way: dict[str, Job] = {}

        def next_turn() -> Turn[Key] | None:
            item = take()
            return item and Turn(item[0], self._admit(item[1], item[2], under_way))

        try:
            for turn in in_order(next_turn, ended, self.pool):
                assert turn.outcome is not None
                if isinstance(turn.state, Job):
                    under_way.pop(turn.state.key, None)
                    self._remember(turn.state.key, turn.outcome)
                yield turn.key, turn.outcome
        finally:
            self.pool.abandon()

    def _admit(
        self, code: str | Outcome, program: records.Program | suite.Calls | None, under_way: dict[str, Job]
    ) -> Outcome | Job:
        """The outcome of this program if it is known, the job that is under way already, or a new one."""
        if isinstance(code, Outcome):
            return code
        assert program is not None
        prepared = program if isinstance(program, suite.Calls) else self._suite(program)
        key = ids.digest(f"{prepared.key}\0{code}".encode("utf-8", "surrogatepass"))
        if (job := under_way.get(key)) is not None:
            return job
        if (outcome := self._outcomes.get(key)) is not None:
            self._outcomes.move_to_end(key)
            return outcome
        if "\0" in code or not _is_text(code):
            return Outcome("fail", 0, prepared.total, "SyntaxError: the program is not text")
        under_way[key] = job = Job(prepared, code, key=key)
        self.pool.waiting.append(job)
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

    def _remember(self, key: str, outcome: Outcome) -> None:
        if outcome.settled and not outcome.returned:
            self._outcomes[key] = outcome
            if len(self._outcomes) > REMEMBERED:
                self._outcomes.popitem(last=False)


def _is_text(code: str) -> bool:
    try:
        code.encode()
    except UnicodeEncodeError:
        return False
    return True


def isolation_level() -> tuple[levels.Level, list[str]]:
    """The level that this machine reaches, and what is missing for a better one, for `axiom doctor`."""
    with Sandbox(Limits(), jobs=1, isolation="none") as sandbox:
        return sandbox.level, sandbox.missing


def _hide_this_process() -> None:
    """Makes this process unreadable for others of the same user on Linux; does nothing elsewhere."""
    if sys.platform.startswith("linux"):
        from axiom_cli.sandbox.inside import kernel

        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)

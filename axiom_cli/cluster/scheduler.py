"""Shards handed out to workers, in order and a bounded number at a time; what a lost worker had is done by others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from axiom_cli import __version__
from axiom_cli.cluster import Lost, Pool
from axiom_cli.errors import AxiomError, MissingError

IN_FLIGHT = 2  # shards a worker holds: one that it works on and one that waits
WINDOW = 4  # shards a worker that may await their turn
TRIES = 3  # times that a shard is given to another worker, or a worker that does not start is replaced
GLANCE = 0.05  # seconds between two looks at an input that has nothing yet
PATIENCE = 60.0
"""Seconds until some worker must have its place in the cluster. What it then loads may take as long as it does."""


class Source(Protocol):
    """Where shards come from."""

    @property
    def ended(self) -> bool:
        """Whether no more will come."""
        ...

    def take(self, hungry: bool) -> Shard | None:
        """The next shard, or None where there is none now; a small one rather than none if a worker is `hungry`."""
        ...


@dataclass(eq=False)
class Shard:
    """Consecutive items, what to ask a worker for (None: nothing), and the answer."""

    items: Sequence[Any]
    args: Sequence[Any] | None
    name: str
    result: Any = None
    done: bool = False
    tries: int = 0
    wanted: bool = True


@dataclass
class Worker:
    """What is known of one worker: where it is, what it said of itself when it was ready, what it is doing."""

    place: str = ""
    about: Any = None
    shards: deque[Shard] = field(default_factory=deque)


class Farm:
    """The workers of `pool`, opened with `setup` and asked for `method`. Close it when done.

    `lost` counts workers that were lost with shards, `again` the shards that were therefore given to others.
    Raises MissingError where no worker can be had, where one runs another version of this program or is not like the
    first one in what `alike` gives, and where a shard was lost too often; and whatever a worker raises.
    """

    def __init__(self, pool: Pool, setup: Sequence[Any], method: str, alike: Any = None) -> None:
        self._pool, self._setup, self._method = pool, setup, method
        self._alike = alike or (lambda about: None)
        self._workers: dict[int, Worker] = {}
        self._waiting: deque[Shard] = deque()
        self._first: Worker | None = None
        self._false_starts = 0
        self.lost = self.again = 0
        self._since = time.monotonic()
        for _ in range(pool.size):
            self._start()

    @property
    def size(self) -> int:
        """How many workers there should be."""
        return self._pool.size

    @property
    def ready(self) -> list[Worker]:
        """The workers that can be asked."""
        return [worker for worker in self._workers.values() if worker.about is not None]

    def first(self) -> Any:
        """What the first worker that is ready says of itself."""
        while self._first is None:
            self._step()
        return self._first.about

    def close(self) -> None:
        """Ends all workers."""
        self._pool.close()

    def run(self, source: Source) -> Iterator[Shard]:
        """The shards of `source`, done, in order. What the source raises is raised after the shards before it."""
        line: deque[Shard] = deque()
        failure: Exception | None = None
        try:
            while True:
                while line and line[0].done:
                    yield line.popleft()
                if failure is None:
                    failure = self._admit(source, line)
                self._hand_out()
                if line and line[0].done:
                    continue
                if not line and failure is not None:
                    raise failure
                if not line and source.ended:
                    return
                self._step()
        finally:
            self._abandon(line)

    def _admit(self, source: Source, line: deque[Shard]) -> Exception | None:
        """Takes in what may wait. Returns what the source raised."""
        while len(line) < WINDOW * max(1, len(self.ready)):
            hungry = not self._waiting and any(not worker.shards for worker in self.ready)
            try:
                shard = source.take(hungry)
            except Exception as error:  # raised when its turn has come
                return error
            if shard is None:
                return None
            line.append(shard)
            if shard.args is None:
                shard.done = True
            else:
                self._waiting.append(shard)
                self._hand_out()
        return None

    def _hand_out(self) -> None:
        """Gives waiting shards to the workers with the fewest: one each while others are still to come."""
        most = IN_FLIGHT if len(self.ready) == len(self._workers) else 1
        while self._waiting:
            free = [(len(one.shards), number) for number, one in self._workers.items() if one.about is not None]
            fewest, number = min(free, default=(most, -1))
            if fewest >= most:
                return
            shard = self._waiting.popleft()
            self._workers[number].shards.append(shard)
            self._pool.call(number, self._method, shard.args)

    def _step(self) -> None:
        """Waits a moment, and deals with what has happened."""
        for number, answer in self._pool.poll(GLANCE):
            worker = self._workers[number]
            if isinstance(answer, Lost):
                self._replace(number, worker, answer.why)
            elif isinstance(answer, AxiomError):
                raise type(answer)(f"on {worker.place}: {answer}", answer.hint) from None
            elif isinstance(answer, BaseException):
                raise answer
            elif not worker.place:
                self._placed(number, worker, answer)
            elif worker.about is None:
                self._opened(worker, answer)
            else:
                shard = worker.shards.popleft()
                shard.result, shard.done = answer, True
        if not any(worker.place for worker in self._workers.values()) and time.monotonic() - self._since > PATIENCE:
            raise MissingError(
                f"no worker got a place in the cluster within {PATIENCE:.0f} seconds",
                "`ray status` shows what its processors and accelerators are taken by",
            )

    def _start(self) -> None:
        number = self._pool.start()
        self._workers[number] = Worker()
        self._pool.call(number, "hello")

    def _placed(self, number: int, worker: Worker, hello: dict[str, str]) -> None:
        worker.place = hello["place"]
        if hello["version"] != __version__:
            raise MissingError(
                f"the worker on {worker.place} has axiom-rl {hello['version']}, and this is {__version__}",
                f"on every node, where ray was started from: pip install axiom-rl=={__version__}",
            )
        self._pool.call(number, "open", self._setup)

    def _opened(self, worker: Worker, about: Any) -> None:
        worker.about = about
        self._first = self._first or worker
        if self._alike(about) != self._alike(self._first.about):
            ours, theirs = self._alike(self._first.about), self._alike(about)
            raise MissingError(
                f"the worker on {worker.place} has {theirs}, and that on {self._first.place} has {ours}",
                "every node needs the same model and the same engine",
            )

    def _replace(self, number: int, worker: Worker, why: str) -> None:
        """Puts a lost worker away, its shards back in front, and asks for another worker."""
        del self._workers[number]
        if worker.about is None:
            self._false_starts += 1
        if self._false_starts > TRIES and not self._workers:
            raise MissingError(
                f"no worker starts: {why}",
                f"every node needs axiom-rl {__version__} in the environment that ray was started from",
            )
        given = [shard for shard in worker.shards if shard.wanted]
        if given:
            worker.shards[0].tries += 1  # the others had not been begun
            self.lost += 1
            self.again += len(given)
        for shard in reversed(given):
            if shard.tries > TRIES:
                raise MissingError(
                    f"{shard.name} was lost with {shard.tries} workers; the last: {why}",
                    "what was finished before it is kept; ray's logs on the nodes may say why workers end",
                )
            self._waiting.appendleft(shard)
        if self._false_starts <= TRIES:
            self._since = time.monotonic()
            self._start()

    def _abandon(self, line: deque[Shard]) -> None:
        """After an early end: what is still under way is not waited for, nor done again if it is lost."""
        for shard in line:
            shard.wanted = False
        self._waiting.clear()

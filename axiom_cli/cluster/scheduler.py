"""Shards handed out to workers, in order and a bounded number at a time; what a lost worker had is done by others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from axiom_cli import __version__
from axiom_cli.cluster import Lost, Pool
from axiom_cli.errors import AxiomError, MissingError
from axiom_cli.sandbox.dispatcher import in_order
from axiom_cli.terminal import console
from axiom_cli.wording import plural

IN_FLIGHT = 2  # shards a worker holds: one that it works on and one that waits
WINDOW = 4  # shards a worker that may await their turn
TRIES = 3  # times that a shard is given to another worker, or a worker that does not start is replaced
POLL_SECONDS = 0.05
PLACE_SECONDS = 60.0
"""Until some worker must have its place in the cluster. What it then loads may take as long as it does."""


class Source(Protocol):
    """Where shards come from."""

    @property
    def ended(self) -> bool:
        """Whether no more will come."""
        ...

    def take(self, *, hungry: bool) -> Shard | None:
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
    """What is known of one worker: where it is, how it described itself when it was ready, what it is doing."""

    place: str = ""
    description: Any = None
    shards: deque[Shard] = field(default_factory=deque)


class Scheduler:
    """The workers of `pool`, opened with `setup` and asked for `method`. Close it when done.

    `lost` counts workers that were lost with shards, `retried` the shards that were therefore given to others.
    Raises MissingError where no worker can be had, where one runs another version of this program or differs from the
    first one in `signature`, and where a shard was lost too often; and whatever a worker raises.
    """

    def __init__(
        self, pool: Pool, setup: Sequence[Any], method: str, signature: Callable[[Any], Any] | None = None
    ) -> None:
        self._pool, self._setup, self._method, self._signature = pool, setup, method, signature
        self._workers: dict[int, Worker] = {}
        self._waiting: deque[Shard] = deque()
        self._first: Worker | None = None
        self._false_starts = 0
        self.lost = self.retried = 0
        self._asked_for_place = time.monotonic()
        for _ in range(pool.size):
            self._start()

    @property
    def size(self) -> int:
        """How many workers there should be."""
        return self._pool.size

    @property
    def ready(self) -> list[Worker]:
        """The workers that can be asked."""
        return [worker for worker in self._workers.values() if worker.description is not None]

    @property
    def capacity(self) -> int:
        """How many shards may be under way or wait for those before them."""
        return WINDOW * max(1, len(self.ready))

    def describe(self) -> Any:
        """What the first worker that is ready gave when it was opened."""
        while self._first is None:
            self.wait()
        return self._first.description

    def close(self) -> None:
        """Ends all workers, and says once how many were lost. Closing twice is not an error."""
        self._pool.close()
        if self.retried:
            lost, again = plural(self.lost, "worker"), plural(self.retried, "shard")
            console.warn(f"{lost} lost; {again} given to others")
        self.lost = self.retried = 0

    def run(self, source: Source) -> Generator[Shard]:
        """The shards of `source`, done, in order. What the source raises is raised after the shards before it."""

        def take() -> Shard | None:
            hungry = not self._waiting and any(not worker.shards for worker in self.ready)
            shard = source.take(hungry=hungry)
            if shard is not None and shard.args is None:
                shard.done = True
            elif shard is not None:
                self._waiting.append(shard)
                self.hand_out()
            return shard

        try:
            yield from in_order(take, lambda: source.ended, self)
        finally:  # after an early end: what is under way is not waited for, nor done again if it is lost
            self._waiting.clear()
            for worker in self._workers.values():
                for shard in worker.shards:
                    shard.wanted = False

    def hand_out(self) -> None:
        """Gives waiting shards to the workers with the fewest: one each while others are still to come."""
        most = IN_FLIGHT if len(self.ready) == len(self._workers) else 1
        while self._waiting:
            free = [
                (len(worker.shards), number)
                for number, worker in self._workers.items()
                if worker.description is not None
            ]
            fewest, number = min(free, default=(most, -1))
            if fewest >= most:
                return
            shard = self._waiting.popleft()
            self._workers[number].shards.append(shard)
            self._pool.call(number, self._method, shard.args or ())

    def wait(self, *, reading: bool = True) -> None:  # noqa: ARG002 - new input is looked for at every poll anyway
        """Waits a moment, and deals with what has happened."""
        for number, answer in self._pool.poll(POLL_SECONDS):
            worker = self._workers[number]
            if isinstance(answer, Lost):
                self._replace(number, worker, answer.reason)
            elif isinstance(answer, AxiomError):
                raise type(answer)(f"on {worker.place}: {answer}", answer.hint) from None
            elif isinstance(answer, BaseException):
                raise answer
            elif not worker.place:
                self._open(number, worker, answer)
            elif worker.description is None:
                self._admit(worker, answer)
            else:
                shard = worker.shards.popleft()
                shard.result, shard.done = answer, True
        placed = any(worker.place for worker in self._workers.values())
        if not placed and time.monotonic() - self._asked_for_place > PLACE_SECONDS:
            raise MissingError(
                f"the cluster gave no worker a place within {PLACE_SECONDS:.0f} seconds",
                "`ray status` shows what takes its processors and accelerators",
            )

    def _start(self) -> None:
        number = self._pool.start()
        self._workers[number] = Worker()
        self._pool.call(number, "hello")

    def _open(self, number: int, worker: Worker, hello: dict[str, str]) -> None:
        worker.place = hello["place"]
        if hello["version"] != __version__:
            raise MissingError(
                f"the worker on {worker.place} has axiom-rl {hello['version']}, but this is {__version__}",
                f"on every node, where ray was started from: pip install axiom-rl=={__version__}",
            )
        self._pool.call(number, "open", self._setup)

    def _admit(self, worker: Worker, description: Any) -> None:
        worker.description = description
        self._first = self._first or worker
        if self._signature is None:
            return
        expected, actual = self._signature(self._first.description), self._signature(description)
        if actual != expected:
            raise MissingError(
                f"the worker on {worker.place} has {actual}, but the one on {self._first.place} has {expected}",
                "every node needs the same model and the same engine",
            )

    def _replace(self, number: int, worker: Worker, reason: str) -> None:
        """Puts a lost worker away, its shards back in front, and asks for another worker."""
        del self._workers[number]
        if worker.description is None:
            self._false_starts += 1
        if self._false_starts > TRIES and not self._workers:
            raise MissingError(
                f"no worker starts: {reason}",
                f"every node needs axiom-rl {__version__} in the environment that ray was started from",
            )
        returned = [shard for shard in worker.shards if shard.wanted]
        if returned:
            worker.shards[0].tries += 1  # the others had not been begun
            self.lost += 1
            self.retried += len(returned)
        for shard in reversed(returned):
            if shard.tries > TRIES:
                raise MissingError(
                    f"{shard.name} was lost with {shard.tries} workers; the last: {reason}",
                    "what was finished before it is kept; ray's logs on the nodes may say why workers end",
                )
            self._waiting.appendleft(shard)
        if self._false_starts <= TRIES:
            self._asked_for_place = time.monotonic()
            self._start()

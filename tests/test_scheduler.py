"""Shards and workers: order, how much is taken in, what a lost worker costs. The pool is one of plain objects."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from axiom_cli import __version__
from axiom_cli.cluster import Lost, engine, scheduler
from axiom_cli.cluster.scheduler import Scheduler, Shard
from axiom_cli.cluster.verify import verify
from axiom_cli.errors import InputError, MissingError
from axiom_cli.records import Program
from axiom_cli.sampling.engines.protocol import requests
from axiom_cli.sandbox import Outcome
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from tiny import problem, sample


class Doubler:
    """A worker that doubles, on a node of some version."""

    def __init__(self, number: int, version: str = __version__) -> None:
        self.number, self.version = number, version

    def hello(self) -> dict[str, str]:
        return {"version": self.version, "place": f"node {self.number}"}

    def open(self, about: Any) -> Any:
        return about(self.number) if callable(about) else about

    def double(self, value: int) -> int:
        return 2 * value


class Here:
    """A pool in this process, that loses the workers that `loses` says."""

    def __init__(self, size: int, loses: Callable[[int, str, tuple], bool], make: Callable = Doubler) -> None:
        self.size, self._loses, self._make = size, loses, make
        self._workers: dict[int, Doubler] = {}
        self._calls: dict[int, deque] = {}
        self._chance = Random(0)
        self.started, self.closed = 0, False

    def start(self) -> int:
        self.started += 1
        self._workers[self.started] = self._make(self.started)
        self._calls[self.started] = deque()
        return self.started

    def call(self, worker: int, method: str, args: Any = ()) -> None:
        self._calls[worker].append((method, tuple(args)))

    def poll(self, seconds: float) -> list[tuple[int, Any]]:
        """Any worker that has something to do does it: results come out of order."""
        busy = [number for number, calls in self._calls.items() if calls]
        if not busy:
            return []
        number = self._chance.choice(busy)
        method, args = self._calls[number].popleft()
        if self._loses(number, method, args):
            del self._calls[number]
            return [(number, Lost("its node is gone"))]
        try:
            return [(number, getattr(self._workers[number], method)(*args))]
        except Exception as error:
            return [(number, error)]

    def close(self) -> None:
        self.closed = True


class Numbers:
    """A source that counts what is taken, and may fail at its end."""

    def __init__(self, count: int, failure: Exception | None = None) -> None:
        self.count, self.taken, self.failure = count, 0, failure

    @property
    def ended(self) -> bool:
        return self.taken == self.count and self.failure is None

    def take(self, *, hungry: bool) -> Shard | None:
        if self.taken == self.count and self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        if self.ended:
            return None
        self.taken += 1
        return Shard([self.taken], (self.taken,), f"the shard of number {self.taken}")


def never(number: int, method: str, args: tuple) -> bool:
    return False


def opened(
    size: int = 3, loses: Callable = never, make: Callable = Doubler, about: Any = "ready", **how: Any
) -> Scheduler:
    return Scheduler(Here(size, loses, make), (about,), "double", **how)


def results(shards: Iterator[Shard]) -> list[int]:
    return [shard.result for shard in shards]


def test_results_come_in_order_whoever_is_first() -> None:
    assert results(opened().run(Numbers(50))) == [2 * n for n in range(1, 51)]


def test_no_more_is_taken_in_than_may_wait() -> None:
    source, workers = Numbers(1000), opened()
    workers.describe()
    for count, _ in enumerate(workers.run(source), 1):
        assert source.taken <= count + 3 * scheduler.WINDOW


class OnlyTheFirst(Here):
    """A pool of which only the first worker ever starts; `most` is the largest number of shards that it held."""

    most = 0

    def poll(self, seconds: float) -> list[tuple[int, Any]]:
        self._calls = {1: self._calls[1]}
        self.most = max(self.most, sum(method == "double" for method, _ in self._calls[1]))
        return super().poll(seconds)


def test_what_waits_is_left_for_workers_that_are_still_to_come() -> None:
    pool = OnlyTheFirst(3, never)
    assert results(Scheduler(pool, ("ready",), "double").run(Numbers(50))) == [2 * n for n in range(1, 51)]
    assert pool.most == 1


def test_what_a_lost_worker_had_is_done_by_others() -> None:
    workers = opened(loses=lambda number, method, args: number == 3 and args and args[0] in range(7, 20))
    assert results(workers.run(Numbers(50))) == [2 * n for n in range(1, 51)]
    assert workers.lost == 1
    assert workers.retried in (1, 2)


def test_a_worker_that_dies_with_nothing_to_do_is_not_spoken_of() -> None:
    workers = opened(loses=lambda number, method, args: number == 3 and method == "hello")
    assert results(workers.run(Numbers(9))) == [2 * n for n in range(1, 10)]
    assert workers.lost == workers.retried == 0


def test_a_shard_that_every_worker_dies_of_is_named_after_three_more() -> None:
    workers = opened(loses=lambda number, method, args: args == (7,))
    with pytest.raises(
        MissingError, match=r"the shard of number 7 was lost with 4 workers; the last: its node is gone"
    ):
        results(workers.run(Numbers(50)))
    assert workers.lost == 4


def test_what_waited_behind_such_a_shard_is_not_blamed() -> None:
    workers = opened(size=1, loses=lambda number, method, args: number <= 3 and args == (7,))
    assert results(workers.run(Numbers(20))) == [2 * n for n in range(1, 21)]
    assert workers.lost == 3


def test_workers_that_never_start_end_it() -> None:
    workers = opened(loses=lambda number, method, args: method == "hello")
    with pytest.raises(MissingError, match="no worker starts: its node is gone") as caught:
        workers.describe()
    assert __version__ in caught.value.hint


def test_no_place_in_the_cluster_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "PLACE_SECONDS", 0.0)
    pool = Here(3, never)
    monkeypatch.setattr(pool, "poll", lambda seconds: [])  # nobody answers
    with pytest.raises(MissingError, match="the cluster gave no worker a place"):
        Scheduler(pool, ("ready",), "double").describe()


def test_another_version_is_named_with_its_node() -> None:
    workers = opened(make=lambda number: Doubler(number, "0.0.1"))
    with pytest.raises(MissingError, match=rf"on node \d has axiom-rl 0\.0\.1, but this is {__version__}"):
        workers.describe()


def test_workers_that_differ_are_refused() -> None:
    workers = opened(about=lambda number: number // 2, signature=str)
    with pytest.raises(MissingError, match=r"on node \d has \d, but the one on node \d has \d"):
        results(workers.run(Numbers(50)))


def test_what_a_worker_raises_is_raised_with_its_place() -> None:
    def refuse(number: int) -> None:
        raise InputError("no good", "do better")

    with pytest.raises(InputError, match=r"on node \d: no good") as caught:
        opened(about=refuse).describe()
    assert caught.value.hint == "do better"


def test_what_the_source_raises_comes_after_what_came_before_it() -> None:
    found = []
    with pytest.raises(InputError, match="bad line"):
        found += (shard.result for shard in opened().run(Numbers(9, InputError("bad line"))))
    workers = opened()
    shards = workers.run(Numbers(9, InputError("bad line")))
    assert [next(shards).result for _ in range(9)] == [2 * n for n in range(1, 10)]
    with pytest.raises(InputError, match="bad line"):
        next(shards)


def test_a_run_given_up_does_not_disturb_the_next() -> None:
    workers = opened(loses=lambda number, method, args: args == (7,))
    shards = workers.run(Numbers(50))
    next(shards)
    shards.close()
    assert results(workers.run(Numbers(6))) == [2 * n for n in range(1, 7)]


class Forgetful(Doubler):
    """A sandbox on a node that loses the outcome of its last program, and says nothing of it."""

    def run(self, programs: Any, attempts: Any) -> Any:
        return "strong", [Outcome("pass", 1, 1, "")] * (len(attempts) - 1), None


def test_an_outcome_that_a_worker_leaves_out_is_an_error_and_not_a_verdict() -> None:
    exercise = Program("f", "def f(x)", tests=[{"args": [1], "expected": 1}])
    samples = [sample(problem(n, program=exercise), "```python\ndef f(x): return x\n```") for n in range(3)]
    workers = Scheduler(Here(1, never, Forgetful), ({"level": "strong"},), "run")
    verdicts = verify(samples, workers, VerifyConfig())
    given: list[str] = []
    with pytest.raises(RuntimeError, match=r"samples 1 to \d has more programs than its \d outcomes"):
        given.extend(verdict.status for verdict in verdicts)  # a first shard holds as many samples as come in time
    assert given in ([], ["pass"], ["pass", "pass"])


@pytest.mark.parametrize(("count", "samples", "workers"), [(60, 2, 2), (1000, 8, 4), (3, 1, 2), (10, 5000, 2)])
def test_shards_hold_every_problem_once_and_end_small(count: int, samples: int, workers: int) -> None:
    asked = requests(problem(number) for number in range(count))
    shards = engine.RequestShards(asked, SolveConfig(), samples, 2048, workers)
    parts = []
    while not shards.ended:
        parts.append(shards.take(hungry=False))
    assert [one for part in parts for one in part.items] == asked
    sizes = [len(part.items) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes) * samples <= 2048 or max(sizes) == 1
    assert len(sizes) >= min(workers, count)
    assert all(size * samples >= min(128, count // workers) for size in sizes[:-1])

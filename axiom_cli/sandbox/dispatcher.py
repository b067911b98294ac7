"""Work for workers that may die: results in the order of the input, with a bounded number of entries under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar


class Entry(Protocol):
    """One piece of the input on its way."""

    @property
    def done(self) -> bool:
        """Whether its result is there."""
        ...


class Workers(Protocol):
    """Who does the work: the processes of a sandbox, the nodes of a cluster. They deal with lost workers themselves."""

    @property
    def capacity(self) -> int:
        """How many entries may be under way or wait for those before them."""
        ...

    def hand_out(self) -> None:
        """Gives waiting work to the workers that have room for it."""
        ...

    def wait(self, *, reading: bool) -> None:
        """Returns when something may have happened: a result, room for work or, where `reading`, new input."""
        ...


E = TypeVar("E", bound=Entry)


def in_order(take: Callable[[], E | None], ended: Callable[[], bool], workers: Workers) -> Iterator[E]:
    """The entries that `take` gives, each as soon as it and all before it are done.

    `take` returns None where the input has nothing now; `ended` says whether it has nothing more at all. What `take`
    raises is raised after the entries before it.
    """
    line: deque[E] = deque()
    failure: Exception | None = None

    def may_read() -> bool:
        return failure is None and len(line) < workers.capacity

    while True:
        while line and line[0].done:
            yield line.popleft()
        while may_read():
            try:
                entry = take()
            except Exception as error:  # noqa: BLE001 - whatever the input raises is raised when its turn has come
                failure = error
                break
            if entry is None:
                break
            line.append(entry)
        workers.hand_out()
        if line and line[0].done:
            continue
        if not line and failure is not None:
            raise failure
        if not line and ended():
            return
        workers.wait(reading=may_read())

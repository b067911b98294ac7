"""How long processes have slept, neither running nor waiting for a processor: on a busy machine the clock on the wall
does not tell, but the kernel counts both for each thread (`schedstat` in proc(5)).

A thread's wait is counted when it ends. So the counts are read when all threads sleep, and then they are whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

AWAKE = ("R", "D")  # states in stat of proc(5): running or waiting for a processor, waiting for a disk
NANOSECONDS = 1e9


class Idleness:
    """Of all processes below `root`, from the first look on."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.forget()

    @staticmethod
    def seen(root: int) -> bool:
        """Whether this system tells what is needed."""
        try:
            with open(f"/proc/{root}/schedstat") as file:
                list(children(root))
                return int(file.read().split()[0]) > 0
        except (OSError, ValueError, IndexError):
            return False

    def forget(self) -> None:
        """Starts anew, with other processes."""
        self.seconds, self.processes = 0.0, [0]
        self.skip()

    def skip(self) -> None:
        """What they do between the last look and the next is not counted, since they may wait for this process."""
        self._last: tuple[float, dict[str, int]] | None = None

    def look(self) -> None:
        """Adds what they have slept since the last look, if they sleep now."""
        now, busy = time.monotonic(), {}
        self.processes = list(below(self.root))
        try:
            for process in self.processes:
                for thread in os.listdir(f"/proc/{process}/task"):
                    place = f"/proc/{process}/task/{thread}"
                    if (spent := resting(place)) is None:
                        return
                    busy[place] = spent
        except (OSError, ValueError, IndexError):  # one has ended just now
            self.skip()
            return
        if self._last is not None and busy and self._last[1].keys() <= busy.keys():
            since, before = self._last
            self.seconds += max(0.0, now - since - (sum(busy.values()) - sum(before.values())) / NANOSECONDS)
        self._last = now, busy


def resting(place: str) -> int | None:
    """The nanoseconds that a thread has run or waited for a processor; None if it does so now."""
    with open(f"{place}/stat") as file:
        if file.read().rpartition(")")[2].split()[0] in AWAKE:
            return None
    with open(f"{place}/schedstat") as file:
        ran, waited, _times = file.read().split()
        return int(ran) + int(waited)


def children(process: int) -> Iterator[int]:
    """The processes that a process with one thread has made. Raises OSError where it has ended or nobody tells."""
    with open(f"/proc/{process}/task/{process}/children") as file:
        yield from map(int, file.read().split())


def below(process: int) -> Iterator[int]:
    """The processes below a process that are there."""
    try:
        for child in list(children(process)):
            yield child
            yield from below(child)
    except OSError:
        return

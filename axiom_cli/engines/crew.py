"""The same work on several parts at once, each in a forked process of one thread.

A small model's step is many short operations: two threads wait for each other after each of them, two processes never
do. What a process has in memory is there after a fork, so that nothing is loaded or sent but the results.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

import torch

PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent dies."""
Part = TypeVar("Part")
Result = TypeVar("Result")


def size() -> int:
    """How many processes can work side by side: one a core that this one may use; 1 where there is no safe fork."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def each(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """`work(part)` of every part, in order; a single part is worked on here. What it raises there is raised here, and
    so is ChildProcessError where a process died. Results should hold no tensors: they come through a pipe."""
    if len(parts) == 1:
        return [work(parts[0])]
    fork = multiprocessing.get_context("fork")
    crew = []
    try:
        for part in parts:
            ours, theirs = fork.Pipe(duplex=False)
            process = fork.Process(target=_member, args=(work, part, theirs, os.getpid()), daemon=True)
            crew.append((process, ours))
            process.start()
            theirs.close()
        return [_heard(process, ours) for process, ours in crew]
    finally:
        for process, ours in crew:
            if process.pid:
                process.kill()
                process.join()
            ours.close()


def _member(work: Callable[[Part], Result], part: Part, out: Connection, parent: int) -> None:
    """In the new process: nothing of the old one stays open (a lock, a pipe that someone waits on the end of), and it
    ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.closerange(3, out.fileno())
    os.closerange(out.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    torch.set_num_threads(1)
    try:
        out.send((work(part), None))
    except Exception as error:
        out.send((None, error))


def _heard(process: multiprocessing.Process, ours: Connection) -> Result:
    try:
        result, error = ours.recv()
    except EOFError:
        process.join()
        raise ChildProcessError(f"a sampling process ended with {process.exitcode}") from None
    if error is not None:
        raise error
    return result

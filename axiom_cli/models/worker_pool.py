"""Work on several parts at once, each in a forked process of one thread.

A small model's step is many short operations: two threads wait for each other after each of them, two processes never
do. What is in memory at the fork is there in each process, so that nothing is loaded; what lies in `shared` memory is
seen by all of them later, too.
"""

from __future__ import annotations

import ctypes
import mmap
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import torch

PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent dies."""
SMALL = 1 << 26
"""Bytes of weights up to which processes of one thread are taken for faster than threads. For nano, with its 4 MB, they
are: 1.5 times. It was not measured on others."""
MOST = 8
"""Processes at most: each takes some 250 MB."""

Each = Callable[[Sequence[Any]], list[Any]]
"""The parts, no more than there are processes -> what the work made of each, in order. What is raised there is raised
here, and so is ChildProcessError where a process died. They go through pipes: no tensors."""


def hands(model: torch.nn.Module, parts: int) -> int:
    """How many processes are worth it, for work that has so many parts: one a core that this one may use; 1 for a large
    model, on an accelerator, and where there is no safe fork."""
    weights = list(model.parameters())
    small = sum(p.numel() * p.element_size() for p in weights) <= SMALL
    if not small or weights[0].device.type != "cpu" or sys.platform != "linux":
        return 1
    return max(1, min(len(os.sched_getaffinity(0)), MOST, parts))


def shared(like: torch.Tensor) -> torch.Tensor:
    """Zeros of this shape and type in memory that processes forked from now on have in common."""
    memory = mmap.mmap(-1, max(1, like.numel() * like.element_size()))
    return torch.frombuffer(memory, dtype=like.dtype, count=like.numel()).view(like.shape)


@contextmanager
def crew(work: Callable[[Any], Any], count: int) -> Iterator[Each]:
    """`count` processes that do `work`, for as long as the context lasts. One is none: the work is done here."""
    if count == 1:
        yield lambda parts: [work(part) for part in parts]
        return
    fork = multiprocessing.get_context("fork")
    members: list[tuple[Any, Connection]] = []
    threads = torch.get_num_threads()
    try:
        for _ in range(count):
            ours, theirs = fork.Pipe()
            process = fork.Process(target=_serve, args=(work, theirs, os.getpid()), daemon=True)
            members.append((process, ours))
            process.start()
            theirs.close()
        torch.set_num_threads(1)  # more would only be in the way of theirs
        yield lambda parts: _asked(members, parts)
    finally:
        torch.set_num_threads(threads)
        for process, ours in members:
            if process.pid:
                process.kill()
                process.join()
            ours.close()


def _asked(members: Sequence[tuple[Any, Connection]], parts: Sequence[Any]) -> list[Any]:
    busy = members[: len(parts)]
    for (process, ours), part in zip(busy, parts, strict=True):
        try:
            ours.send(part)
        except BrokenPipeError:
            _lost(process)
    heard = [_heard(process, ours) for process, ours in busy]  # all, so that no reply is taken for the next one's
    for _, error in heard:
        if error is not None:
            raise error
    return [result for result, _ in heard]


def _heard(process: Any, ours: Connection) -> tuple[Any, Exception | None]:
    try:
        return ours.recv()
    except (EOFError, ConnectionResetError):
        _lost(process)


def _lost(process: Any) -> NoReturn:
    process.join()
    raise ChildProcessError(f"a process that shared the work ended with {process.exitcode}") from None


def _serve(work: Callable[[Any], Any], theirs: Connection, parent: int) -> None:
    """In the new process: nothing of the old one stays open (a lock, a pipe that someone waits on the end of), and it
    ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.closerange(3, theirs.fileno())
    os.closerange(theirs.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    torch.set_num_threads(1)
    while True:
        part = theirs.recv()
        try:
            result = (work(part), None)
        except Exception as error:
            result = (None, error.with_traceback(None))  # whose frames would keep the work's memory
        theirs.send(result)

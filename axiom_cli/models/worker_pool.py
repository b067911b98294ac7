"""Work on several parts at once, each in a forked process of one thread.

A small model's step is many short operations: two threads wait for each other after each of them, two processes never
do. Each process has what was in memory at the fork, so that nothing is loaded, and sees later changes of what lies in
`shared_zeros`.
"""

from __future__ import annotations

import ctypes
import mmap
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent dies."""
SMALL_MODEL_BYTES = 1 << 26
"""Bytes of weights up to which processes of one thread are assumed to be faster than threads. For nano, with its 4 MB,
they are: 1.5 times. It was not measured on others."""
MAX_WORKERS = 8
"""Processes at most: each takes some 250 MB."""
SECONDS_BETWEEN_SENDS = 0.1
"""What a process yields in this time goes through its pipe together."""

RunAll = Callable[[Sequence[Any]], list[Any]]
"""The parts, no more than there are processes -> the result of each, in order. What is raised there is raised here, and
so is ChildProcessError where a process died. Parts and results go through pipes: no tensors."""


def num_workers(model: torch.nn.Module, parts: int) -> int:
    """How many processes are worth it for so many parts: one a core that this one may use; 1 for a large model, on an
    accelerator, and where fork is not safe."""
    if not _is_small(model) or sys.platform != "linux":
        return 1
    return max(1, min(len(os.sched_getaffinity(0)), MAX_WORKERS, parts))


def _is_small(model: torch.nn.Module) -> bool:
    """Whether `model` is small, and on the processor."""
    weights = list(model.parameters())
    small = sum(p.numel() * p.element_size() for p in weights) <= SMALL_MODEL_BYTES
    return small and weights[0].device.type == "cpu"


@contextmanager
def few_threads(model: torch.nn.Module) -> Iterator[None]:
    """Within it, torch has one thread if `model` is small: several would wait for each other after each of its short
    operations, and where other programs run, that takes many times as long as the operation."""
    threads = torch.get_num_threads()
    if _is_small(model):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def shared_zeros(like: torch.Tensor) -> torch.Tensor:
    """Zeros of this shape and type in memory that processes forked from now on have in common."""
    memory = mmap.mmap(-1, max(1, like.numel() * like.element_size()))
    return torch.frombuffer(memory, dtype=like.dtype, count=like.numel()).view(like.shape)


@contextmanager
def forked(work: Callable[[Any], Any], count: int) -> Iterator[RunAll]:
    """`count` processes that do `work`, for as long as the context lasts. With a count of 1 it is done in this one."""
    if count == 1:
        yield lambda parts: [work(part) for part in parts]
        return
    with _processes(_answer, work, count) as workers:
        yield lambda parts: _run_all(workers, parts)


def streamed(work: Callable[[int], Iterator[Item]], count: int) -> Iterator[tuple[int, Item]]:
    """What `work(0)` to `work(count - 1)` yield, each in a process of its own: the items with the number of their
    process, in order within each, and all soon after they are made. Raises as `RunAll` does."""
    with _processes(_stream, work, count) as workers:
        for number, (process, ours) in enumerate(workers):
            with _alive(process):
                ours.send(number)
        working = dict(enumerate(workers))
        while working:
            ready = wait([ours for _, ours in working.values()])
            for number, (process, ours) in list(working.items()):
                if ours not in ready:
                    continue
                with _alive(process):
                    items, error = ours.recv()
                if error is not None:
                    raise error
                if items is None:
                    del working[number]
                else:
                    yield from ((number, item) for item in items)


Workers = Sequence[tuple[ForkProcess, Connection]]


@contextmanager
def _processes(loop: Callable[..., None], work: Callable[[Any], Any], count: int) -> Iterator[Workers]:
    """`count` processes that run `loop(work, pipe)`, each with our end of its pipe."""
    fork = multiprocessing.get_context("fork")
    workers: list[tuple[ForkProcess, Connection]] = []
    threads = torch.get_num_threads()
    try:
        for _ in range(count):
            ours, theirs = fork.Pipe()
            process = fork.Process(target=_begin, args=(loop, work, theirs, os.getpid()), daemon=True)
            workers.append((process, ours))
            process.start()
            theirs.close()
        torch.set_num_threads(1)  # more would only be in the way of theirs
        yield workers
    finally:
        torch.set_num_threads(threads)
        for process, ours in workers:
            if process.pid:
                process.kill()
                process.join()
            ours.close()


def _run_all(workers: Workers, parts: Sequence[Any]) -> list[Any]:
    busy = workers[: len(parts)]
    for (process, ours), part in zip(busy, parts, strict=True):
        with _alive(process):
            ours.send(part)
    replies: list[tuple[Any, Exception | None]] = []
    for process, ours in busy:  # all, so that no reply is taken for the next one's
        with _alive(process):
            replies.append(ours.recv())
    for _, error in replies:
        if error is not None:
            raise error
    return [result for result, _ in replies]


@contextmanager
def _alive(process: ForkProcess) -> Iterator[None]:
    """Within it, a pipe that breaks says that `process` is gone."""
    try:
        yield
    except (BrokenPipeError, EOFError, ConnectionResetError):
        process.join()
        raise ChildProcessError(f"a worker process ended with exit code {process.exitcode}") from None


def _begin(loop: Callable[..., None], work: Callable[[Any], Any], theirs: Connection, parent: int) -> None:
    """Runs in the new process: nothing of the old one stays open (a lock, a pipe whose end somebody waits for), and it
    ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.closerange(3, theirs.fileno())
    os.closerange(theirs.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    torch.set_num_threads(1)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the old one was killed, a moment ago
        while True:
            loop(work, theirs)


def _answer(work: Callable[[Any], Any], theirs: Connection) -> None:
    """Does one part, and sends its result."""
    part = theirs.recv()
    try:
        reply: tuple[Any, Exception | None] = (work(part), None)
    except Exception as error:  # noqa: BLE001 - raised again in the parent
        reply = (None, error.with_traceback(None))  # whose frames would keep the work's memory
    theirs.send(reply)


def _stream(work: Callable[[int], Iterator[Any]], theirs: Connection) -> None:
    """Sends what one part yields, a few items at a time, and at last None."""
    number = theirs.recv()
    items: list[Any] = []
    sent = time.monotonic()
    try:
        for item in work(number):
            items.append(item)
            if time.monotonic() - sent >= SECONDS_BETWEEN_SENDS:
                theirs.send((items, None))
                items, sent = [], time.monotonic()
        theirs.send((items, None))
        theirs.send((None, None))
    except Exception as error:  # noqa: BLE001 - raised again in the parent
        theirs.send((None, error.with_traceback(None)))

"""Waits for a child within limits, ends it with all that it started, and says how it ended."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable

from . import messages

SIGKILL = 9  # the module `signal` is made of enumerations, which would fill each child's memory
GONE = -1  # what `wait` says when the process that everything is done for has gone
PATIENCE = 50  # milliseconds
Look = Callable[[], tuple[int, float]]


def wait(pid: int, look: Look, control: int = -1) -> int:
    """Waits for a child to end, or until `look` names a limit that it has reached; says which. `look` also gives the
    seconds after which a limit may be reached. Returns GONE where something happens on the descriptor `control`."""
    poller = select.poll()
    if control >= 0:
        poller.register(control, 0)
    try:
        handle = os.pidfd_open(pid)
        poller.register(handle, select.POLLIN)
    except (OSError, AttributeError):
        handle = -1
    try:
        while True:
            cause, left = look()
            if cause != messages.EXITED:
                return cause
            pause = max(left, 0.001) if handle >= 0 else 0.002
            for ready, _event in poller.poll(pause * 1000 + 1):
                return messages.EXITED if ready == handle else GONE
            if handle < 0 and has_ended(pid):
                return messages.EXITED
    finally:
        if handle >= 0:
            os.close(handle)


def has_ended(pid: int) -> bool:
    """Whether a child can be reaped, which this does not do."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end(pid: int) -> tuple[int, float, bool]:
    """Ends a child, if it has not ended, and whatever is left of its group. Returns its wait status, its seconds of
    processor time, and whether it had ended by itself."""
    by_itself = has_ended(pid)
    if not by_itself:
        os.kill(pid, SIGKILL)
    kill_group(pid)  # while its number cannot be anyone else's
    _pid, status, usage = os.wait4(pid, 0)
    return status, usage.ru_utime + usage.ru_stime, by_itself


def kill_group(pid: int) -> None:
    """Ends the other processes of a child's group. The filter allows none: this is a second line of defence."""
    with contextlib.suppress(OSError):  # it may not have made its group yet
        os.killpg(pid, SIGKILL)


def clean_up(pids: list[int]) -> tuple[int, int, float]:
    """Ends the children, their groups and whatever they left behind. Returns the last one's wait status, that of a
    program beside it if it had ended by itself, and their processor time."""
    status, cpu, _by_itself = end(pids[-1])
    before = 0
    for pid in pids[:-1]:
        other, more, by_itself = end(pid)
        before, cpu = other if by_itself else 0, cpu + more
    patience = PATIENCE
    while patience:
        try:
            stray = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            break
        if not stray and not kill_strays():
            patience -= 1  # it is on its way out, or hides in a namespace without /proc, which ends it with us
            time.sleep(0.001)
    return status, before, cpu


def kill_strays() -> bool:
    """Kills the processes that were handed to us as the nearest living ancestor; whether there were any to be seen."""
    me, seen = os.getpid(), False
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(name)
                with open(f"/proc/{name}/stat") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == me:
                        os.kill(pid, SIGKILL)
                        seen = True
    return seen

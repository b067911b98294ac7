"""A warm, single-threaded interpreter that forks one child for each program and never sees what the program is.

For an order it does: receive, fork, close, wait with limits, kill what is left, report. The program, its inputs and
its results go through a socket of the job's own, which only the parent and the child read.
"""

from __future__ import annotations

import array
import contextlib
import errno
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable

from . import child, messages, program, stdlib, tests

if sys.platform.startswith("linux"):
    from . import kernel, landlock, namespaces, seccomp

SLACK = 8 << 20


def mapped() -> int:
    """Bytes of address space in use, or 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def quiet() -> int:
    """Standard input and output lead nowhere from here on; returns a descriptor that does, for standard error."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("800")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    return null


def lock_down(wanted: set[str]) -> tuple[dict[str, str], Callable[[], None] | None]:
    """Puts on every layer that is wanted and that the kernel grants. Returns what is missing and why, by layer, and
    how a child installs the filter (None where it cannot)."""
    missing: dict[str, str] = {}
    if not sys.platform.startswith("linux"):
        return dict.fromkeys(("namespaces", "landlock", "seccomp"), "only Linux has it"), None
    def attempt(name: str, step: Callable[[], None]) -> bool:
        if name not in wanted:
            missing[name] = "not asked for"
            return False
        try:
            step()
        except (OSError, KeyError, StopIteration) as error:
            missing[name] = str(error)
            return False
        return True

    if attempt("namespaces", namespaces.enter):
        namespaces.become_first()
        attempt("namespaces", namespaces.empty_root)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    attempt("landlock", landlock.deny_everything)
    filters: list[seccomp.Filter] = []
    attempt("seccomp", lambda: filters.append(seccomp.Filter()))
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    return missing, filters[0].install if filters else None


def receive(control: socket.socket) -> tuple[messages.Order, list[int]] | None:
    """The next order and its sockets, in rising order; None when the parent has gone."""
    data, ancillary, _flags, _address = control.recvmsg(messages.ORDER_SIZE, socket.CMSG_SPACE(12))
    if len(data) < messages.ORDER_SIZE or not ancillary:
        return None
    return messages.Order.unpack(data), list(array.array("i", ancillary[0][2]))


def start_child(
    order: messages.Order, handles: list[int], base: int, install: Callable[[], None] | None, role: child.Role
) -> int:
    """Forks; the child keeps only its own sockets, from SOCKET on, and never comes back."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        for place, handle in enumerate(handles, child.SOCKET):  # rising, so that none is overwritten
            if handle != place:
                os.dup2(handle, place)
        os.closerange(child.SOCKET + len(handles), 256)
        child.main(order, base, install, role)
    finally:
        os._exit(70)


def processor_time(pid: int) -> float:
    """Seconds of processor time of a child so far; infinite patience (0.0) where the system does not say."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, OverflowError):
        return 0.0


Reaped = tuple[int, int, resource.struct_rusage]


def wait(pids: list[int], order: messages.Order, control: socket.socket) -> tuple[int, Reaped | None]:
    """Waits for the last child to end, or until one reaches a limit; says which. Leaves if the parent goes."""
    began, last = time.monotonic(), pids[-1]
    poller = select.poll()
    poller.register(control.fileno(), 0)
    handle = -1
    with contextlib.suppress(OSError, AttributeError):
        handle = os.pidfd_open(last)
        poller.register(handle, select.POLLIN)
    try:
        while True:
            left = min(order.cpu - max(map(processor_time, pids)), began + order.wall - time.monotonic())
            pause = max(left, 0.001) if handle >= 0 else 0.002
            for ready, _event in poller.poll(pause * 1000 + 1):
                if ready == handle:
                    return messages.EXITED, None
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                os._exit(0)
            if handle < 0 and (reaped := os.wait4(last, os.WNOHANG))[0]:
                return messages.EXITED, reaped
            if processor_time(pids[0]) >= order.cpu:
                return messages.CPU_LIMIT, None
            if processor_time(last) >= order.cpu:
                return messages.TESTS_LIMIT, None
            if time.monotonic() - began >= order.wall:
                return messages.WALL_LIMIT, None
    finally:
        if handle >= 0:
            os.close(handle)


def end(pid: int) -> Reaped:
    """Ends a child that has not been reaped, and its group."""
    for kill in (os.kill, os.killpg):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    return os.wait4(pid, 0)


def clean_up(pids: list[int], reaped: Reaped | None) -> tuple[int, int, float]:
    """Ends the children, their groups and whatever they left behind. Returns the last one's wait status, that of a
    program beside it if it had ended by itself, and their processor time."""
    *others, last = pids
    gone, before = [reaped or end(last)], 0
    for pid in others:
        ended = os.wait4(pid, os.WNOHANG)
        before = ended[1]
        gone.append(ended if ended[0] else end(pid))
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    while True:
        try:
            stray = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            break
        if not stray and not kill_strays():
            break
    return gone[0][1], before, sum(usage.ru_utime + usage.ru_stime for _pid, _status, usage in gone)


def kill_strays() -> bool:
    """Kills the processes that were handed to us as the nearest living ancestor; whether there were any to be seen."""
    me, seen = os.getpid(), False
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(name)
                with open(f"/proc/{name}/stat") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == me:
                        os.kill(pid, signal.SIGKILL)
                        seen = True
    return seen


def obey(
    order: messages.Order, handles: list[int], base: int, install: Callable[[], None] | None, control: socket.socket
) -> messages.Report:
    """One order from fork to report."""
    began = time.monotonic()
    roles = [(handles[:1], program.serve), (handles[1:], tests.examine)]
    if not order.flags & messages.PAIRED:
        roles = [(handles, child.run)]
    pids: list[int] = []
    try:
        for own, role in roles:
            pids.append(start_child(order, own, base, install, role))
    except OSError as error:
        if pids:
            clean_up(pids, None)
        return messages.Report(order.job, error.errno or errno.EIO, 0, 0.0, 0.0, messages.BROKEN)
    finally:
        for handle in handles:
            os.close(handle)
    cause, reaped = wait(pids, order, control)
    status, other, cpu = clean_up(pids, reaped)
    return messages.Report(order.job, status, other, cpu, time.monotonic() - began, cause)


def main(number: int, wanted: str) -> None:
    """Serves orders on descriptor `number` until the parent closes its end."""
    control = socket.socket(fileno=number)
    null = quiet()
    stdlib.load()
    base = mapped() + SLACK
    missing, install = lock_down(set(wanted.split(",")))
    control.sendall(json.dumps({"missing": missing}).encode() + b"\n")
    os.dup2(null, 2)
    os.close(null)
    gc.collect()
    gc.freeze()
    while (received := receive(control)) is not None:
        control.sendall(obey(*received, base, install, control).pack())
    os._exit(0)

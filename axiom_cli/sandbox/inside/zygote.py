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

from . import child, messages, stdlib

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


def receive(control: socket.socket) -> tuple[messages.Order, int] | None:
    """The next order and the child's end of its socket; None when the parent has gone."""
    data, ancillary, _flags, _address = control.recvmsg(messages.ORDER_SIZE, socket.CMSG_SPACE(4))
    if len(data) < messages.ORDER_SIZE or not ancillary:
        return None
    descriptors = array.array("i", ancillary[0][2])
    return messages.Order.unpack(data), descriptors[0]


def start_child(order: messages.Order, handle: int, base: int, install: Callable[[], None] | None) -> int:
    """Forks; the child keeps only its job's socket and never comes back."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        if handle != child.SOCKET:
            os.dup2(handle, child.SOCKET)
        os.closerange(child.SOCKET + 1, 256)
        child.main(order, base, install)
    finally:
        os._exit(70)


def processor_time(pid: int) -> float:
    """Seconds of processor time of a child so far; infinite patience (0.0) where the system does not say."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, OverflowError):
        return 0.0


Reaped = tuple[int, int, resource.struct_rusage]


def wait(pid: int, order: messages.Order, control: socket.socket) -> tuple[int, Reaped | None]:
    """Waits for the child to end, or until a limit is reached; says which. Leaves if the parent goes."""
    began = time.monotonic()
    poller = select.poll()
    poller.register(control.fileno(), 0)
    handle = -1
    with contextlib.suppress(OSError, AttributeError):
        handle = os.pidfd_open(pid)
        poller.register(handle, select.POLLIN)
    try:
        while True:
            left = min(order.cpu - processor_time(pid), began + order.wall - time.monotonic())
            pause = max(left, 0.001) if handle >= 0 else 0.002
            for ready, _event in poller.poll(pause * 1000 + 1):
                if ready == handle:
                    return messages.EXITED, None
                os.kill(pid, signal.SIGKILL)
                os._exit(0)
            if handle < 0 and (reaped := os.wait4(pid, os.WNOHANG))[0]:
                return messages.EXITED, reaped
            if processor_time(pid) >= order.cpu:
                return messages.CPU_LIMIT, None
            if time.monotonic() - began >= order.wall:
                return messages.WALL_LIMIT, None
    finally:
        if handle >= 0:
            os.close(handle)


def clean_up(pid: int, reaped: Reaped | None) -> tuple[int, float]:
    """Ends the child, its group and whatever it left behind. Returns its wait status and its processor time."""
    for end in (os.killpg,) if reaped else (os.kill, os.killpg):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(pid, signal.SIGKILL)
    _pid, status, usage = reaped or os.wait4(pid, 0)
    while True:
        try:
            stray = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            break
        if not stray and not kill_strays():
            break
    return status, usage.ru_utime + usage.ru_stime


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
    order: messages.Order, handle: int, base: int, install: Callable[[], None] | None, control: socket.socket
) -> messages.Report:
    """One order from fork to report."""
    began = time.monotonic()
    try:
        pid = start_child(order, handle, base, install)
    except OSError as error:
        return messages.Report(order.job, error.errno or errno.EIO, 0.0, 0.0, messages.BROKEN)
    finally:
        os.close(handle)
    cause, reaped = wait(pid, order, control)
    status, cpu = clean_up(pid, reaped)
    return messages.Report(order.job, status, cpu, time.monotonic() - began, cause)


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

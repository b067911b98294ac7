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
import select
import sys
import time
from _socket import CMSG_SPACE, socket  # the module around it would fill each child's memory with enumerations
from collections.abc import Callable, Sequence

from . import child, messages, program, stdlib, tests
from .clocks import processor_time

if sys.platform.startswith("linux"):
    from . import kernel, landlock, namespaces, seccomp

SLACK = 8 << 20
SIGKILL = 9  # the module `signal` is made of enumerations, too
CONTROL = 30  # the last but one that the limit of descriptors leaves
LIMITS = {
    "RLIMIT_FSIZE": 0, "RLIMIT_STACK": 64 << 20, "RLIMIT_NOFILE": 32, "RLIMIT_CORE": 0, "RLIMIT_MEMLOCK": 0,
    "RLIMIT_MSGQUEUE": 0,
}  # fmt: skip


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


def lock_down(wanted: set[str]) -> tuple[dict[str, str], list[Callable[[], None]]]:
    """Puts on every layer that is wanted and that the kernel grants. Returns what is missing and why, by layer, and
    what a child has to do before it runs anything: to die with the zygote, where that is not the first of its
    namespace, and to install the filter, where there is one."""
    missing: dict[str, str] = {}
    if not sys.platform.startswith("linux"):
        return dict.fromkeys(("namespaces", "landlock", "seccomp"), "only Linux has it"), []

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
    kernel.prctl(kernel.PR_SET_PDEATHSIG, SIGKILL)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    attempt("landlock", landlock.deny_everything)
    steps = [die_with(os.getpid())] if "namespaces" in missing else []
    attempt("seccomp", lambda: steps.append(seccomp.Filter().install))
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    return missing, steps


def die_with(parent: int) -> Callable[[], None]:
    """What makes a child end when `parent` does, as nothing else would where there is no namespace of processes."""

    def step() -> None:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return step


def receive(control: socket) -> tuple[messages.Order, list[int]] | None:
    """The next order and its sockets, in rising order; None when the parent has gone."""
    data, ancillary, _flags, _address = control.recvmsg(messages.ORDER_SIZE, CMSG_SPACE(12))
    if len(data) < messages.ORDER_SIZE or not ancillary:
        return None
    return messages.Order.unpack(data), list(array.array("i", ancillary[0][2]))


def start_child(
    order: messages.Order, handles: list[int], base: int, steps: Sequence[Callable[[], None]], role: child.Role
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
        child.main(order, base, steps, role)
    finally:
        os._exit(70)


def wait(pids: list[int], order: messages.Order, control: socket) -> int:
    """Waits for the last child to end, or until one reaches a limit; says which. Leaves if the parent goes."""
    last, used, late = pids[-1], 0.0, time.monotonic() + order.wall
    poller = select.poll()
    poller.register(control.fileno(), 0)
    try:
        handle = os.pidfd_open(last)
        poller.register(handle, select.POLLIN)
    except (OSError, AttributeError):
        handle = -1
    try:
        while True:
            left = min(order.cpu - used, late - time.monotonic())
            pause = max(left, 0.001) if handle >= 0 else 0.002
            for ready, _event in poller.poll(pause * 1000 + 1):
                if ready == handle:
                    return messages.EXITED
                for pid in pids:
                    os.kill(pid, SIGKILL)
                os._exit(0)
            if handle < 0 and has_ended(last):
                return messages.EXITED
            if processor_time(pids[0]) >= order.cpu:
                return messages.CPU_LIMIT
            if (used := max(map(processor_time, pids))) >= order.cpu:
                return messages.TESTS_LIMIT
            if time.monotonic() >= late:
                return messages.WALL_LIMIT
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
    """Ends the processes of a child's group, of which there are none unless it got around the filter."""
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
    while True:
        try:
            stray = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            return status, before, cpu
        if not stray and not kill_strays():
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


def obey(
    order: messages.Order, handles: list[int], base: int, steps: Sequence[Callable[[], None]], control: socket
) -> messages.Report:
    """One order from fork to report."""
    began = time.monotonic()
    roles = [(handles[:1], program.serve), (handles[1:], tests.examine)]
    if not order.flags & messages.PAIRED:
        roles = [(handles, child.run)]
    pids: list[int] = []
    try:
        for own, role in roles:
            pids.append(start_child(order, own, base, steps, role))
    except OSError as error:
        if pids:
            clean_up(pids)
        return messages.Report(order.job, error.errno or errno.EIO, 0, 0.0, 0.0, messages.BROKEN)
    finally:
        for handle in handles:
            os.close(handle)
    cause = wait(pids, order, control)
    status, other, cpu = clean_up(pids)
    return messages.Report(order.job, status, other, cpu, time.monotonic() - began, cause)


def main(number: int, setup: dict[str, list[str]]) -> None:
    """Serves orders on descriptor `number` until the parent closes its end. `setup` names the layers to put on, the
    packages that programs may import, and the path where those are found."""
    if number != CONTROL:  # where a child closes it
        os.dup2(number, CONTROL)
        os.close(number)
    control = socket(fileno=CONTROL)
    null = quiet()
    stdlib.load(setup["packages"], setup["path"])
    base = mapped() + SLACK
    missing, steps = lock_down(set(setup["layers"]))
    child.limit(LIMITS)
    sys.setrecursionlimit(child.RECURSION)
    for name in ("ctypes", "_ctypes"):
        sys.modules.pop(name, None)
    control.sendall(json.dumps({"missing": missing}).encode() + b"\n")
    os.dup2(null, 2)
    os.close(null)
    os.environ.clear()
    gc.collect()
    gc.freeze()
    while (received := receive(control)) is not None:
        control.sendall(obey(*received, base, steps, control).pack())
    os._exit(0)

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
import sys
import time
from _socket import CMSG_SPACE, socket  # the module around it would fill each child's memory with enumerations
from collections.abc import Callable

from . import child, messages, script, served, stdlib, tests, watch
from .clocks import processor_time

if sys.platform.startswith("linux"):
    from . import kernel, landlock, namespaces, pages, seccomp

SLACK = 8 << 20
CONTROL = 30  # the last but one that the limit of descriptors leaves
LIMITS = {
    "RLIMIT_STACK": 64 << 20, "RLIMIT_NOFILE": 32, "RLIMIT_CORE": 0, "RLIMIT_MEMLOCK": 0,
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


def lock_down(wanted: set[str]) -> tuple[dict[str, str], child.Cage]:
    """Puts on every layer that is wanted and that the kernel grants. Returns what is missing and why, by layer, and
    what a child has to put on itself."""
    missing: dict[str, str] = {}
    if not sys.platform.startswith("linux"):
        return dict.fromkeys(("namespaces", "landlock", "seccomp"), "only Linux has it"), child.Cage()

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
    kernel.prctl(kernel.PR_SET_PDEATHSIG, watch.SIGKILL)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    attempt("landlock", landlock.deny_everything)
    locks: list[Callable[[], int]] = []
    attempt("seccomp", lambda: locks.append(seccomp.prepared()))
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    tie = kernel.prepared_prctl(kernel.PR_SET_PDEATHSIG, watch.SIGKILL) if "namespaces" in missing else None
    keep = kernel.prepared_prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    return missing, child.Cage(tie, keep, *locks)


def receive(control: socket) -> tuple[messages.Order, list[int]] | None:
    """The next order and its sockets, in rising order; None when the parent has gone."""
    data, ancillary, _flags, _address = control.recvmsg(messages.ORDER_SIZE, CMSG_SPACE(12))
    if len(data) < messages.ORDER_SIZE or not ancillary:
        return None
    return messages.Order.unpack(data), list(array.array("i", ancillary[0][2]))


def start_child(order: messages.Order, handles: list[int], base: int, cage: child.Cage, role: child.Role) -> int:
    """Forks; the child keeps only its own sockets, from SOCKET on, and never comes back."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        cage.end_with(parent)
        for place, handle in enumerate(handles, child.SOCKET):  # rising, so that none is overwritten
            if handle != place:
                os.dup2(handle, place)
        os.closerange(child.SOCKET + len(handles), 256)
        child.main(order, base, cage, role)
    finally:
        os._exit(70)


def wait(pids: list[int], order: messages.Order, control: socket) -> int:
    """Waits for the last child to end, or until one reaches a limit; says which. Leaves if the parent goes."""
    late = time.monotonic() + order.wall

    def look() -> tuple[int, float]:
        used = max(map(processor_time, pids))
        if used >= order.cpu:
            return messages.CPU_LIMIT if processor_time(pids[0]) >= order.cpu else messages.TESTS_LIMIT, 0.0
        left = late - time.monotonic()
        return messages.EXITED if left > 0 else messages.WALL_LIMIT, min(order.cpu - used, left)

    if (cause := watch.wait(pids[-1], look, control.fileno())) == watch.GONE:
        for pid in pids:
            os.kill(pid, watch.SIGKILL)
        os._exit(0)
    return cause


def obey(order: messages.Order, handles: list[int], base: int, cage: child.Cage, control: socket) -> messages.Report:
    """One order from fork to report."""
    began = time.monotonic()
    roles: list[tuple[list[int], child.Role]] = [(handles, script.run if order.flags & messages.SCRIPT else child.run)]
    if order.flags & messages.PAIRED:
        roles = [(handles[:1], served.serve), (handles[1:], tests.examine)]
    pids: list[int] = []
    try:
        for own, role in roles:
            pids.append(start_child(order, own, base, cage, role))
    except OSError as error:
        if pids:
            watch.clean_up(pids)
        return messages.Report(order.job, error.errno or errno.EIO, 0, 0.0, 0.0, messages.BROKEN)
    finally:
        for handle in handles:
            os.close(handle)
    cause = wait(pids, order, control)
    status, other, cpu = watch.clean_up(pids)
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
    if sys.platform.startswith("linux"):
        gc.collect()
        pages.settle()
    base = mapped() + SLACK
    missing, cage = lock_down(set(setup["layers"]))
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
        control.sendall(obey(*received, base, cage, control).pack())
    os._exit(0)

"""The system-call filter of a child: an allow-list for pure computation on descriptors that are already open.

No call that takes a path, makes a process, opens a socket, sends a signal or maps executable memory is on it; those
fail with EPERM. Threads of its own a process may have, as many as there is room for stacks of a mebibyte. A foreign
architecture's calls (32-bit, x32) kill the process. Source of the format: seccomp(2), linux/filter.h, linux/audit.h.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable

from . import kernel

ALLOW, DENY, KILL = 0x7FFF0000, 0x00050001, 0x80000000
UNKNOWN = 0x00050026  # ENOSYS: the C library then makes its threads by `clone`, whose flags can be looked at
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
PROT_EXEC, TCGETS = 4, 0x5401
F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC = 0, 1, 2, 3, 1030
MAP_STACK, LEAST_STACK = 0x20000, 1 << 20
THREADS = 0x3D0F00, 0x7D0F00  # the flags of clone for a thread, by glibc and by musl

HEADER = struct.Struct("@HP")  # a sock_fprog: how many instructions, and where they are

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000

# name: (x86_64, aarch64); None where the architecture has no such call.
PLAIN = {
    "read": (0, 63), "write": (1, 64), "brk": (12, 214), "munmap": (11, 215), "futex": (202, 98),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "close": (3, 57),
    "getcwd": (79, 17), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "pread64": (17, 67), "pwrite64": (18, 68),
    "fstat": (5, 80), "lseek": (8, 62), "readv": (19, 65), "writev": (20, 66), "mremap": (25, 216),
    "madvise": (28, 233), "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "membarrier": (324, 283), "rseq": (334, 293),
    "set_robust_list": (273, 99), "restart_syscall": (219, 128), "sigaltstack": (131, 132),
    "rt_sigpending": (127, 136), "rt_sigtimedwait": (128, 137), "pause": (34, None), "alarm": (37, None),
    "getitimer": (36, 102), "setitimer": (38, 103), "nanosleep": (35, 101), "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "times": (100, 153), "getrusage": (98, 165), "getrlimit": (97, 163), "getrandom": (318, 278),
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
CHECKED = {
    "mmap": (9, 222), "mprotect": (10, 226), "ioctl": (16, 29), "fcntl": (72, 25), "prlimit64": (302, 261),
    "clone": (56, 220), "clone3": (435, 435),
}  # fmt: skip


def _op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _argument(index: int, *, high: bool = False) -> bytes:
    return _op(LOAD, FIRST_ARGUMENT + 8 * index + 4 * high)


def _must_equal(index: int, *values: int) -> bytes:
    """Allows the call if the low word of an argument is one of `values`."""
    tests = [_op(EQUAL, value, yes=len(values) - 1 - at + 1) for at, value in enumerate(values)]
    return _argument(index) + b"".join(tests) + _op(RETURN, DENY) + _op(RETURN, ALLOW)


def _check(name: str) -> bytes:
    """What follows when the call's number has matched; it always ends in a return."""
    if name == "clone3":
        return _op(RETURN, UNKNOWN)
    if name == "clone":
        return _must_equal(0, *THREADS)
    if name in ("mmap", "mprotect"):
        sound = _argument(2) + _op(ANY_BIT, PROT_EXEC, no=1) + _op(RETURN, DENY)
        large = _argument(3) + _op(ANY_BIT, MAP_STACK, no=4) + _argument(1) + _op(AT_LEAST, LEAST_STACK, yes=2)
        large += _argument(1, high=True) + _op(EQUAL, 0, yes=1)
        return sound + (large if name == "mmap" else b"") + _op(RETURN, ALLOW) + _op(RETURN, DENY)
    if name == "ioctl":
        return _must_equal(1, TCGETS)
    if name == "fcntl":
        return _must_equal(1, F_GETFD, F_GETFL, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC)
    zero = [(0, False), (2, False), (2, True)]  # prlimit64 of oneself, reading only: pid 0 and no new limit
    left = [2 * (len(zero) - 1 - at) + 1 for at in range(len(zero))]
    tests = [_argument(at, high=high) + _op(EQUAL, 0, no=skip) for (at, high), skip in zip(zero, left, strict=True)]
    return b"".join(tests) + _op(RETURN, ALLOW) + _op(RETURN, DENY)


def _search(runs: list[tuple[int, bytes]]) -> bytes:
    """Finds the run of calls that a number lies in, by halving, and continues with what the run says.

    The kernel tries each number at the installation, so that a list would cost its length each time.
    """
    if len(runs) == 1:
        return runs[0][1]
    middle = len(runs) // 2
    below, above = _search(runs[:middle]), _search(runs[middle:])
    return _op(AT_LEAST, runs[middle][0], yes=len(below) // 8) + below + above


def program(machine: str) -> bytes:
    """The filter for `machine` as an array of sock_filter. Raises OSError where there is no table for it."""
    if machine not in AUDIT:
        raise OSError(f"no system-call table for {machine}")
    column = list(AUDIT).index(machine)
    allowed = [number for numbers in PLAIN.values() if (number := numbers[column]) is not None]
    answers = dict.fromkeys(allowed, _op(RETURN, ALLOW)) | {X32: _op(RETURN, KILL)}
    answers |= {numbers[column]: _check(name) for name, numbers in CHECKED.items()}
    runs: list[tuple[int, bytes]] = []
    for number in sorted({0, *answers, *(number + 1 for number in answers if number != X32)}):
        answer = answers.get(number, _op(RETURN, DENY))
        if not runs or runs[-1][1] != answer:
            runs.append((number, answer))
    start = [_op(LOAD, ARCHITECTURE), _op(EQUAL, AUDIT[machine], yes=1), _op(RETURN, KILL), _op(LOAD, NUMBER)]
    return b"".join([*start, _search(runs)])


def prepared() -> Callable[[], int]:
    """The installation of the filter, made ready once in the zygote for all children: from there on a process can only
    compute. It needs no_new_privs, and returns 0 where it has worked."""
    code = program(kernel.MACHINE)
    memory = ctypes.create_string_buffer(HEADER.size + len(code))
    memory.raw = HEADER.pack(len(code) // 8, ctypes.addressof(memory) + HEADER.size) + code
    return kernel.prepared_prctl(kernel.PR_SET_SECCOMP, 2, memory)

"""The few calls to the Linux kernel that the standard library has no name for."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable
from functools import partial

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SIGKILL = 9

MACHINE = platform.machine()  # and from here on the module knows, where no one may ask
_libc = ctypes.CDLL(None, use_errno=True)
_UNSIGNED_LONG = ctypes.c_ulong


def checked(result: int, what: str) -> int:
    """`result`, or the OSError that libc's errno names."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, *values: int) -> int:
    """prctl(2) with up to four numbers or addresses."""
    padded = [_UNSIGNED_LONG(value) for value in (*values, 0, 0, 0, 0)[:4]]
    return checked(_libc.prctl(ctypes.c_int(option), *padded), f"prctl {option}")


def prepared_prctl(option: int, *values: int | ctypes.Array[ctypes.c_char]) -> Callable[[], int]:
    """A prctl(2) call that is ready to be made, and returns 0 where it has worked. Each line of Python that a child
    runs first dirties pages which it shares with its maker."""
    prototype = ctypes.PYFUNCTYPE(ctypes.c_int)  # with declared arguments, each would be converted by calls
    return partial(prototype(("prctl", _libc)), option, *(*values, 0, 0, 0, 0)[:4])


def syscall(number: int, *values: int | None) -> int:
    """A system call by number, with numbers or addresses."""
    words = [ctypes.c_long(value or 0) for value in values]
    return checked(_libc.syscall(ctypes.c_long(number), *words), f"syscall {number}")


def libc(name: str, *values: int | bytes | None) -> int:
    """A function of libc that returns -1 and sets errno when it fails."""
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    return checked(getattr(_libc, name)(*words), name)


def address(name: str, *values: int | None) -> int:
    """A function of libc that returns an address, and -1 and errno when it fails."""
    function = getattr(_libc, name)
    function.restype = ctypes.c_void_p
    place = function(*[ctypes.c_long(value or 0) for value in values]) or 0
    return checked(-1, name) if place == ctypes.c_size_t(-1).value else place


def drop_capabilities() -> None:
    """Gives up every capability for good; without any to begin with it does nothing."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    libc("capset", ctypes.addressof(header), ctypes.addressof(nothing))

"""Memory laid out so that a fork is cheap: what it costs goes with the mappings to copy and the pages to find again.

Three dozen compiled modules bring five mappings each, which become two where neighbours get the same rights: constants
those of the code before or after them, and what the loader has made read-only those of the data after it. None can be
written and executed. The interpreter's own code moves into huge pages: a child maps each with a single page fault.
Memory that loading left free goes back to the system.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from . import kernel

READ, WRITE, EXECUTE = 1, 2, 4
PRIVATE, ANONYMOUS = 2, 0x20
MAY_MOVE, FIXED = 1, 2  # mremap
HUGE = 14  # madvise
HUGE_FROM = "/sys/kernel/mm/transparent_hugepage"


class Mapping(NamedTuple):
    """A line of /proc/self/maps."""

    start: int
    end: int
    rights: str
    file: str

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start


def settle() -> None:
    """Does all that, once everything is loaded, as far as the system lets it."""
    with contextlib.suppress(AttributeError):  # not every C library has it
        kernel.libc("malloc_trim", 0)
    with contextlib.suppress(OSError, ValueError, StopIteration):
        join()
        if kernel.MACHINE == "x86_64":
            enlarge()


def mappings() -> Iterator[Mapping]:
    """Those of this process, by address."""
    with open("/proc/self/maps") as file:
        for line in file:
            places, rights, _offset, _device, _number, *name = line.split(maxsplit=5)
            start, end = (int(place, 16) for place in places.split("-"))
            yield Mapping(start, end, rights, name[0].strip() if name else "")


def join() -> None:
    """Gives constants of a file the rights of what lies beside them. Raises OSError."""
    for mapping, following in pairwise([*mappings(), Mapping(0, 0, "", "")]):
        if mapping.rights == "r--p" and mapping.file.startswith("/"):
            data = following.rights == "rw-p" and (following.start, following.file) == (mapping.end, mapping.file)
            kernel.libc("mprotect", mapping.start, mapping.size, READ | (WRITE if data else EXECUTE))


def enlarge() -> None:
    """Moves the interpreter's code into huge pages. Raises OSError and ValueError."""
    with open(f"{HUGE_FROM}/enabled") as file:
        if "[never]" in file.read():
            return
    with open(f"{HUGE_FROM}/hpage_pmd_size") as file:
        huge = int(file.read())
    within = ctypes.cast(ctypes.pythonapi.PyObject_Call, ctypes.c_void_p).value or 0
    code = next(mapping for mapping in mappings() if mapping.start <= within < mapping.end)
    for place in range(-(-code.start // huge) * huge, code.end - huge + 1, huge):
        move(place, huge)


def move(place: int, size: int) -> None:
    """Puts a private copy in huge pages in the place of read-only memory, in one step. Raises OSError."""
    room = kernel.address("mmap", None, 2 * size, READ | WRITE, PRIVATE | ANONYMOUS, -1, 0)
    copy = -(-room // size) * size
    kernel.libc("madvise", copy, size, HUGE)
    ctypes.memmove(copy, place, size)
    kernel.libc("mprotect", copy, size, READ | EXECUTE)
    kernel.address("mremap", copy, size, size, MAY_MOVE | FIXED, place)
    for start, end in ((room, copy), (copy + size, room + 2 * size)):
        if start < end:
            kernel.libc("munmap", start, end - start)

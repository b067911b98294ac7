"""What parent and zygote say to each other: fixed-size records over the control socket.

An order carries the child's end of the job's own socket beside it; the zygote never reads that socket.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_ORDER = struct.Struct("=IddQI")
_REPORT = struct.Struct("=IIddB")
ORDER_SIZE, REPORT_SIZE = _ORDER.size, _REPORT.size

EXITED, CPU_LIMIT, WALL_LIMIT, BROKEN = range(4)  # why a child ended
UNFILTERED = 1  # a trusted canary that runs without the system-call filter, to see what the other layers hold

HEADER = struct.Struct("=cI")  # a frame from the child: its kind and the length of what follows
VALUE, ERROR, REFUSED, UNUSABLE, END = b"V", b"E", b"R", b"U", b"Z"


class Order(NamedTuple):
    """One program to run: limits in seconds and bytes."""

    job: int
    cpu: float
    wall: float
    memory: int
    flags: int

    def pack(self) -> bytes:
        """As bytes."""
        return _ORDER.pack(*self)

    @classmethod
    def unpack(cls, data: bytes) -> Order:
        """From ORDER_SIZE bytes."""
        return cls(*_ORDER.unpack(data))


class Report(NamedTuple):
    """How a child ended: its wait status, seconds of processor and of wall time, and the cause."""

    job: int
    status: int
    cpu: float
    wall: float
    cause: int

    def pack(self) -> bytes:
        """As bytes."""
        return _REPORT.pack(*self)

    @classmethod
    def unpack(cls, data: bytes) -> Report:
        """From REPORT_SIZE bytes."""
        return cls(*_REPORT.unpack(data))

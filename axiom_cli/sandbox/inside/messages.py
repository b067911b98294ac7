"""What parent, zygote and children say to each other: fixed-size records over the control socket, frames elsewhere.

An order carries the ends of the job's own sockets beside it; the zygote never reads those.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

_ORDER = struct.Struct("=IdddQQI")
_REPORT = struct.Struct("=IIIddB")
ORDER_SIZE, REPORT_SIZE = _ORDER.size, _REPORT.size

EXITED, CPU_LIMIT, WALL_LIMIT, BROKEN, TESTS_LIMIT, TEST_LIMIT, FLOODED = range(7)  # why a job ended
UNFILTERED = 1  # a trusted canary that runs without the system-call filter, to see what the other layers hold
TIMED = 4  # a frame comes first, before any of the program has run
SCRIPT = 8  # a process for each test, with real standard input and output
PAIRED = 2  # two children: the program, and the tests that are code

HEADER = struct.Struct("=cI")  # a frame: its kind and the length of what follows
JOB, CALL = b"J", b"C"  # to a child: what to run, what to do next
VALUE, ERROR, REFUSED, UNUSABLE, END = b"V", b"E", b"R", b"U", b"Z"
STARTED, FAILED = b"S", b"F"  # the program begins, or is called; from tests that are code: it is wrong
STOPPED = b"L"  # from the director of a script: no more tests, and why
LACKING = b"X"  # the program failed since it used what the sandbox does not have
READY, OBJECT = b"Y", b"O"  # the program has run, and what is asked for is the object 0; an object, by its number
MORE, FORGET = b"M", b"G"  # a value, with what else there is to know; a value, and nothing is shared any more
ASK = b"A"  # a program, in the middle of a call, asks for a function of the tests that it was given
UNPREPARED = b"P"  # what stands before the program does not run
MOST = 1 << 32


class TooLargeError(ValueError):
    """A frame that announces more bytes than its reader takes."""


def frame(kind: bytes, body: bytes = b"") -> bytes:
    """One frame as bytes."""
    return HEADER.pack(kind, len(body)) + body


def send(descriptor: int, kind: bytes, body: bytes = b"", write: Callable[[int, Any], int] = os.write) -> None:
    """One whole frame."""
    data = memoryview(frame(kind, body))
    while data:
        data = data[write(descriptor, data) :]


def receive(descriptor: int, most: int = MOST, read: Callable[[int, int], bytes] = os.read) -> tuple[bytes, bytes]:
    """Kind and body of one frame. Raises TooLargeError on a body of more than `most` bytes, EOFError at the end."""
    kind, length = HEADER.unpack(exactly(descriptor, HEADER.size, read))
    if length > most:
        raise TooLargeError
    return kind, exactly(descriptor, length, read)


def exactly(descriptor: int, count: int, read: Callable[[int, int], bytes] = os.read) -> bytes:
    """That many bytes. Raises EOFError at the end."""
    data = bytearray()
    while len(data) < count:
        part = read(descriptor, min(count - len(data), 1 << 16))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


class Order(NamedTuple):
    """One program to run: limits in seconds (of processor time, of that for one test or 0, by the clock) and bytes."""

    job: int
    cpu: float
    test: float
    wall: float
    memory: int
    results: int
    flags: int

    def pack(self) -> bytes:
        """As bytes."""
        return _ORDER.pack(*self)

    @classmethod
    def unpack(cls, data: bytes) -> Order:
        """From ORDER_SIZE bytes."""
        return cls(*_ORDER.unpack(data))


class Report(NamedTuple):
    """How a job ended: its wait status, seconds of processor and of wall time, and the cause.

    `program` is the wait status of a program beside tests that are code, 0 while it had not ended by itself.
    """

    job: int
    status: int
    program: int
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

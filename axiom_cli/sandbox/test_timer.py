"""How long the present test of a program takes, measured and ended from outside of the program.

The kernel tells which process has written to a job's socket, so that its clock can be read and it can be ended from
here: no signal that it ignores and no timer that it resets plays a part. Only Linux can; elsewhere a test has no limit
of its own, and the program's limit holds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from collections import deque
from collections.abc import Iterable

from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.inside.clocks import processor_time

CREDENTIALS = struct.Struct("=iii")  # process, user, group


class TestTimer:
    """Of one job: its tests may take `limit` seconds of processor time each, the first one with the program's top
    level. `over` says that one took more. An input is handed out when the result before it is there, so that no test
    can be worked on in the time of another."""

    def __init__(self, end: socket.socket, limit: float, inputs: Iterable[bytes]) -> None:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.limit, self.inputs, self.over = limit, deque(inputs), False
        self._pid, self._at, self._since = 0, 0, 0.0  # whose clock, where the next frame starts, when the test began

    @staticmethod
    def supported() -> bool:
        """Whether this system tells who has written to a socket."""
        return hasattr(socket, "SO_PASSCRED") and hasattr(os, "pidfd_open")

    def receive(self, end: socket.socket, size: int) -> bytes:
        """Like `recv`; remembers who has written."""
        part, ancillary, _flags, _address = end.recvmsg(size, socket.CMSG_SPACE(CREDENTIALS.size))
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                self._pid = CREDENTIALS.unpack(data)[0]
        return part

    def check(self, received: bytearray) -> bytes:
        """The inputs to send now that so much was received. Ends the program if its test has taken too long."""
        inputs, used = b"", processor_time(self._pid) if self._pid else 0.0
        while (end := self._end(received)) <= len(received):
            kind, self._at, self._since = received[self._at : self._at + 1], end, used
            if kind != messages.STARTED and self.inputs:
                inputs += self.inputs.popleft()
        if self._pid and used - self._since > self.limit:
            self.over = True
            with contextlib.suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
        return inputs

    def _end(self, received: bytearray) -> int:
        """Where the next frame ends; beyond all that was received if its head is not there yet."""
        if len(received) < self._at + messages.HEADER.size:
            return len(received) + 1
        return self._at + messages.HEADER.size + messages.HEADER.unpack_from(received, self._at)[1]

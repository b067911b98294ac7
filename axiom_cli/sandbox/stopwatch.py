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
from dataclasses import dataclass

from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.inside.clocks import processor_time

CREDENTIALS = struct.Struct("=iii")  # process, user, group


@dataclass
class Stopwatch:
    """Of one job, whose tests may take `limit` seconds of processor time each. `over` says that one took more."""

    limit: float
    pid: int = 0
    at: int = 0  # where the next frame starts
    since: float = 0.0
    over: bool = False

    @staticmethod
    def supported() -> bool:
        """Whether this system tells who has written to a socket."""
        return hasattr(socket, "SO_PASSCRED") and hasattr(os, "pidfd_open")

    def start(self, end: socket.socket) -> None:
        """Asks for the writer of everything that comes out of this end."""
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def receive(self, end: socket.socket, size: int) -> bytes:
        """Like `recv`."""
        part, ancillary, _flags, _address = end.recvmsg(size, socket.CMSG_SPACE(CREDENTIALS.size))
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                self.pid = CREDENTIALS.unpack(data)[0]
        return part

    def look(self, received: bytearray) -> None:
        """Ends the program if no frame has come for too long. The first frame says that its first test begins."""
        used, before = processor_time(self.pid) if self.pid else 0.0, self.at
        while len(received) >= self.at + messages.HEADER.size:
            _kind, length = messages.HEADER.unpack_from(received, self.at)
            self.at += messages.HEADER.size + length
        if self.at != before:
            self.since = used
        elif self.pid and used - self.since > self.limit:
            self.over = True
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)

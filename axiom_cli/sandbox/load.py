"""How busy the machine is: what takes a second on a quiet machine takes longer on a busy one."""

from __future__ import annotations

import contextlib
import os
import time

MOST = 4.0
FRESH_SECONDS = 0.05  # asking the system takes as long as a tenth of a small program
_measured = (-FRESH_SECONDS, 1.0)  # when, and what


def slowdown() -> float:
    """How much longer things take because more processes want to run than there are processors: 1 to 4.

    The load of the last minute, or what wants to run at this moment where that is more: the load average needs a
    quarter of a minute to notice a crowd. The answer is at most FRESH_SECONDS old.
    """
    global _measured
    now = time.monotonic()
    if now - _measured[0] >= FRESH_SECONDS:
        runnable = 0
        with contextlib.suppress(OSError, ValueError), open("/proc/loadavg") as file:  # where the system has it
            runnable = int(file.read().split()[3].partition("/")[0])
        wanting = max(os.getloadavg()[0], runnable)
        _measured = now, min(MOST, max(1.0, wanting / (os.cpu_count() or 1)))
    return _measured[1]

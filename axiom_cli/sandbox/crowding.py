"""How busy the machine is: what takes a second on a quiet machine takes longer on a crowded one."""

from __future__ import annotations

import contextlib
import os
import time

MOST = 4.0
FRESH_SECONDS = 0.05  # asking the system takes as long as a tenth of a small program
_known = (-FRESH_SECONDS, 1.0)


def crowding() -> float:
    """How much longer things take because more processes want to run than there are processors: 1 to 4.

    The load of the last minute, or what wants to run at this moment where that is more: the load average needs a
    quarter of a minute to notice a crowd. The answer is at most FRESH_SECONDS old.
    """
    global _known
    now = time.monotonic()
    if now - _known[0] >= FRESH_SECONDS:
        _known = now, _asked()
    return _known[1]


def _asked() -> float:
    wanting = max(os.getloadavg()[0], _runnable())
    return min(MOST, max(1.0, wanting / (os.cpu_count() or 1)))


def _runnable() -> int:
    """Processes that run or wait for a processor now, 0 where the system does not say."""
    with contextlib.suppress(OSError, ValueError), open("/proc/loadavg") as file:
        return int(file.read().split()[3].partition("/")[0])
    return 0

"""Processor time of another process."""

from __future__ import annotations

import time


def processor_time(pid: int) -> float:
    """Seconds of processor time of a process so far; infinite patience (0.0) where the system does not say."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, OverflowError):
        return 0.0

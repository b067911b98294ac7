"""Ctrl-C between two steps, not within one: half a step is in no checkpoint."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SAME = 1.0
"""Seconds in which several are one."""


@contextmanager
def held_back(wanted: bool = True) -> Iterator[Callable[[], bool]]:
    """Within it, a first Ctrl-C only makes what is given true; one that comes later interrupts at once. (A launcher of
    several processes hands on the same one, so that each gets it twice.)

    Where it is not `wanted`, or signals are not ours to handle (another thread, a handler that is not Python's own),
    Ctrl-C does what it did.
    """
    first = 0.0

    def count(number: int, frame: Any) -> None:
        nonlocal first
        first = first or time.monotonic()
        if time.monotonic() - first > SAME:
            raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    if not (wanted and main and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        yield lambda: False
        return
    signal.signal(signal.SIGINT, count)
    try:
        yield lambda: first > 0
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

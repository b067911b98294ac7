"""Ctrl-C between two steps, not within one: half a step is in no checkpoint."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SAME_SECONDS = 1.0
"""Seconds within which several Ctrl-C count as one."""


@contextmanager
def deferred_interrupts(*, wanted: bool) -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether Ctrl-C was pressed; a second one interrupts at once. (A launcher of several
    processes passes the signal on, so that each gets it twice within a moment: that counts as one.)

    Where it is not `wanted`, or signals are not ours to handle (another thread, a handler that is not Python's own),
    Ctrl-C interrupts as ever.
    """
    first = 0.0

    def count(_number: int, _frame: Any) -> None:
        nonlocal first
        first = first or time.monotonic()
        if time.monotonic() - first > SAME_SECONDS:
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

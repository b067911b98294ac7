"""How a command is interrupted, and what it has kept until then."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from types import FrameType

from axiom_cli.wording import listed, plural

EXIT_CODE = 130
SAME_SECONDS = 1.0
"""Seconds within which several signals count as one: a launcher that passes one on sends it twice within a moment."""
_kept: Counter[str] = Counter()
_first = 0.0
"""When this process was interrupted."""


def listen() -> None:
    """From now on SIGTERM and SIGHUP interrupt as Ctrl-C does, unless they were ignored at the start; whichever comes
    second ends the process at once. Processes that are forked from here die of them."""
    defaults = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    taken = {number: default for number, default in defaults.items() if signal.getsignal(number) is default}
    for number in taken:
        signal.signal(number, interrupt if number == signal.SIGINT else _as_ctrl_c)
    os.register_at_fork(after_in_child=lambda: [signal.signal(number, taken[number]) for number in taken])


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Raises KeyboardInterrupt; the second time, the process ends as it is."""
    global _first
    if _first and time.monotonic() - _first > SAME_SECONDS:
        if sys.stderr is not None and sys.stderr.isatty():
            os.write(sys.stderr.fileno(), b"\x1b[?25h\n")  # a line that moves has hidden the cursor
        os._exit(EXIT_CODE)
    if not _first:
        _first = time.monotonic()
        raise KeyboardInterrupt


def _as_ctrl_c(_number: int, frame: FrameType | None) -> None:
    current = signal.getsignal(signal.SIGINT)  # where Ctrl-C waits for the end of a step, so does this
    (current if callable(current) else interrupt)(signal.SIGINT, frame)


def keep(what: str, count: int) -> None:
    """Counts things (`sample`) that the same command will find again."""
    _kept[what] += count


def forget() -> None:
    """Begins at 0: another command is run in this process."""
    _kept.clear()


def kept() -> str:
    """`1,130 samples`; empty if nothing was counted."""
    return listed([plural(count, what) for what, count in _kept.items() if count] or [""])

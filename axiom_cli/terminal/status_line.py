"""One line that moves while long work is done: on a terminal drawn anew in its place, else written out now and then.

What is said meanwhile stands above it on a terminal. In a log every line has the time before it, but for warnings,
which begin with their label, and no control characters.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from axiom_cli.terminal import console
from axiom_cli.wording import spelled_out

Line = Callable[[int], str]
"""The width of the terminal -> what the line says now, in no more characters; empty for no line."""
Part = Callable[[], object]
"""Which part of the work is done now."""
WIDE = 1000
LOOKS_PER_SECOND = 4
SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def status_line(line: Line, part: Part) -> Iterator[Callable[[str], None]]:
    """Shows the line while the context lasts; gives the function that says a sentence meanwhile. With `--quiet`
    neither shows."""
    if console.is_quiet():
        yield lambda _text: None
    elif console.is_terminal():
        with _drawn(line):
            yield console.note
    else:
        with _written(line, part):
            yield _stamped


def _stamped(text: str) -> None:
    console.note(f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}")


@contextmanager
def _drawn(line: Line) -> Iterator[None]:
    from rich.live import Live
    from rich.text import Text

    terminal = console.rich_console()

    def draw() -> Any:
        return Text(spelled_out(line(terminal.width - 1)), no_wrap=True, overflow="ellipsis", style="dim")

    with Live(
        get_renderable=draw,
        console=terminal,
        refresh_per_second=LOOKS_PER_SECOND,
        transient=True,
        redirect_stdout=False,
    ):
        yield


@contextmanager
def _written(line: Line, part: Part) -> Iterator[None]:
    """Writes the line where a part of the work begins, and every thirty seconds."""
    stop = threading.Event()

    def write() -> None:
        known, waited = None, 0.0
        while not stop.wait(1 / LOOKS_PER_SECOND):
            waited += 1 / LOOKS_PER_SECOND
            current, text = part(), line(WIDE)
            if text and (current != known or waited >= SECONDS_BETWEEN_LINES):
                known, waited = current, 0.0
                _stamped(text)

    thread = threading.Thread(target=write, name="axiom-status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()

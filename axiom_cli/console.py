"""Talk for people, on stderr only; data goes to stdout elsewhere. Nobody else imports rich, and rich comes late.

A terminal gets Rich tables and bars. Anything else gets plain lines, so that a log stays readable. `--quiet` leaves
warnings and errors; `NO_COLOR` is Rich's own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """What `progress` gives: called with the steps done since the last call and, if it changed, a new caption."""

    def __call__(self, advance: int = 1, text: str = "") -> None:
        """Moves on."""


Watch = Callable[[str, int, int], None]
_quiet = False


def configure(quiet: bool) -> None:
    """Whether notes, tables and progress are held back in this process."""
    global _quiet
    _quiet = quiet


def is_terminal() -> bool:
    """Whether somebody watches stderr."""
    return sys.stderr is not None and sys.stderr.isatty()


@cache
def _rich() -> Any:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _line(text: str, style: str = "") -> None:
    if style and is_terminal():
        label, _, rest = text.partition(":")
        _rich().print(f"[{style}]{label}:[/{style}]", end="")
        _rich().print(rest, markup=False)
    else:
        print(text, file=sys.stderr, flush=True)


def note(text: str) -> None:
    """A sentence about what was done."""
    if not _quiet:
        _line(text)


def hint(text: str) -> None:
    """What the reader might do next."""
    if not _quiet:
        _line(f"hint: {text}", "cyan")


def warn(text: str) -> None:
    """Something that the reader should know although the work goes on. `--quiet` keeps it."""
    _line(f"warning: {text}", "yellow")


def error(text: str, hint: str = "") -> None:
    """The line of a failure, and what to do about it."""
    _line(f"error: {text}", "bold red")
    if hint:
        _line(f"hint: {hint}", "cyan")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table; columns of plain text where stderr is no terminal."""
    if _quiet:
        return
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if is_terminal():
        _rich().print(_rich_table(title, columns, cells))
        return
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    for row in [[title]] * bool(title) + [list(columns), *cells]:
        _line("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())  # noqa: B905


def _rich_table(title: str, columns: Sequence[str], cells: list[list[str]]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(*map(escape, columns), title=escape(title) if title else None, title_justify="left")
    for row in cells:
        drawn.add_row(*map(escape, row))
    return drawn


@contextmanager
def progress(text: str, total: int | None = None) -> Iterator[Progress]:
    """A bar on a terminal, else a plain line every ten seconds; nothing with `--quiet`."""
    if _quiet:
        yield lambda advance=1, text="": None
    elif is_terminal():
        yield from _bar(text, total)
    else:
        yield _Lines(text, total)


@contextmanager
def watching() -> Iterator[Watch]:
    """For work in several phases: called with what is being done, how much of it is done, how much there is.

    A terminal gets one bar that changes its name; anything else a line a phase, and one every ten seconds.
    """
    if _quiet:
        yield lambda what, done, total: None
    elif is_terminal():
        yield from _phases()
    else:
        yield _PhaseLines()


def _phases() -> Iterator[Watch]:
    from rich.progress import Progress as RichProgress

    with RichProgress(*_columns(), console=_rich(), transient=True) as bars:
        task = bars.add_task("", total=None)

        def watch(what: str, done: int, total: int) -> None:
            if what != bars.tasks[0].description:
                bars.reset(task, description=what, total=total)
            bars.update(task, completed=done, total=total)

        yield watch


class _PhaseLines:
    def __init__(self) -> None:
        self.phase, self.last = "", 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        if what == self.phase and time.monotonic() - self.last < SECONDS_BETWEEN_LINES:
            return
        _line(f"{what}: {done:,} of {total:,}" if what == self.phase else what)
        self.phase, self.last = what, time.monotonic()


def _columns() -> list[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]


def _bar(text: str, total: int | None) -> Iterator[Progress]:
    from rich.progress import Progress as RichProgress

    with RichProgress(*_columns(), console=_rich(), transient=True) as bars:
        task = bars.add_task(text, total=total)

        def move(advance: int = 1, text: str = "") -> None:
            bars.update(task, advance=advance, **({"description": text} if text else {}))

        yield move


class _Lines:
    """Progress as plain lines, so far apart that a log is not flooded."""

    def __init__(self, text: str, total: int | None) -> None:
        self.text, self.total, self.done = text, total, 0
        self.last = time.monotonic()

    def __call__(self, advance: int = 1, text: str = "") -> None:
        self.done += advance
        self.text = text or self.text
        if time.monotonic() - self.last >= SECONDS_BETWEEN_LINES:
            self.last = time.monotonic()
            _line(f"{self.text}: {self.done}" + (f" of {self.total}" if self.total else ""))

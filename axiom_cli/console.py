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


class Board:
    """Long work in phases: what is being done, and a table that grows by a row whenever something was measured.

    Without a terminal: a line a phase, a line every ten seconds, a line a row. `quiet` boards show nothing.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns, self.rows = list(columns), []
        self._phase, self._last = "", 0.0

    def phase(self, what: str, done: int, total: int) -> None:
        """`done` of `total`."""
        if _quiet or (what == self._phase and time.monotonic() - self._last < SECONDS_BETWEEN_LINES):
            return
        _line(f"{what}: {done:,} of {total:,}" if what == self._phase else what)
        self._phase, self._last = what, time.monotonic()

    def row(self, cells: Sequence[str]) -> None:
        """One more row."""
        if not _quiet:
            _line("  " + "  ".join(f"{name} {cell}" for name, cell in zip(self.columns, cells, strict=True) if cell))


class _LiveBoard(Board):
    def __init__(self, title: str, columns: Sequence[str]) -> None:
        from rich.live import Live
        from rich.progress import Progress as RichProgress

        super().__init__(columns)
        self._title = title
        self._bars = RichProgress(*_columns(), console=_rich())
        self._task = self._bars.add_task("", total=None)
        self.live = Live(self._drawn(), console=_rich(), refresh_per_second=8)

    def phase(self, what: str, done: int, total: int) -> None:
        if what != self._phase:
            self._phase = what
            self._bars.reset(self._task, description=what, total=total)
        self._bars.update(self._task, completed=done, total=total)

    def row(self, cells: Sequence[str]) -> None:
        self.rows.append(list(cells))
        self.live.update(self._drawn())

    def _drawn(self) -> Any:
        from rich.console import Group

        return Group(_rich_table(self._title, self.columns, self.rows), self._bars) if self.rows else self._bars


@contextmanager
def board(title: str, columns: Sequence[str]) -> Iterator[Board]:
    """A live table with a bar below it on a terminal, else lines."""
    if _quiet or not is_terminal():
        yield Board(columns)
        return
    live = _LiveBoard(title, columns)
    with live.live:
        yield live


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

"""Talk for people, on stderr only; data goes to stdout elsewhere. Nobody else imports rich, and rich comes late.

A terminal gets Rich tables and bars. Anything else gets plain lines, so that a log stays readable. `--quiet` leaves
warnings and errors; a command whose table stands in for its data then writes the data (`data_wanted`). `NO_COLOR` is
Rich's own.
"""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Protocol

from axiom_cli import process_rank
from axiom_cli.terminal import stdout_guard, table_layout
from axiom_cli.wording import spelled_out

SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """Reports steps: called with those done since the last call and, if it changed, a new caption."""

    def __call__(self, advance: int = 1, text: str = "") -> None:
        """Reports `advance` more steps."""


_quiet = False


def configure(*, quiet: bool) -> None:
    """Holds notes, tables and progress back if `quiet`. Of several processes only the first one shows them; each shows
    its errors."""
    global _quiet
    _quiet = quiet or not process_rank.is_first()


def is_quiet() -> bool:
    """Whether `--quiet` is on."""
    return _quiet


def data_wanted() -> bool:
    """Whether data belongs on stdout: it is piped, or `--quiet` holds back the table that a terminal would get."""
    stream = stdout_guard.stdout()
    return _quiet or stream is None or not stream.isatty()


def is_terminal() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def width() -> int:
    """The columns that stderr has room for: those of a terminal, else 80."""
    return rich_console().width if is_terminal() else 80


@cache
def rich_console() -> Any:
    """Rich's console on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _line(text: str, style: str = "") -> None:
    text = spelled_out(text)
    if is_terminal():
        # Lines break between words; a word that is longer than the terminal, such as a path, stays whole.
        wrap = partial(
            textwrap.fill, width=rich_console().width, break_long_words=False, break_on_hyphens=False, expand_tabs=False
        )
        text = "\n".join(map(wrap, text.split("\n")))
    if style and is_terminal():
        from rich.text import Text

        label, _, rest = text.partition(":")
        # At once: what is printed in two goes breaks in two above a line that moves.
        rich_console().print(Text.assemble((f"{label}:", style), rest), soft_wrap=True)
    else:
        print(text, file=sys.stderr, flush=True)


def note(text: str) -> None:
    """A sentence about what was done."""
    if not _quiet:
        _line(text)


def hint(text: str) -> None:
    """What the reader can do next."""
    if not _quiet:
        _line(f"hint: {text}", "cyan")


def warn(text: str) -> None:
    """Something that the reader should know although the work continues. `--quiet` keeps it."""
    if process_rank.is_first():
        _line(f"warning: {text}", "yellow")


@cache
def warn_once(text: str) -> None:
    """As `warn`, but of one sentence only once: an engine is opened, or the weights are replaced, many times."""
    warn(text)


def error(text: str, hint: str = "") -> None:
    """What failed, and what to do about it."""
    _line(f"error: {text}", "bold red")
    if hint:
        _line(f"hint: {hint}", "cyan")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], keys: int = 0) -> None:
    """A table; columns of plain text where stderr is not a terminal; nothing with `--quiet`.

    With `keys` no cell is wrapped or cut: the columns that a narrow terminal has no room for follow in further tables,
    each behind the first `keys` columns, or in one line where they say the same in every row. A terminal without room
    for the keys and one more column gets lines that are too long.
    """
    if _quiet:
        return
    cells = [["" if cell is None else spelled_out(str(cell)) for cell in row] for row in rows]
    title, columns = spelled_out(title), [*map(spelled_out, columns)]
    if not is_terminal():
        widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(columns)]
        for row in [[title]] * bool(title) + [list(columns), *cells]:
            _line("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())  # noqa: B905
    elif keys:
        _whole_tables(title, columns, cells, keys)
    else:
        rich_console().print(_rich_table(title, columns, cells))


def one_line(head: str, text: str, tail: str = "") -> None:
    """A line that fits the terminal: `text` is shortened where there is no room for it. Control characters are spelled
    out."""
    if _quiet:
        return
    from rich.text import Text

    first, last = Text(visible(head)), Text(visible(tail))
    middle = Text(visible(text))
    if is_terminal():
        middle.truncate(max(1, rich_console().width - first.cell_len - last.cell_len), overflow="ellipsis")
    print(f"{first.plain}{middle.plain}{last.plain}", file=sys.stderr, flush=True)


def paint(pieces: Sequence[tuple[str, str]]) -> None:
    """Prints pieces of text, each in its style, on a terminal without `--quiet`; elsewhere nothing. Control characters
    are spelled out, so that no text can control the terminal."""
    if _quiet or not is_terminal():
        return
    from rich.text import Text

    rich_console().print(Text.assemble(*((visible(text), style) for text, style in pieces)), soft_wrap=True)


def visible(text: str) -> str:
    """The text spelled out, its ends of lines shown."""
    return spelled_out(text).replace("\n", "⏎\n")


def _whole_tables(title: str, columns: Sequence[str], cells: list[list[str]], keys: int) -> None:
    least, room = _least(columns, cells), rich_console().width
    first, *more = table_layout.parts(least, list(range(len(columns))), keys, room)
    same = [i for part in more for i in part[keys:] if len({row[i] for row in cells}) == 1]
    rest = [i for part in more for i in part[keys:] if i not in same]
    parts = [first, *(table_layout.parts(least, [*range(keys), *rest], keys, room) if rest else [])]
    for number, part in enumerate(parts):
        shown = [[row[i] for i in part] for row in cells]
        heading = f"{title}, continued" if number else title
        rich_console().print(_rich_table(heading, [columns[i] for i in part], shown, whole=True), crop=False)
    if same:
        _line("in every row: " + ", ".join(f"{columns[i]} {cells[0][i] or '(empty)'}" for i in same))


def _least(columns: Sequence[str], cells: list[list[str]]) -> list[int]:
    """The widths of columns whose headings may wrap between words and whose cells may not."""
    from rich.cells import cell_len

    return [
        max(map(cell_len, (*name.split(), *(row[i] for row in cells))), default=1) for i, name in enumerate(columns)
    ]


def _rich_table(title: str, columns: Sequence[str], cells: list[list[str]], *, whole: bool = False) -> Any:
    """`whole` gives every cell the room it needs and draws no lines between columns; only headings may wrap."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    style: dict[str, Any] = {"box": box.SIMPLE_HEAD, "show_edge": False, "padding": (0, 1, 0, 0)} if whole else {}
    drawn = Table(title=escape(title) if title else None, title_justify="left", **style)
    widths = (
        table_layout.widths(_least(columns, cells), columns, rich_console().width) if whole else [None] * len(columns)
    )
    for name, width in zip(columns, widths, strict=True):
        drawn.add_column(escape(name), width=width, overflow="fold")
    for row in cells:
        drawn.add_row(*map(escape, row))
    return drawn


@contextmanager
def progress(text: str, total: int | None = None) -> Iterator[Progress]:
    """A bar on a terminal, else a plain line every ten seconds; nothing with `--quiet`."""
    if _quiet:
        yield lambda advance=1, text="": None  # noqa: ARG005 - the signature of Progress
    elif not is_terminal():
        yield _Lines(text, total)
    else:
        from rich.progress import Progress as RichProgress

        with RichProgress(*_columns(), console=rich_console(), transient=True) as bars:
            task = bars.add_task(spelled_out(text), total=total)
            yield lambda advance=1, text="": bars.update(task, advance=advance, description=spelled_out(text) or None)


def _columns() -> list[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return [TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]


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

"""Where data goes, and where `print` goes meanwhile: a command's stdout is for its records, whoever else prints.

Families of others, and libraries, print as they like. While a command runs, their lines go to stderr, or nowhere with
`--quiet`. What is written to the descriptor itself, as code in C may do, is not caught.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

LONGEST = 10_000
_kept: list[TextIO | None] = []


def stdout() -> TextIO | None:
    """The stream that data goes to; None where it was closed before the process began."""
    return _kept[-1] if _kept else sys.stdout


@contextmanager
def aside(quiet: bool = False) -> Iterator[None]:
    """Keeps standard output for whoever asks `stdout()`; what is printed meanwhile goes to stderr, or is lost if
    `quiet`."""
    printed = Aside(quiet)
    _kept.append(sys.stdout)
    if sys.stdout is not None:
        sys.stdout = printed
    try:
        yield
    finally:
        sys.stdout = _kept.pop()  # type: ignore[assignment]
        printed.finish()


class Aside(io.TextIOBase):
    """Stands for standard output. Whole lines go to stderr, so that no line of ours begins behind half a one of others;
    one that does not end is broken."""

    name, mode, line_buffering = "<stdout>", "w", True

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._rest = quiet, ""

    @property
    def encoding(self) -> str:
        """As of stderr."""
        return getattr(sys.stderr, "encoding", None) or "utf-8"

    @property
    def buffer(self) -> io.BufferedIOBase:
        """For those who print bytes."""
        return _Bytes(self)

    def fileno(self) -> int:
        """That of stderr."""
        return sys.stderr.fileno()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Keeps what is no whole line yet."""
        if not self._quiet:
            lines, end, rest = (self._rest + text).rpartition("\n")
            self._rest = rest
            if end:
                _told(lines + end)
            if len(rest) > LONGEST:
                self.finish()
        return len(text)

    def finish(self) -> None:
        """Ends the last line, if there is one."""
        if self._rest:
            _told(f"{self._rest}\n")
            self._rest = ""

    def reconfigure(self, **settings: Any) -> None:
        """Does nothing."""


class _Bytes(io.BufferedIOBase):
    """Stands for its buffer: whoever closes it, or lets it go, closes nothing of ours."""

    def __init__(self, aside: Aside) -> None:
        self._aside = aside

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Prints it as text."""
        self._aside.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


def _told(text: str) -> None:
    """Where nobody reads stderr, what others print is lost, and no more than that."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)

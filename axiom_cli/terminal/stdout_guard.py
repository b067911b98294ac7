"""Keeps a command's stdout for its records, whoever else prints.

Plug-ins and libraries print what they like. While a command runs, their lines go to stderr, or nowhere with `--quiet`.
What C code writes to the file descriptor itself is not caught.
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
def guard(*, quiet: bool = False) -> Iterator[None]:
    """Keeps standard output for those who ask for `stdout()`. What is printed meanwhile goes to stderr, or nowhere if
    `quiet`."""
    printed = GuardedStdout(quiet=quiet)
    _kept.append(sys.stdout)
    if sys.stdout is not None:
        sys.stdout = printed
    try:
        yield
    finally:
        sys.stdout = _kept.pop()
        printed.finish()


class GuardedStdout(io.TextIOBase):
    """Stands in for standard output. It passes whole lines on to stderr, so that no line of ours starts in the middle
    of another one; a line that does not end is broken."""

    name, mode, line_buffering = "<stdout>", "w", True

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._rest = quiet, ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute, which io itself only reads
        """That of stderr."""
        return getattr(sys.stderr, "encoding", None) or "utf-8"

    @property
    def buffer(self) -> io.BufferedIOBase:
        """Takes the bytes of those who print bytes."""
        return _Bytes(self)

    def fileno(self) -> int:
        """That of stderr."""
        return sys.stderr.fileno()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Passes whole lines on, and keeps the rest."""
        if not self._quiet:
            lines, end, rest = (self._rest + text).rpartition("\n")
            self._rest = rest
            if end:
                _to_stderr(lines + end)
            if len(rest) > LONGEST:
                self.finish()
        return len(text)

    def finish(self) -> None:
        """Ends the last line, if there is one."""
        if self._rest:
            _to_stderr(f"{self._rest}\n")
            self._rest = ""

    def reconfigure(self, **settings: Any) -> None:
        """Does nothing."""


class _Bytes(io.BufferedIOBase):
    """Stands in for its buffer. Closing it closes nothing else."""

    def __init__(self, text: GuardedStdout) -> None:
        self._text = text

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Prints it as text."""
        self._text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


def _to_stderr(text: str) -> None:
    """Writes to stderr; where nobody reads it, only what others print is lost."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)

"""The rows that an import refused: reported on stderr, and kept in a file if the user wants one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from axiom_cli import jsonl
from axiom_cli.errors import UsageError
from axiom_cli.terminal import console

RANGES = 100
REASONS = 1000
OTHERS = "other reasons, listed by --refused FILE"


class Refusals:
    """Refused rows by reason, as ranges of row numbers, in bounded memory."""

    def __init__(self, stream: IO[bytes] | None = None) -> None:
        self.count = 0
        self._stream = stream
        self._reasons: dict[str, Rows] = {}
        self._notes: dict[str, Rows] = {}

    def add(self, number: int, name: str, reason: str, data: Any) -> None:
        """Adds a row, and writes it at once if there is a file."""
        self.count += 1
        key = reason if reason in self._reasons or len(self._reasons) < REASONS else OTHERS
        self._reasons.setdefault(key, Rows(name)).add(number)
        if self._stream:
            self._stream.write(jsonl.dump({"row": number, "name": name, "reason": reason, "data": data}))

    def note(self, number: int, name: str, text: str) -> None:
        """Adds a remark on a row that was imported. There are few different remarks."""
        self._notes.setdefault(text, Rows(name)).add(number)

    def report(self) -> None:
        """Warns of the refused rows, a line per reason, and then of the remarks."""
        for reason, rows in self._reasons.items():
            console.warn(f"refused {rows}: {reason}")
        for text, rows in self._notes.items():
            console.warn(f"{rows}: {text}")


@dataclass
class Rows:
    """Row numbers in order: the first ranges, and how many rows there are. `name` is the name of the first row."""

    name: str
    count: int = 0
    ranges: list[list[int]] = field(default_factory=list)

    def add(self, number: int) -> None:
        """Adds a row number, larger than those before it."""
        self.count += 1
        if self.ranges and self.ranges[-1][1] == number - 1:
            self.ranges[-1][1] = number
        elif len(self.ranges) < RANGES:
            self.ranges.append([number, number])

    def __str__(self) -> str:
        if self.count == 1:
            return f"row {self.ranges[0][0]}" + (f" ({self.name})" if self.name else "")
        shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ranges)
        more = self.count - sum(last - first + 1 for first, last in self.ranges)
        return f"rows {shown}" + (f" and {more:,} more, listed by --refused FILE" if more else "")


def check_apart(source: str, output: Path | None, refused: Path | None) -> None:
    """Raises UsageError if a file would be written twice, or over the input."""
    if output and refused and _same(output, refused):
        raise UsageError("-o and --refused name the same file", "choose another file for the refused rows")
    for option, path in (("-o", output), ("--refused", refused)):
        if path and _same(Path(source), path):
            raise UsageError(f"{option} would overwrite the file that is read, {source}", "choose another file")


def _same(first: Path, second: Path) -> bool:
    """Whether two paths lead to the same file; `-` is not a file."""
    return str(first) != "-" and os.path.realpath(first) == os.path.realpath(second)


@contextmanager
def open_refusals(path: Path | None) -> Iterator[Refusals]:
    """Refusals, written to `path` if there is one, whole or not at all."""
    if path is None:
        yield Refusals()
        return
    with jsonl.atomic(path) as stream:
        yield Refusals(stream)

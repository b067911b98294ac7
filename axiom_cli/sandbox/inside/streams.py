"""The standard streams of a program whose tests look at what it prints, or give it input."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

MOST_PRINTED = 1 << 19


class Printed:
    """What the program prints while the tests look at that: text by the number of the stream, in order."""

    def __init__(self) -> None:
        self.listening = False
        self.parts: list[tuple[int, str]] = []
        self.size = 0

    def stream(self, number: int) -> io.TextIOWrapper:
        """A standard stream."""
        raw: Any = Stream(self, number)
        return io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", write_through=True)

    def add(self, number: int, data: bytes) -> None:
        """Keeps what is written, if somebody looks at it, and only so much that it can be sent."""
        if self.listening:
            self.size += len(data)
            if self.size <= MOST_PRINTED:
                self.parts.append((number, data.decode("utf-8", "replace")))

    def taken(self) -> tuple[tuple[int, str], ...]:
        """What there is since the last look; a part of stream 0 at the end says that there was more."""
        if not self.size:
            return ()
        taken = tuple(self.parts) if self.size <= MOST_PRINTED else (*self.parts, (0, ""))
        self.parts, self.size = [], 0
        return taken


class Stream(io.RawIOBase):
    """The bytes under a standard stream."""

    def __init__(self, printed: Printed, number: int) -> None:
        self.printed, self.number = printed, number

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """As io.RawIOBase."""
        self.printed.add(self.number, bytes(data))
        return len(data)


class Typed(io.TextIOBase):
    """A standard input that the tests may have put something in."""

    def __init__(self, ask: Callable[..., str]) -> None:
        self.ask = ask

    def read(self, size: int | None = -1, /) -> str:
        """As io.TextIOBase."""
        return self.ask("read", -1 if size is None else size)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override] # a line has no limit here
        """As io.TextIOBase."""
        return self.ask("readline", size)

"""Bytes that an untrusted program wrote, read without trusting their shape: by the parent, and by tests that are code.

They should be `marshal` version 2 of exact built-in types. Each length is checked against what is there, and mappings
are keyed by their keys' bytes, so that no hash of the program's choosing is ever computed. `marshal.loads`, pickle and
eval are never used on them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

DEEPEST = 200
MOST_DIGITS = 1 << 17  # of 15 bits each, in one integer


class UnreadableError(ValueError):
    """Bytes that are not a value a test could expect."""


@dataclass(frozen=True)
class Mapping:
    """A decoded dict: values by the bytes of their keys."""

    items: dict[bytes, Any]


class Reader:
    """Reads None, bool, int, float, str, list, tuple and dict from `data`; subclasses may know more."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        part = self.data[self.at : self.at + count]
        if len(part) != count:
            raise UnreadableError("cut short")
        self.at += count
        return part

    def size(self) -> int:
        """A length, which cannot be more than the bytes that are left."""
        count = int.from_bytes(self.take(4), "little", signed=True)
        if not 0 <= count <= len(self.data) - self.at:
            raise UnreadableError("a length beyond the end")
        return count

    def integer(self) -> int:
        """An integer of more than 32 bits."""
        count = int.from_bytes(self.take(4), "little", signed=True)
        if abs(count) > MOST_DIGITS:
            raise UnreadableError("an integer of too many digits")
        digits = struct.unpack(f"<{abs(count)}H", self.take(2 * abs(count)))
        if digits and max(digits) >> 15:
            raise UnreadableError("an integer with a digit that it cannot have")
        value = int("".join([f"{digit:015b}" for digit in reversed(digits)]) or "0", 2)  # as quick as it is long
        return -value if count < 0 else value

    def sequence(self, depth: int) -> list[Any]:
        """The items of a list, or of anything else that is written as one."""
        return [self.value(depth + 1) for _ in range(self.size())]

    def mapping(self, depth: int) -> Any:
        """A dict."""
        items: dict[bytes, Any] = {}
        while self.more():
            start = self.at
            self.value(depth)
            key = self.data[start : self.at]
            items[key] = self.value(depth)
        return Mapping(items)

    def more(self) -> bool:
        """Whether an open dict has more items; steps over its end."""
        if self.data[self.at : self.at + 1] != b"0":
            return True
        self.at += 1
        return False

    def value(self, depth: int = 0) -> Any:
        """The next value. Raises UnreadableError."""
        if depth > DEEPEST:
            raise UnreadableError("nested too deeply")
        tag = self.take(1)
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag == b"i":
            return int.from_bytes(self.take(4), "little", signed=True)
        if tag == b"l":
            return self.integer()
        if tag == b"g":
            return struct.unpack("<d", self.take(8))[0]
        if tag == b"u":
            return self.take(self.size()).decode("utf-8", "surrogatepass")
        if tag == b"[":
            return self.sequence(depth)
        if tag == b"(":
            return tuple(self.sequence(depth))
        if tag == b"{":
            return self.mapping(depth + 1)
        return self.other(tag, depth)

    def other(self, tag: bytes, depth: int) -> Any:  # noqa: ARG002 - subclasses need them
        """A value of any other kind."""
        raise UnreadableError("a kind of value that no test can expect")

    def whole(self) -> Any:
        """The one value that `data` holds. Raises UnreadableError."""
        try:
            value = self.value()
        except UnicodeDecodeError:
            raise UnreadableError("text that is not UTF-8") from None
        if self.at != len(self.data):
            raise UnreadableError("something after the value")
        return value


_CONSTANTS = {b"N": None, b"T": True, b"F": False}


def decode(data: bytes) -> Any:
    """The value in `data`, with dicts as `Mapping`. Raises UnreadableError."""
    return Reader(data).whole()

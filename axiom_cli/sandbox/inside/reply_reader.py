"""What a program returns to tests that are code, read from bytes that may be anything."""

from __future__ import annotations

from typing import Any

from . import crossing
from .reader import Reader, UnreadableError


class ReplyReader(Reader):
    """Reads what a program returns: also sets, bytes, complex numbers and the Ellipsis that marks all else."""

    marked = False

    def mapping(self, depth: int) -> dict[Any, Any]:
        """A dict whose keys do not collide."""
        pairs = []
        while self.more():
            pairs.append((self.value(depth), self.value(depth)))
        distinct([key for key, _value in pairs])
        return dict(pairs)

    def other(self, tag: bytes, depth: int) -> Any:
        """What a test could compare beside the values that any verifier reads."""
        if tag == b"s":
            return self.take(self.size())
        if tag == b"<":
            return set(distinct(self.sequence(depth)))
        if tag == b">":
            return frozenset(distinct(self.sequence(depth)))
        if tag == b"y":
            return complex(Reader(b"g" + self.take(8)).value(), Reader(b"g" + self.take(8)).value())
        if tag == b".":
            self.marked = True
            return ...
        return super().other(tag, depth)


def distinct(keys: list[Any]) -> list[Any]:
    """As crossing.hashable. Raises UnreadableError."""
    try:
        return crossing.hashable(keys)
    except ValueError as error:
        raise UnreadableError(str(error)) from None

"""What a stream has met, so that nothing comes twice: an exact set, whose memory does not grow with what is in it."""

from __future__ import annotations

import os
import sys
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator
from struct import Struct

MOST = 1_000_000
"""Slots of the largest table in memory: 8 MB."""
WIDTH = 8
_PROBED = Struct("=8Q")
_COPIED = 1 << 16


class Seen:
    """A set of 64-bit numbers other than 0, as evenly spread as the digests that they come from.

    The first 500,000 to 750,000 lie in memory, in at most 16 bytes each (27 for the moment in which the table grows).
    Where there are more, all of them lie in a temporary file without a name, in the folder that TMPDIR names: 11 to 22
    bytes each, 33 for the moment in which it grows. A process that was forked shares that file: it must not go on.
    """

    def __init__(self, most: int = MOST) -> None:
        self.count = 0
        self._most = most
        self._table: _InMemory | _InFile = _InMemory(1024)

    def add(self, number: int) -> bool:
        """Puts `number` in. False if it was there. Raises OSError where there is no room for the file."""
        table = self._table
        if not table.add(number):
            return False
        self.count += 1
        if 4 * self.count > 3 * table.size:
            larger = table.size * 3 // 2
            self._table = _InMemory(larger, table) if larger <= self._most else _InFile(2 * table.size, table)
        return True


class _InMemory:
    """Numbers in the first free slot from their place on."""

    def __init__(self, size: int, numbers: Iterable[int] = ()) -> None:
        self.size = size
        self._slots = array("Q", [0]) * size
        for number in numbers:
            self.add(number)

    def __iter__(self) -> Iterator[int]:
        return filter(None, self._slots)

    def add(self, number: int) -> bool:
        slots, size = self._slots, self.size
        at = number % size
        while slots[at]:
            if slots[at] == number:
                return False
            at += 1
            if at == size:
                at = 0
        slots[at] = number
        return True


class _InFile:
    """The same in a file, whose places go up with the numbers: so a larger one is written from one end to the other.
    Instead of going back to its first slot, it gets longer by the few that are wanted at its end."""

    def __init__(self, size: int, numbers: Iterable[int]) -> None:
        self.size = size
        self._file, name = tempfile.mkstemp(prefix="axiom-")
        os.unlink(name)
        weakref.finalize(self, os.close, self._file)
        for number in numbers:
            self.add(number)

    def __iter__(self) -> Iterator[int]:
        at = 0
        while block := os.pread(self._file, _COPIED, at):
            yield from filter(None, array("Q", block))
            at += len(block)

    def add(self, number: int) -> bool:
        at = (number * self.size >> 64) * WIDTH
        while True:
            block = os.pread(self._file, _PROBED.size, at).ljust(_PROBED.size, b"\0")
            for slot in _PROBED.unpack(block):
                if slot == number:
                    return False
                if not slot:
                    os.pwrite(self._file, number.to_bytes(WIDTH, sys.byteorder), at)
                    return True
                at += WIDTH

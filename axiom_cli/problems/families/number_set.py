"""What a stream has drawn, so that nothing comes twice: an exact set, whose memory does not grow with its content."""

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


class NumberSet:
    """A set of 64-bit numbers other than 0, as evenly distributed as the digests that they come from.

    The first 500,000 to 750,000 are in memory, in at most 16 bytes each (27 while the table grows). Beyond that, all of
    them are in an unnamed temporary file, in the folder that TMPDIR names: 11 to 22 bytes each, 33 while it grows. A
    forked process shares that file and must not add to it.
    """

    def __init__(self, most: int = MOST) -> None:
        self.count = 0
        self._most = most
        self._table: _InMemory | _InFile = _InMemory(1024)

    def add(self, number: int) -> bool:
        """Adds `number`. False if it was there already. Raises OSError where the file cannot grow."""
        table = self._table
        if not table.add(number):
            return False
        self.count += 1
        if 4 * self.count > 3 * table.size:
            larger = table.size * 3 // 2
            self._table = _InMemory(larger, table) if larger <= self._most else _InFile(2 * table.size, table)
        return True


class _InMemory:
    """Open addressing: each number is in the first free slot from its own place on."""

    def __init__(self, size: int, numbers: Iterable[int] = ()) -> None:
        self.size = size
        self._slots = array("Q", [0]) * size
        for number in numbers:
            self.add(number)

    def __iter__(self) -> Iterator[int]:
        return filter(None, self._slots)

    def add(self, number: int) -> bool:
        slots, size = self._slots, self.size
        slot = number % size
        while slots[slot]:
            if slots[slot] == number:
                return False
            slot += 1
            if slot == size:
                slot = 0
        slots[slot] = number
        return True


class _InFile:
    """The same in a file, where places rise with the numbers, so that a larger file is written from start to end.
    Instead of wrapping around, the file grows by the few slots that are needed at its end."""

    def __init__(self, size: int, numbers: Iterable[int]) -> None:
        self.size = size
        self._file, name = tempfile.mkstemp(prefix="axiom-")
        os.unlink(name)
        weakref.finalize(self, os.close, self._file)
        for number in numbers:
            self.add(number)

    def __iter__(self) -> Iterator[int]:
        offset = 0
        while block := os.pread(self._file, _COPIED, offset):
            yield from filter(None, array("Q", block))
            offset += len(block)

    def add(self, number: int) -> bool:
        offset = (number * self.size >> 64) * WIDTH
        while True:
            block = os.pread(self._file, _PROBED.size, offset).ljust(_PROBED.size, b"\0")
            for slot in _PROBED.unpack(block):
                if slot == number:
                    return False
                if not slot:
                    os.pwrite(self._file, number.to_bytes(WIDTH, sys.byteorder), offset)
                    return True
                offset += WIDTH

"""Whether the header of a .gguf file describes the file that it is in: every length is looked at before it is believed,
so that a forged one costs neither time nor memory. The format is that of ggml's docs/gguf.md, versions 2 and 3."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from axiom_cli.errors import InputError

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value of each type that has a fixed size."""
_STRING, _ARRAY = 8, 9
_LEAST_ENTRY = 13
"""Bytes of the smallest entry of metadata: an empty name, a type, a byte."""
_LEAST_TENSOR = 24
MOST_DIMENSIONS, DEEPEST_ARRAY = 8, 4


class _Reader:
    """A place in the mapped file. ValueError for what lies beyond its end."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at = data, 0

    def left(self) -> int:
        return len(self.data) - self.at

    def skip(self, count: int) -> None:
        if count > self.left():
            raise ValueError("it is cut off, or names more than there is")
        self.at += count

    def number(self, form: str) -> int:
        start = self.at
        self.skip(struct.calcsize(form))
        return int(struct.unpack_from(form, self.data, start)[0])

    def string(self) -> None:
        self.skip(self.number("<Q"))

    def value(self, kind: int, depth: int = 0) -> None:
        if kind == _STRING:
            self.string()
        elif kind == _ARRAY and depth < DEEPEST_ARRAY:
            inner, count = self.number("<I"), self.number("<Q")
            if inner in _SIZES:
                self.skip(count * _SIZES[inner])
                return
            if count * 8 > self.left():
                raise ValueError("it names more than there is")
            for _ in range(count):
                self.value(inner, depth + 1)
        elif kind in _SIZES:
            self.skip(_SIZES[kind])
        else:
            raise ValueError(f"it holds a value of the unknown type {kind}")


def check_header(path: Path, hint: str) -> None:
    """InputError, with the hint, if the metadata or the list of tensors cannot be that of this file."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _walk(_Reader(data))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}", hint) from None


def _walk(reader: _Reader) -> None:
    reader.skip(4)
    version = reader.number("<I")
    if version not in (2, 3):
        raise ValueError(f"it has version {version} of the format, where 2 and 3 are read")
    tensors, entries = reader.number("<Q"), reader.number("<Q")
    if tensors * _LEAST_TENSOR + entries * _LEAST_ENTRY > reader.left():
        raise ValueError(f"it names {tensors:,} tensors and {entries:,} values, more than there is room for")
    for _ in range(entries):
        reader.string()
        reader.value(reader.number("<I"))
    for _ in range(tensors):
        reader.string()
        dimensions = reader.number("<I")
        if dimensions > MOST_DIMENSIONS:
            raise ValueError(f"a tensor has {dimensions:,} dimensions")
        reader.skip(8 * dimensions + 4)
        if reader.number("<Q") > len(reader.data):
            raise ValueError("a tensor lies beyond its end")

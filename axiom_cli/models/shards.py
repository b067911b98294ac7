"""A model's safetensors files, read as views of the mapped files and written one tensor after another.

Nothing is copied to look at a tensor, and `forget` gives its pages back: whoever walks through a model holds one tensor
at a time. The format: https://huggingface.co/docs/safetensors (eight bytes of length, a JSON header, the numbers).
"""

from __future__ import annotations

import json
import math
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import torch

from axiom_cli.errors import InputError
from axiom_cli.models import folders
from axiom_cli.models.safetensors_header import stored_tensors

_TYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_ALIGN = 8
PIECE = 1 << 22
"""Numbers of a large tensor that are looked at together."""


@dataclass(frozen=True)
class Place:
    """Where a tensor lies: its type and shape, and its bytes [start, end) in `file`."""

    file: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    end: int


class Shards:
    """The tensors of a folder's safetensors files (the whole model's, or `file` alone), by name."""

    def __init__(self, folder: Path, file: str = "") -> None:
        """InputError where a file is missing or damaged."""
        self.folder = folder
        self.places: dict[str, Place] = {}
        self._maps: dict[str, mmap.mmap] = {}
        for name in [file] if file else [name for name in folders.safetensors_files(folder) if name != folders.INDEX]:
            self.places |= _layout(folder / name)
            with (folder / name).open("rb") as stream:
                self._maps[name] = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)

    def files(self) -> dict[str, list[str]]:
        """File -> the names of its tensors, in the order of their bytes."""
        tensors: dict[str, list[str]] = {name: [] for name in self._maps}
        for name, place in sorted(self.places.items(), key=lambda item: item[1].start):
            tensors[place.file].append(name)
        return tensors

    def tensor(self, name: str) -> torch.Tensor:
        """A view of the tensor on the mapped file. It must not be written to."""
        place = self.places[name]
        count = math.prod(place.shape)
        if not count:
            return torch.empty(place.shape, dtype=place.dtype)
        flat = torch.frombuffer(self._maps[place.file], dtype=place.dtype, count=count, offset=place.start)
        return flat.view(place.shape)

    def pieces(self, name: str) -> Iterator[torch.Tensor]:
        """The tensor's numbers in flat views, each forgotten when the next is asked for."""
        for piece in self.tensor(name).view(-1).split(PIECE):
            yield piece
            self.forget(name)

    def forget(self, name: str) -> None:
        """Gives the tensor's pages back to the system, which reads them again when they are looked at again."""
        place = self.places[name]
        start = -(-place.start // mmap.PAGESIZE) * mmap.PAGESIZE
        end = place.end // mmap.PAGESIZE * mmap.PAGESIZE
        if end > start and hasattr(mmap, "MADV_DONTNEED"):
            self._maps[place.file].madvise(mmap.MADV_DONTNEED, start, end - start)

    def find(self, name: str) -> str | None:
        """The key of the parameter `name` in the files, some of which leave out the first part of every name."""
        return next((key for key in (name, name.partition(".")[2]) if key in self.places), None)


def _layout(path: Path) -> dict[str, Place]:
    stored = stored_tensors(path)
    if odd := next((name for name, tensor in stored.items() if tensor.dtype not in _TYPES), None):
        raise InputError(f"{path}: {odd} is of type {stored[odd].dtype}, which axiom does not read")
    return {name: Place(path.name, _TYPES[t.dtype], t.shape, t.start, t.end) for name, t in stored.items()}


Kind = tuple[torch.dtype, tuple[int, ...]]
Put = Callable[[str, Iterable[torch.Tensor]], None]


@contextmanager
def writing(path: Path, kinds: Mapping[str, Kind]) -> Iterator[tuple[Put, Callable[[str], torch.Tensor]]]:
    """A safetensors file of tensors whose type and shape are known, as (put, read back): they are put in the order of
    `order(kinds)`, and each may be read back from the file (a view that lasts until the next one is read)."""
    entries: dict[str, dict[str, Any]] = {}
    at = 0
    for name in order(kinds):
        dtype, shape = kinds[name]
        size = dtype.itemsize * math.prod(shape)
        entries[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGN)
    buffer = bytearray()
    with path.open("w+b", buffering=0) as stream:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(stream.fileno(), 0, 8 + len(header) + at)  # a full disk is told of now
        _write_all(stream, len(header).to_bytes(8, "little") + header)

        def put(name: str, pieces: Iterable[torch.Tensor]) -> None:
            if stream.tell() != _start(name):
                raise ValueError(f"{name} is put out of its order, or what was put before it is incomplete")
            for piece in pieces:
                if piece.numel():
                    _write_all(stream, piece.contiguous().view(-1).view(torch.uint8).numpy().data)

        def back(name: str) -> torch.Tensor:
            nonlocal buffer
            dtype, shape = kinds[name]
            start, size = _start(name), dtype.itemsize * math.prod(shape)
            if len(buffer) < size:
                buffer = bytearray(size)
            if os.preadv(stream.fileno(), [memoryview(buffer)[:size]], start) != size:
                raise OSError(f"{path} is shorter than what was written")
            return torch.frombuffer(buffer, dtype=dtype, count=math.prod(shape)).view(shape)

        def _start(name: str) -> int:
            return 8 + len(header) + entries[name]["data_offsets"][0]

        yield put, back


def order(kinds: Mapping[str, Kind]) -> list[str]:
    """The names as they follow each other in a file: larger types first, so that each number is aligned, then by
    name."""
    return sorted(kinds, key=lambda name: (-kinds[name][0].itemsize, name))


def write_index(folder: Path, placed: Mapping[str, Sequence[str]], kinds: Mapping[str, Kind]) -> None:
    """The index of several files; of one there is none."""
    if set(placed) == {folders.SINGLE}:
        return
    size = sum(dtype.itemsize * math.prod(shape) for dtype, shape in kinds.values())
    where = {name: file for file, names in placed.items() for name in names}
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(where.items()))}
    (folder / folders.INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _write_all(stream: FileIO, data: bytes | memoryview) -> None:
    """An unbuffered write may take less than it was given (2 GiB on Linux)."""
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]

"""What the header of a safetensors file says of its tensors."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.models.folders import again, check_pointer, is_there

HEADER_LEAST, HEADER_MOST = 10, 100_000_000
"""Bytes of the smallest safetensors file, and of a header at most, as the format has it."""
MOST_DIMENSIONS, LARGEST = 64, 1 << 63
"""Dimensions of a tensor at most, and beyond any size."""
_BITS = {
    **dict.fromkeys(["F64", "I64", "U64", "C64"], 64),
    **dict.fromkeys(["F32", "I32", "U32"], 32),
    **dict.fromkeys(["F16", "BF16", "I16", "U16"], 16),
    **dict.fromkeys(["I8", "U8", "BOOL", "F8_E5M2", "F8_E4M3", "F8_E8M0"], 8),
}
"""Bits of a number of each type of safetensors; types of fewer than eight are not looked at."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a safetensors file: its type as the format names it, its shape, and its bytes [start, end)."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a safetensors file by name (8 bytes of length, a JSON header, the numbers without gaps).
    InputError for a file that is missing, is cut off, or whose header and numbers do not fit together."""
    if not is_there(path):
        raise InputError(f"{path} is missing", again(path))
    check_pointer(path)
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < HEADER_LEAST or not 2 <= length <= HEADER_MOST:
            raise InputError(f"{path} is damaged or is not a safetensors file", again(path))
        header = stream.read(length)
    if len(header) < length:
        raise InputError(f"{path} is cut off: its header alone has {length:,} bytes", again(path))
    try:
        entries = json.loads(header)
        entries.pop("__metadata__", None)
        tensors = {name: _stored(entry, 8 + length) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path} is damaged: its header is not readable", again(path)) from None
    end = 8 + length
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        bits = _BITS.get(tensor.dtype)
        if tensor.start != end or (bits and bits * math.prod(tensor.shape) != 8 * (tensor.end - tensor.start)):
            raise InputError(f"{path} is damaged: the bytes of {name} do not fit its shape or its place", again(path))
        end = tensor.end
    if size != end:
        what = f"cut off: it has {size:,} of {end:,} bytes" if size < end else f"damaged: {end:,} bytes are named"
        raise InputError(f"{path} is {what}", again(path))
    return tensors


def _stored(entry: Any, begin: int) -> StoredTensor:
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    sizes = (start, end, *shape[: MOST_DIMENSIONS + 1])
    if len(shape) > MOST_DIMENSIONS or not all(type(n) is int and 0 <= n < LARGEST for n in sizes) or start > end:
        raise ValueError("numbers that are not sizes")
    return StoredTensor(str(entry["dtype"]), shape, begin + start, begin + end)

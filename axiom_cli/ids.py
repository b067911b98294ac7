"""Content ids: the SHA-256 of canonical JSON."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from axiom_cli import json_codec


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and without spaces: equal values give equal bytes."""
    return json_codec.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(data: bytes) -> str:
    """The SHA-256 of `data`, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def content_id(value: Any, length: int = 64) -> str:
    """The first `length` hexadecimal digits of the SHA-256 of `value`'s canonical JSON."""
    return digest(canonical(value))[:length]


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, read one mebibyte at a time."""
    with path.open("rb") as stream:
        return stream_digest(stream)


def stream_digest(stream: BinaryIO) -> str:
    """The SHA-256 of the bytes that a stream still has, read one mebibyte at a time."""
    sha = hashlib.sha256()
    while chunk := stream.read(1 << 20):
        sha.update(chunk)
    return sha.hexdigest()

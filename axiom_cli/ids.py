"""Content ids: the SHA-256 of canonical JSON over the fields that count for equality."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(data: bytes) -> str:
    """The SHA-256 of `data`, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def content_id(value: Any, length: int = 64) -> str:
    """The first `length` hexadecimal digits of the SHA-256 of `value`'s canonical JSON."""
    return digest(canonical(value))[:length]

"""Values of data sets as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """The value as JSON has it: moments as ISO 8601, decimals as text, what is not finite as null. What JSON cannot
    carry (images, sounds, bytes) is left out of its row."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if not isinstance(item, (bytes, bytearray))}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value if not isinstance(item, (bytes, bytearray))]
    if isinstance(value, float):
        return value if value - value == 0 else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return value.isoformat() if isinstance(value, (date, time)) else str(value) if isinstance(value, Decimal) else None

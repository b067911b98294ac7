"""Whether what the program says of its own objects is consistent. It is asked after its tests, as they may count
calls."""

from __future__ import annotations

import marshal
from typing import Any

from .channel import Channel
from .unjudgeable import BeyondError


def check(channel: Channel) -> None:
    """Asks about the objects that the tests relied on. Raises BeyondError where the program contradicts itself."""
    if channel.beyond or BeyondError.reasons:
        raise BeyondError(channel.beyond)
    for (operation, _number), objects in list(channel.doubts.items())[:100]:
        if operation == "contains":
            lies = says(channel, "holds all", *objects)
        elif operation == "eq":
            lies = says(channel, "like all", objects[0]) or not tells_apart(channel)
        elif operation in ("lt", "gt"):
            lies = says(channel, operation, objects[1], objects[0])
        else:
            lies = says(channel, operation, objects[1], objects[0]) and not says(channel, "eq", *objects)
        if lies:
            raise BeyondError(f"an object of the program says yes to any {operation}")


def says(channel: Channel, operation: str, *objects: Any) -> bool:
    """What the program says, where it says anything."""
    try:
        return channel.do(operation, *objects) is True
    except Exception:  # noqa: BLE001 - whatever the program raises
        return False


def tells_apart(channel: Channel) -> bool:
    """Whether the program tells two objects apart that the tests have made of different arguments, if there are
    such."""
    seen: list[tuple[Any, Any]] = []
    pairs = 0
    for value, args, named in channel.made[:30]:
        try:
            key = marshal.dumps((args, sorted(named.items())), 2)
        except (ValueError, TypeError):
            continue
        for other, known in seen:
            if known != key:
                pairs += 1
                if not says(channel, "eq", value, other):
                    return True
        seen.append((value, key))
    return not pairs

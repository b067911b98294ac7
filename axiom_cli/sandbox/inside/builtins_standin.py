"""`isinstance`, `issubclass`, `callable` and `type` as tests mean them: of the program's objects, not of what stands
for them."""

from __future__ import annotations

import types
from typing import Any

from . import crossing
from .remote import Remote, channel, passed_on
from .replicas import Named, Raisable


def is_instance(value: Any, kind: Any) -> bool:
    """`isinstance` as tests mean it."""
    if type(kind) is tuple:
        return any(is_instance(value, member) for member in kind)
    if isinstance(kind, types.UnionType):
        return any(is_instance(value, member) for member in kind.__args__)
    if type(kind) is Remote:
        return Remote.__instancecheck__(kind, value)
    kind = getattr(kind, "__origin__", kind)
    if type(value) is Remote and kind in crossing.NAMES:
        return bool(channel(value).do("isinstance", value, kind))
    if type(value) is not Remote or not isinstance(kind, type):
        return isinstance(value, kind)
    if isinstance(kind, Raisable) or kind.__module__ == "tests":
        return False
    return bool(channel(value).do("instance of", value, kind.__module__, kind.__qualname__))


class _Kind(type):
    def __call__(cls, *args: Any, **named: Any) -> Any:
        if len(args) != 1 or named or cls is not Type:
            return type.__call__(type if cls is Type else cls, *args, **named)
        value = args[0]
        if type(value) is Remote:
            return passed_on(value, channel(value).do("type", value), 1)
        return value.axiom_channel.do("type", value) if type(value) is Named else type(value)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, type) or type(value) is Remote and is_instance(value, type)

    def __eq__(cls, other: object) -> bool:
        return other is type or other is cls

    __hash__ = type.__hash__


class Type(type, metaclass=_Kind):
    """`type` as tests mean it."""

    def __class_getitem__(cls, item: Any) -> Any:
        return types.GenericAlias(type, item)


def is_callable(value: Any) -> bool:
    """`callable` as tests mean it."""
    return channel(value).do("callable", value) if type(value) is Remote else callable(value)


def is_subclass(kind: Any, of: Any) -> bool:
    """`issubclass` as tests mean it."""
    if type(of) is tuple:
        return any(is_subclass(kind, member) for member in of)
    if type(kind) is Remote or type(of) is Remote:
        owner = channel(kind if type(kind) is Remote else of)
        return bool(owner.do("issubclass", kind, of))
    return issubclass(kind, of)


BUILTINS: dict[str, Any] = {
    "isinstance": is_instance, "issubclass": is_subclass, "callable": is_callable, "type": Type,
}  # fmt: skip

"""What stands for the program's named tuples and exceptions where its tests run: the items of such a tuple are there as
well, and its classes of exceptions can be caught."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import crossing

if TYPE_CHECKING:
    from .channel import Channel


class Named(tuple):  # noqa: SLOT001 - it has a number
    """A named tuple of the program: its items are here, compared here, and all else is asked of the program."""

    axiom_channel: Channel
    axiom_number: int
    axiom_names: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        if name in self.axiom_names:
            return self[self.axiom_names.index(name)]
        if name.startswith("__"):
            raise AttributeError(name)
        return self.axiom_channel.do("get", self, name)

    def __repr__(self) -> str:
        return self.axiom_channel.do("repr", self)

    __str__ = __repr__

    @property
    def _fields(self) -> tuple[str, ...]:
        return self.axiom_names


def named(owner: Channel, number: int, names: tuple[str, ...], items: list[Any]) -> Named:
    """A named tuple from what the program says of it."""
    if len(names) != len(items):
        raise ValueError("a named tuple of other names than items")
    value = Named(items)
    value.axiom_channel, value.axiom_number, value.axiom_names = owner, number, tuple(map(str, names))
    return value


class Raisable(type):
    """The type of the classes that stand for the program's classes of exceptions."""

    axiom_channel: Channel
    axiom_number: int
    axiom_narrowed: bool

    def __call__(cls, *args: Any, **named: Any) -> Any:
        return cls.axiom_channel.call("call", cls, *args, **named)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return cls.axiom_channel.do("get", cls, name)


def exception_class(owner: Channel, number: int, name: str, parents: list[Any]) -> type[BaseException]:
    """A class of exceptions like the program's. Of the built-in ones it is only what its first one is, or else it
    would be whatever the tests wait for."""
    built_in = [cls for cls in crossing.NAMES if any(issubclass(parent, cls) for parent in parents)]
    first = next((cls for parent in parents for cls in parent.__mro__ if cls in crossing.NAMES), Exception)
    kept = [cls for cls in parents if set(cls.__mro__) & set(built_in) <= set(first.__mro__)] or [first]
    space = {"__module__": "solution", "axiom_channel": owner, "axiom_number": number, "__getattr__": _of_exception}
    space |= {"__str__": lambda self: self.axiom_said}
    kind: Any = Raisable(name, tuple(kept), space)
    kind.axiom_narrowed = len(kept) < len(parents) or any(getattr(cls, "axiom_narrowed", False) for cls in parents)
    return kind


def _of_exception(self: Any, name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return type(self).axiom_channel.do("get", self, name)

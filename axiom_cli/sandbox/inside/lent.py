"""What stands for the functions and iterators of the tests where the program runs: to call one is to call theirs."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .served import Served


class Lent:
    """What the tests have passed to the program, and what runs where they do: a function, or an iterator."""

    def __init__(self, served: Served, number: int, about: tuple[Any, ...]) -> None:
        self._served, self.number = served, number
        self.__name__, self.__doc__, names, optional = about
        self.__qualname__ = self.__name__
        self.__module__ = "tests"
        if names is not None:
            self.__code__ = SimpleNamespace(co_argcount=len(names), co_varnames=names, co_name=self.__name__)
            self.__defaults__ = (None,) * optional or None

    def __getattr__(self, name: str) -> NoReturn:
        if not name.startswith("__") or name in ("__code__", "__closure__", "__globals__", "__dict__"):
            self._served.beyond = f"the program asks for {name} of a function of the tests"
        raise AttributeError(name)


class LentFunction(Lent):
    """A function, or anything else that can be called."""

    @property
    def __signature__(self) -> Any:
        if not hasattr(self, "__code__"):
            raise AttributeError("__signature__")
        from inspect import Parameter, Signature

        names, optional = self.__code__.co_varnames, len(self.__defaults__ or ())
        defaults = [Parameter.empty] * (len(names) - optional) + [None] * optional
        kind = Parameter.POSITIONAL_OR_KEYWORD
        return Signature(
            [Parameter(name, kind, default=default) for name, default in zip(names, defaults, strict=True)]
        )

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._served.ask("call", self.number, *args, **named)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


class LentIterator(Lent):
    """An iterator."""

    def __iter__(self) -> LentIterator:
        return self

    def __next__(self) -> Any:
        for item in self._served.ask("next", self.number):
            return item
        raise StopIteration

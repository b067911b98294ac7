"""Tests that are code, run in a process of their own: the program that they test is in another one.

The program gets calls with plain arguments and sends plain data back, read by a bounded reader. So nothing of it ever
runs here: no `__eq__`, no descriptor, no exception class. What it can do is return wrong values, raise, keep silent or
leave. This side is not trusted by the parent either, save to judge its own program.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from . import child, messages, plain, pytest_standin
from .reader import Reader, UnreadableError

LINK = 4  # the socket that leads to the program
HERE = "<tests>"
SOLUTION = "<solution>"  # the path of the module that stands for the program
COLLISIONS = 100  # keys of one dict or set that share a hash with another
SWALLOWED = (StopIteration, StopAsyncIteration, GeneratorExit)  # would end a loop of the tests, as if it were over


def examine(job: dict[str, Any], order: messages.Order, _cage: child.Cage) -> None:
    """Runs the tests against the program; writes one frame that says how they went, after one when they start."""
    messages.send(LINK, messages.JOB, job["program"])
    channel = Channel(order.results)
    module = types.ModuleType("tests")
    sys.modules |= {"tests": module, "pytest": pytest_standin.module(), "solution": solution(channel, job["entry"][0])}
    space = module.__dict__
    if "unittest" in job["source"]:
        importlib.import_module("unittest").main = lambda *_args, **_named: None  # they are run without it
    try:
        if type(defined := channel.reply()) is not list:
            leave(messages.FAILED, "made a frame of its own")
        channel.touched = bool(job["names"])
        exec(compile(job["helpers"], "<reference>", "exec", dont_inherit=True), space)
        space |= {name: channel.do("name", name) for name in job["names"] if name in defined}
        space |= dict.fromkeys(job["entry"], channel.entry(job["entry"][0]))
        exec(compile(job["source"], HERE, "exec", dont_inherit=True), space)
        if job["check"]:
            space["check"](space["candidate"])
        pytest_standin.Runner(space).run(job["tests"])
    except pytest_standin.BeyondError as error:
        leave(messages.UNUSABLE, f"its test code does what cannot be judged: {error}")
    except BaseException as error:  # noqa: BLE001 - tests are strangers' code too
        conclude(channel, error, job["unknown"])
    if not channel.called:
        leave(messages.UNUSABLE, "its test code never calls the program")
    messages.send(child.SOCKET, messages.END)


def solution(channel: Channel, entry: str) -> types.ModuleType:
    """What tests import from the module `solution`: names of the program."""
    made = types.ModuleType("solution")
    made.__dict__.update({entry: channel.entry(entry), "__all__": []})

    def named(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return channel.do("name", name)
        except KeyError:
            raise ImportError(f"cannot import name {name!r} from 'solution'", name=name, path=SOLUTION) from None

    made.__dict__["__getattr__"] = named
    return made


def conclude(channel: Channel, error: BaseException, unknown: list[str]) -> NoReturn:
    """The verdict on a program whose tests ended in an exception, or on tests that cannot be run: they fail before they
    have asked the program for anything, or want a module or a name that nobody promised them."""
    place = where(error.__traceback__)
    said = child.describe(error).decode("utf-8", "replace")
    if error is channel.raised:
        leave(messages.FAILED, f"{channel.said}, called{place} of its test code")
    if isinstance(error, ImportError) and error.path == SOLUTION and error.name not in unknown:
        leave(messages.FAILED, f"NameError: the program does not define {error.name}")
    nobody_s = isinstance(error, NameError) and error.name in unknown
    if not channel.touched or nobody_s or isinstance(error, ImportError):
        leave(messages.UNUSABLE, f"its test code does not run: {said}{place}")
    if isinstance(error, AssertionError):
        leave(messages.FAILED, f"the assert{place} of its test code does not hold")
    leave(messages.FAILED, f"{type(error).__name__}{place} of its test code")


def where(step: types.TracebackType | None) -> str:
    """The innermost line of the tests that an exception came through, in words."""
    line = 0
    while step:
        line = step.tb_lineno if step.tb_frame.f_code.co_filename == HERE else line
        step = step.tb_next
    return f" on line {line}" if line else ""


def leave(kind: bytes, reason: str) -> NoReturn:
    """Ends this process with a last word that no test can catch."""
    messages.send(child.SOCKET, kind, reason.encode("utf-8", "replace"))
    os._exit(0)


class Channel:
    """Requests to the program and its replies, which may be of `left` bytes in all."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.called = self.touched = False
        self.raised: BaseException | None = None
        self.said = ""

    def entry(self, name: str) -> Callable[..., Any]:
        """The function that is asked for."""

        def call(*args: Any, **named: Any) -> Any:
            return self.call("entry", *args, **named)

        call.__name__ = call.__qualname__ = name
        return call

    def call(self, operation: str, *args: Any, **named: Any) -> Any:
        """Runs code of the program, which is what tests are for."""
        if not self.called:
            self.called = self.touched = True
            messages.send(child.SOCKET, messages.STARTED)
        return self.do(operation, *args, **named)

    def do(self, operation: str, *args: Any, **named: Any) -> Any:
        """What the program gives. Raises what it raises, as the nearest built-in type."""
        try:
            body = plain.dumps([operation, list(args), named], self.lend)
        except (ValueError, TypeError) as error:
            leave(messages.UNUSABLE, f"its test code passes what is not plain data: {error}")
        try:
            messages.send(LINK, messages.CALL, body)
        except OSError:
            leave(messages.FAILED, "left before its tests were over")
        return self.reply()

    def lend(self, value: Any) -> Any:
        """The number of an object of the program that goes back to it."""
        if type(value) is Remote:
            return ..., object.__getattribute__(value, "_number")
        raise ValueError(type(value).__name__)

    def reply(self) -> Any:
        """The next frame of the program."""
        try:
            kind, body = messages.receive(LINK, self.left)
        except (EOFError, OSError):
            leave(messages.FAILED, "left before its tests were over")
        except messages.TooLargeError:
            leave(messages.FAILED, "its results were too large")
        self.left -= len(body)
        if kind == messages.UNPREPARED:
            leave(messages.UNPREPARED, body[:1200].decode("utf-8", "replace"))
        if kind == messages.UNUSABLE:
            leave(messages.FAILED, body[:1200].decode("utf-8", "replace"))
        try:
            if kind == messages.ERROR:
                self.said, self.raised = thrown(Data(body, self).whole())
            elif kind == messages.VALUE:
                return Data(body, self).whole()
            else:
                leave(messages.FAILED, "made a frame of its own")
        except UnreadableError:
            leave(messages.FAILED, "returned something that is not plain data")
        raise self.raised


def thrown(value: Any) -> tuple[str, BaseException]:
    """How an exception reads, and one like it, from [name of a built-in type, arguments, how it reads]."""
    try:
        name, args, text = value
        said = text.decode("utf-8", "replace")[: child.LONGEST_REASON]
    except (TypeError, ValueError, AttributeError):
        raise UnreadableError("no exception") from None
    kind = getattr(builtins, name, None) if type(name) is str else None
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        kind = Exception
    if issubclass(kind, SWALLOWED):
        return said, RuntimeError(f"the program raised {name}")
    try:
        return said, kind.__new__(kind, *(args if type(args) is list else ()))
    except (TypeError, ValueError):
        return said, Exception(said)


class Data(Reader):
    """Reads what a program returns: also sets, bytes, complex numbers, and the numbers of its objects."""

    def __init__(self, data: bytes, channel: Channel) -> None:
        super().__init__(data)
        self.channel = channel

    def mapping(self, depth: int) -> dict[Any, Any]:
        """A dict whose keys do not collide."""
        pairs = []
        while self.more():
            pairs.append((self.value(depth), self.value(depth)))
        hashable([key for key, _value in pairs])
        return dict(pairs)

    def other(self, tag: bytes, depth: int) -> Any:
        """What a test could compare beside the values that any verifier reads."""
        if tag == b"s":
            return self.take(self.size())
        if tag == b"<":
            return set(hashable(self.sequence(depth)))
        if tag == b">":
            return frozenset(hashable(self.sequence(depth)))
        if tag == b"y":
            return complex(Reader(b"g" + self.take(8)).value(), Reader(b"g" + self.take(8)).value())
        if tag == b".":
            return ...
        return super().other(tag, depth)

    def value(self, depth: int = 0) -> Any:
        """The next value, or what stands for an object of the program."""
        value = super().value(depth)
        place = plain.number(value)
        return value if place is None else Remote(self.channel, place)


def hashable(keys: list[Any]) -> list[Any]:
    """The keys, once it is certain that a dict of them is made at once. Raises UnreadableError."""
    try:
        distinct = len({hash(key) for key in keys})
    except TypeError:
        raise UnreadableError("a key that cannot be one") from None
    if len(keys) - distinct > COLLISIONS:
        raise UnreadableError("keys that collide")
    return keys


class Remote:
    """An object of the program that is not plain data. Whatever is asked of it is asked there, save equality, which no
    program decides for itself."""

    __slots__ = ("_channel", "_number")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, channel: Channel, number: int) -> None:
        object.__setattr__(self, "_channel", channel)
        object.__setattr__(self, "_number", number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._channel.do("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._channel.do("set", self, name, value)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._channel.call("call", self, *args, **named)

    def __eq__(self, other: object) -> bool:
        leave(messages.FAILED, "returned something that is not plain data, where its test code compares it")

    def __iter__(self) -> Iterator[Any]:
        items = self._channel.call("iter", self)
        while taken := self._channel.call("take", items):
            yield taken[0]

    def __next__(self) -> Any:
        for item in self._channel.call("take", self):
            return item
        raise StopIteration

    def __len__(self) -> int:
        return self._channel.call("len", self)

    def __bool__(self) -> bool:
        return self._channel.call("bool", self)

    def __getitem__(self, key: Any) -> Any:
        return self._channel.call("item", self, key)

    def __str__(self) -> str:
        return self._channel.call("text", self)

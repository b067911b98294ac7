"""What tests that are code find as `pytest`.

The real one reads files, rewrites modules and loads a hundred others. This one has what tests of single functions use:
`raises`, `approx`, `mark.parametrize`, `skip`, `fail`, `fixture`, `param`, `importorskip` and the fixture `capsys`. All
else that a test asks of it raises BeyondError: such a test cannot be judged.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from .unjudgeable import BeyondError

PREFIX = "_pytest_"  # of what the decorators leave on a function


class Skipped(BaseException):  # noqa: N818 - the name that tests meet
    """A test that asks not to be run."""


class Failed(AssertionError):  # noqa: N818 - the name that tests meet
    """A test that says itself that it has failed."""


class Raised:
    """What `with raises(...) as info` gives: the exception as `value`, and its `type`."""

    value: Any = None

    @property
    def type(self) -> Any:
        """The class of the exception."""
        return type(self.value)

    def match(self, pattern: str) -> bool:
        """Whether the exception's text has the pattern. Raises AssertionError."""
        assert re.search(pattern, str(self.value)), "the exception reads otherwise"
        return True

    def __str__(self) -> str:
        return str(self.value)


class Raises:
    """The context manager behind `raises`."""

    def __init__(self, expected: Any, match: Any = None) -> None:
        self.expected, self.match, self.raised = expected, match, Raised()

    def __enter__(self) -> Raised:
        return self.raised

    def __exit__(self, kind: Any, error: Any, trace: object) -> bool:
        if kind is None:
            raise Failed("nothing was raised")
        if not issubclass(kind, self.expected):
            return False
        self.raised.value = error
        return self.match is None or self.raised.match(self.match)


def raises(expected: Any, *call: Any, match: Any = None, **named: Any) -> Any:
    """As pytest.raises: a context manager or, where a function is given, a call."""
    if not call:
        return Raises(expected, match)
    with Raises(expected) as raised:
        call[0](*call[1:], **named)
    return raised


class Approx:
    """As pytest.approx: equal to a number, or to numbers in a list, tuple or dict, within a tolerance."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expected: Any, rel: Any = None, abs: Any = None, nan_ok: bool = False) -> None:  # noqa: A002, FBT001, FBT002 - pytest's own signature
        self.expected, self.options = expected, (rel, abs, nan_ok)
        self.rel, self.abs, self.nan_ok = rel, abs, nan_ok

    def __eq__(self, actual: object) -> bool:
        expected = self.expected
        if isinstance(expected, dict):
            same = isinstance(actual, dict) and actual.keys() == expected.keys()
            return same and all(Approx(item, *self.options) == actual[key] for key, item in expected.items())  # type: ignore[index]
        if isinstance(expected, (list, tuple)):
            same = isinstance(actual, (list, tuple)) and len(actual) == len(expected)
            return same and all(Approx(e, *self.options) == a for e, a in zip(expected, actual, strict=True))  # type: ignore[call-overload]
        return self._near(expected, actual)

    def _near(self, expected: Any, actual: Any) -> bool:
        """Whether a number is as near as it must be; anything else must be equal."""
        try:
            if actual == expected:
                return True
            if isinstance(expected, (bool, str, bytes)) or isinstance(actual, bool):
                return False
            if self.nan_ok and math.isnan(expected) and math.isnan(actual):
                return True
            apart, size = abs(expected - actual), abs(expected)
        except TypeError:
            return False
        if math.isinf(size) or not apart <= sys.float_info.max:
            return False
        wide = 0.0 if self.abs is not None and self.rel is None else (1e-6 if self.rel is None else self.rel) * size
        return bool(apart <= max(wide, 1e-12 if self.abs is None else self.abs))


class Mark:
    """`pytest.mark`: any mark is a decorator; those that choose what is run leave word of it on the function."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name == "parametrize":
            return parametrize
        if name in ("skip", "skipif", "xfail"):
            return lambda *args, **named: choice(name, *args, **named)
        if name == "asyncio":
            raise BeyondError("pytest.mark.asyncio")

        def mark(*args: Any, **_named: Any) -> Any:
            return args[0] if len(args) == 1 and isinstance(args[0], (types.FunctionType, type)) else lambda test: test

        return mark


def choice(name: str, *args: Any, **_named: Any) -> Any:
    """`skip`, `skipif` and `xfail`: where the condition holds, the test is not run, as it says nothing."""
    if len(args) == 1 and isinstance(args[0], (types.FunctionType, type)):
        return leave_word(args[0], "skipped", True)  # noqa: FBT003 - a value to keep
    holds = all(not isinstance(arg, (str, bool)) or arg for arg in args) if name != "skip" else True
    return lambda test: leave_word(test, "skipped", True) if holds else test  # noqa: FBT003


def leave_word(test: Any, name: str, value: Any) -> Any:
    """`test`, with an attribute that its runner looks for."""
    setattr(test, PREFIX + name, value)
    return test


def word(test: Any, name: str, default: Any = None) -> Any:
    """What `leave_word` has left on a function or method, or a class."""
    return getattr(test, PREFIX + name, default)


def parametrize(names: Any, values: Iterable[Any], **_named: Any) -> Callable[[Any], Any]:
    """As pytest.mark.parametrize."""
    names = [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else list(names)
    cases = []
    for value in list(values):
        case = value if isinstance(value, Parameters) else Parameters((value,) if len(names) == 1 else tuple(value))
        if not case.skipped:
            cases.append(dict(zip(names, case.values, strict=True)))
    return lambda test: leave_word(test, "cases", [*word(test, "cases", []), cases])


class Parameters:
    """One row of a parametrized test, as `pytest.param` gives it."""

    def __init__(self, values: tuple[Any, ...], marks: Any = ()) -> None:
        self.values = values
        marks = marks if isinstance(marks, (list, tuple)) else [marks]
        self.skipped = any(word(mark(lambda: None), "skipped") for mark in marks if callable(mark))


def param(*values: Any, marks: Any = (), id: object = None) -> Parameters:  # noqa: A002, ARG001 - pytest's own signature
    """As pytest.param."""
    return Parameters(values, marks)


def fixture(function: Any = None, **options: Any) -> Any:
    """As pytest.fixture, made anew for each test."""
    if function is None:
        return lambda function: fixture(function, **options)
    for name in ("params", "autouse"):
        leave_word(function, name, options.get(name))
    return leave_word(function, "fixture", True)  # noqa: FBT003 - a value to keep


def skip(reason: str = "", **_named: Any) -> NoReturn:
    """As pytest.skip."""
    raise Skipped(reason)


def fail(reason: str = "", **_named: Any) -> NoReturn:
    """As pytest.fail."""
    raise Failed(reason)


def importorskip(name: str, *_args: Any, **_named: Any) -> Any:
    """As pytest.importorskip."""
    try:
        __import__(name)
    except ImportError as error:
        raise Skipped(name) from error
    return sys.modules[name]


class Captured(tuple[str, str]):
    """What `capsys.readouterr()` gives."""

    __slots__ = ()
    out = property(lambda self: self[0])
    err = property(lambda self: self[1])


class Capture:
    """The fixture `capsys`: what has been written since the last look."""

    def __init__(self) -> None:
        self.streams = [io.StringIO(), io.StringIO()]

    def readouterr(self) -> Captured:
        """As capsys.readouterr."""
        said = Captured(stream.getvalue() for stream in self.streams)
        for stream in self.streams:
            stream.seek(0)
            stream.truncate()
        return said


def capsys() -> Iterator[Capture]:
    """The fixture."""
    capture = Capture()
    with contextlib.redirect_stdout(capture.streams[0]), contextlib.redirect_stderr(capture.streams[1]):
        yield capture


def module() -> types.ModuleType:
    """The module `pytest`."""
    made = types.ModuleType("pytest")
    made.__dict__.update(
        raises=raises, approx=Approx, mark=Mark(), param=param, fixture=fixture, skip=skip, fail=fail,
        importorskip=importorskip, main=lambda *_args, **_named: 0, xfail=skip, exit=skip,
    )  # fmt: skip

    def beyond(name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise BeyondError(f"pytest.{name}")

    made.__dict__["__getattr__"] = beyond
    return made

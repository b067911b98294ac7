"""What tests that are code find as `pytest`, and how functions called `test_*` and classes of tests are run.

The real one reads files, rewrites modules and loads a hundred others. This one has what tests of single functions use:
`raises`, `approx`, `mark.parametrize`, `skip`, `fail`, `fixture`, `param`, `importorskip` and the fixture `capsys`. All
else that a test asks of it raises BeyondError: such a test cannot be judged.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, NoReturn

PREFIX = "_pytest_"  # of what the decorators leave on a function


class BeyondError(BaseException):
    """What the tests do cannot be judged. A BaseException, so that tests seldom catch it; `reasons` remember it where
    they do."""

    reasons: ClassVar[list[str]] = []

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reasons.append(reason)


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


class Runner:
    """Runs the functions and classes of tests that lie in `space`, with fixtures that lie there too."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.space = space

    def run(self, names: Iterable[str]) -> None:
        """Runs what `names` stand for, in order; the first test that fails ends it with its exception."""
        found = [self.space[name] for name in names if isinstance(self.space.get(name), (types.FunctionType, type))]
        self._ask(self.space, "setup_module", "setUpModule")
        for one in found:
            if isinstance(one, types.FunctionType):
                self._ask(self.space, "setup_function")
                self._function(one)
                self._ask(self.space, "teardown_function")
            elif isinstance(one, type) and hasattr(one, "assertRaises"):
                self._unittest(one)
            elif isinstance(one, type) and one.__name__.startswith("Test") and not word(one, "skipped"):
                self._methods(one)
        self._ask(self.space, "teardown_module", "tearDownModule")

    def _ask(self, owner: Any, *names: str) -> None:
        """Calls what prepares or clears up, where there is such."""
        for name in names:
            function = owner.get(name) if isinstance(owner, dict) else getattr(owner, name, None)
            if function is not None:
                function(*[None] * (len(parameters(function)) - isinstance(function, types.MethodType)))

    def _methods(self, cls: type) -> None:
        self._ask(cls, "setup_class")
        for name in tests_of(cls):
            case = cls()
            self._ask(case, "setup_method")
            self._function(getattr(case, name), case)
            self._ask(case, "teardown_method")
        self._ask(cls, "teardown_class")

    def _unittest(self, cls: Any) -> None:
        """The tests of a unittest.TestCase, which raise what they find."""
        skip_test = sys.modules["unittest"].SkipTest
        with contextlib.suppress(skip_test):
            cls.setUpClass()
            for name in tests_of(cls):
                with contextlib.suppress(skip_test):
                    expected = getattr(getattr(cls, name), "__unittest_expecting_failure__", False)
                    if not expected:
                        cls(name).debug()
            cls.tearDownClass()
            cls.doClassCleanups()

    def _function(self, test: Any, case: Any = None) -> None:
        """One test, once for each row of its parameters."""
        if word(test, "skipped"):
            return
        rows = [*word(test, "cases", []), *(word(type(case), "cases", []) if case is not None else [])]
        for row in itertools.product(*rows):
            given = {name: value for part in row for name, value in part.items()}
            with contextlib.ExitStack() as stack, contextlib.suppress(Skipped):
                self._used(stack, given, case)
                wanted = parameters(test)[case is not None :]
                result = test(**{name: self._fixture(name, given, stack, case) for name in wanted})
                if type(result) is types.CoroutineType:
                    raise BeyondError("a test that is a coroutine")

    def _used(self, stack: contextlib.ExitStack, given: dict[str, Any], case: Any) -> None:
        """Fixtures that every test uses."""
        for name, one in list(self.space.items()):
            if type(one) is types.FunctionType and word(one, "autouse"):
                self._fixture(name, given, stack, case)

    def _fixture(self, name: str, given: dict[str, Any], stack: contextlib.ExitStack, case: Any) -> Any:
        """The value of a parameter: of its row, of a fixture of the tests or of this module, or the program."""
        if name in given:
            return given[name]
        function = getattr(case, name, None) or self.space.get(name)
        fixed = type(function) in (types.FunctionType, types.MethodType) and word(function, "fixture")
        made = function if fixed else capsys if name == "capsys" else None
        if made is None and name == "candidate":
            return self.space[name]
        if made is None or word(made, "params"):
            raise BeyondError(f"the fixture {name}")
        wanted = parameters(made)[isinstance(made, types.MethodType) :]
        value = made(**{each: self._fixture(each, given, stack, case) for each in wanted})
        if isinstance(value, types.GeneratorType):
            value = stack.enter_context(contextlib.contextmanager(lambda: value)())
        given[name] = value
        return value


def tests_of(cls: type) -> list[str]:
    """The names of a class's test methods, in the order in which they are written."""
    return list(dict.fromkeys(name for one in reversed(cls.__mro__) for name in vars(one) if name.startswith("test")))


def parameters(function: Any) -> list[str]:
    """The names of a function's parameters that have no default, with that of the object of a method."""
    function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    required = code.co_argcount - len(function.__defaults__ or ())
    keyword = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    kept = set(function.__kwdefaults__ or ())
    return [*code.co_varnames[:required], *(name for name in keyword if name not in kept)]


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

"""How the tests are run that nobody calls: functions called `test_*` and classes of such, with their fixtures."""

from __future__ import annotations

import contextlib
import itertools
import sys
import types
from collections.abc import Iterable
from typing import Any

from .pytest_standin import Skipped, capsys, word
from .unjudgeable import BeyondError


class Runner:
    """Runs the functions and classes of tests that lie in `space`, with fixtures that lie there too."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.space = space

    def run(self, names: Iterable[str]) -> None:
        """Runs what `names` stand for, in order; the first test that fails ends it with its exception."""
        tests = [self.space[name] for name in names if isinstance(self.space.get(name), (types.FunctionType, type))]
        self._ask(self.space, "setup_module", "setUpModule")
        for test in tests:
            if isinstance(test, types.FunctionType):
                self._ask(self.space, "setup_function")
                self._function(test)
                self._ask(self.space, "teardown_function")
            elif isinstance(test, type) and hasattr(test, "assertRaises"):
                self._unittest(test)
            elif isinstance(test, type) and test.__name__.startswith("Test") and not word(test, "skipped"):
                self._methods(test)
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
        for name, value in list(self.space.items()):
            if type(value) is types.FunctionType and word(value, "autouse"):
                self._fixture(name, given, stack, case)

    def _fixture(self, name: str, given: dict[str, Any], stack: contextlib.ExitStack, case: Any) -> Any:
        """The value of a parameter: of its row, of a fixture of the tests, of `capsys`, or the program."""
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
    return list(dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base) if name.startswith("test")))


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

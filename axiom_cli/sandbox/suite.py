"""A problem's tests, prepared once: what the child gets, and what only the parent knows."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from axiom_cli import ids, records, syntax
from axiom_cli.errors import InputError
from axiom_cli.records import STDIN_STDOUT
from axiom_cli.sandbox import code_suite, values
from axiom_cli.sandbox.code_suite import CodeSuite
from axiom_cli.sandbox.inside import messages


class Expected(NamedTuple):
    """What a test expects: a value, the same as bytes, and what counts as equal to it."""

    value: Any
    encoded: bytes
    rule: values.Rule


@dataclass(frozen=True)
class Suite:
    """`inputs` go to the child, a frame a test, read when their test begins; `expected` never does."""

    key: str
    entry: str
    inputs: tuple[bytes, ...]
    expected: tuple[Expected, ...]
    prelude: str = ""
    paired = False

    @property
    def script(self) -> bool:
        """Whether the program reads standard input and prints, and is run anew for each test."""
        return self.entry == STDIN_STDOUT

    @property
    def total(self) -> int:
        """How many tests there are."""
        return len(self.expected)

    @cached_property
    def allowance(self) -> int:
        """Bytes of results, beyond the limit, that a right program may need: what is expected may be written longer."""
        return 2 * sum(len(expected.encoded) for expected in self.expected)

    def payload(self, code: str) -> bytes:
        """What the child gets to know before its first test."""
        job = {"code": code, "entry": self.entry, "prelude": self.prelude}
        return marshal.dumps(job | {"tests": [expected.rule.argument for expected in self.expected]}, 2)


@dataclass(frozen=True)
class Calls(Suite):
    """Calls whose results are asked for: any plain data that comes back will do, and the outcome holds it."""


AnySuite = Suite | CodeSuite


def prepare(program: records.Program) -> AnySuite:
    """The suite of a problem's hidden tests. Raises InputError where they cannot be run."""
    if program.prelude and syntax.parse(program.prelude, longest=len(program.prelude)) is None:
        raise InputError(f"the prelude of program {program.entry_point!r} is not Python")
    if program.tests:
        return _data_suite(program, program.tests)
    if program.entry_point == STDIN_STDOUT:
        raise InputError("a program that reads standard input is graded by `tests`, not by test_code")
    return code_suite.prepare(program)


def calls(entry: str, arguments: Sequence[Sequence[Any]], prelude: str = "") -> Calls:
    """The suite that asks what the function `entry` returns for each list of arguments. Raises InputError where one is
    not plain data."""
    inputs = tuple(_input(entry, args) for args in arguments)
    key = ids.content_id([entry, list(arguments), prelude, "calls"])
    return Calls(key, entry, inputs, (Expected(None, b"", values.Rule(anything=True)),) * len(inputs), prelude)


def _input(entry: str, args: Sequence[Any]) -> bytes:
    """The frame that begins a test: the arguments, or standard input as it is."""
    if entry == STDIN_STDOUT:
        return messages.frame(messages.CALL, args[0].encode("utf-8", "surrogateescape"))
    return messages.frame(messages.CALL, values.encode(list(args)))


def _data_suite(program: records.Program, tests: Sequence[Any]) -> Suite:
    entry, inputs, expected = program.entry_point, [], []
    for number, test in enumerate(tests, 1):
        where = f"test {number} of program {entry!r}"
        if not isinstance(test, dict) or not isinstance(test.get("args"), (list, tuple)) or "expected" not in test:
            raise InputError(f"{where} is not {{args: [...], expected}}")
        if not isinstance(test.get("checker"), (str, type(None))):
            raise InputError(f"{where} has the checker {test['checker']!r:.40}, which is not text")
        own = test.get("checker")
        rule = values.rule(program.checker if own is None else own)
        if entry == STDIN_STDOUT:
            rule = _script_rule(rule, test, where)
        if unreachable := values.unreachable(test["expected"], test["args"], rule):
            raise InputError(f"{where} cannot be passed: {unreachable}")
        inputs.append(_input(entry, test["args"]))
        value = tuple(test["expected"]) if rule.from_list else test["expected"]
        expected.append(Expected(value, values.encode(value), rule))
    key = ids.content_id([entry, program.tests, program.checker, program.prelude])
    return Suite(key, entry, tuple(inputs), tuple(expected), program.prelude or "")


def _script_rule(rule: values.Rule, test: Mapping[str, Any], where: str) -> values.Rule:
    """The rule for what a script prints, which is always compared by words. Raises InputError where no script could
    pass the test."""
    if [type(arg) for arg in test["args"]] != [str]:
        raise InputError(f"{where} gives standard input as {test['args']!r:.60}", "args is one string there")
    try:
        test["args"][0].encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InputError(f"{where} gives standard input that is not text") from None
    if not isinstance(test["expected"], str):
        raise InputError(
            f"{where} expects {test['expected']!r:.60}, but what a script prints is text",
            "expected is one string there, lines and all",
        )
    if rule.argument is not None:
        raise InputError(f"{where} compares an argument after the call, but a script has none")
    return replace(rule, tokens=True)

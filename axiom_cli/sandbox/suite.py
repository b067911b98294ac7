"""A problem's tests, prepared once: what the child gets, and what only the parent knows."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    def total(self) -> int:
        """How many tests there are."""
        return len(self.expected)

    def payload(self, code: str) -> bytes:
        """What the child gets to know before its first test."""
        job = {"code": code, "entry": self.entry, "script": self.entry == STDIN_STDOUT, "prelude": self.prelude}
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
    inputs = tuple(messages.frame(messages.CALL, values.encode(list(args))) for args in arguments)
    key = ids.content_id([entry, list(arguments), prelude, "calls"])
    return Calls(key, entry, inputs, (Expected(None, b"", values.Rule(anything=True)),) * len(inputs), prelude)


def _data_suite(program: records.Program, tests: Sequence[Any]) -> Suite:
    entry, inputs, expected = program.entry_point, [], []
    for number, test in enumerate(tests, 1):
        if not isinstance(test, dict) or not isinstance(test.get("args"), (list, tuple)) or "expected" not in test:
            raise InputError(f"test {number} of program {entry!r} is not {{args: [...], expected}}")
        if entry == STDIN_STDOUT and [type(arg) for arg in test["args"]] != [str]:
            raise InputError(f"test {number} gives standard input as {test['args']!r:.60}", "args is one string there")
        inputs.append(messages.frame(messages.CALL, values.encode(list(test["args"]))))
        expected.append(Expected(test["expected"], values.encode(test["expected"]), _rule(program, test, number)))
    key = ids.content_id([entry, program.tests, program.checker, program.prelude])
    return Suite(key, entry, tuple(inputs), tuple(expected), program.prelude or "")


def _rule(program: records.Program, test: Mapping[str, Any], number: int) -> values.Rule:
    """How a test compares: by its own checker, else by the program's."""
    checker = test.get("checker")
    if not isinstance(checker, (str, type(None))):
        raise InputError(f"test {number} of program {program.entry_point!r} has the checker {checker!r:.40}, not text")
    rule = values.rule(program.checker if checker is None else checker)
    if program.entry_point == STDIN_STDOUT:
        if rule.argument is not None or rule.unordered:
            raise InputError(
                f"the checker {checker or program.checker!r} cannot compare what a script prints",
                "a script's checker is float:TOLERANCE, or none: words are compared in any case",
            )
        return replace(rule, tokens=True)
    if rule.argument is not None and rule.argument >= len(test["args"]):
        raise InputError(f"test {number} of program {program.entry_point!r} has no argument {rule.argument} to compare")
    return rule

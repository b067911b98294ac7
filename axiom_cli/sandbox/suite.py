"""A problem's tests, prepared once: what the child gets, and what only the parent knows."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from axiom_cli import ids, records
from axiom_cli.errors import InputError
from axiom_cli.records import STDIN_STDOUT
from axiom_cli.sandbox import code_suite, values
from axiom_cli.sandbox.code_suite import CodeSuite
from axiom_cli.sandbox.inside import messages


@dataclass(frozen=True)
class Suite:
    """`inputs` go to the child, a frame a test, read when their test begins; `expected` never does."""

    key: str
    entry: str
    inputs: tuple[bytes, ...]
    expected: tuple[tuple[Any, bytes], ...]
    rule: values.Rule
    paired = False

    @property
    def total(self) -> int:
        """How many tests there are."""
        return len(self.expected)

    def payload(self, code: str) -> bytes:
        """What the child gets to know before its first test."""
        job = {"code": code, "entry": self.entry, "script": self.entry == STDIN_STDOUT, "tests": self.total}
        return marshal.dumps(job, 2)


@dataclass(frozen=True)
class Calls(Suite):
    """Calls whose results are asked for: any plain data that comes back will do, and the outcome holds it."""


AnySuite = Suite | CodeSuite


def prepare(program: records.Program) -> AnySuite:
    """The suite of a problem's hidden tests. Raises InputError where they cannot be run."""
    if program.tests:
        return _data_suite(program, program.tests)
    if program.entry_point == STDIN_STDOUT:
        raise InputError("a program that reads standard input is graded by `tests`, not by test_code")
    return code_suite.prepare(program)


def calls(entry: str, arguments: Sequence[Sequence[Any]]) -> Calls:
    """The suite that asks what the function `entry` returns for each list of arguments. Raises InputError where one is
    not plain data."""
    inputs = tuple(messages.frame(messages.CALL, values.encode(list(args))) for args in arguments)
    key = ids.content_id([entry, list(arguments), "calls"])
    return Calls(key, entry, inputs, ((None, b""),) * len(inputs), values.Rule(anything=True))


def _data_suite(program: records.Program, tests: Sequence[Any]) -> Suite:
    inputs, expected = [], []
    for number, test in enumerate(tests, 1):
        if not isinstance(test, dict) or not isinstance(test.get("args"), (list, tuple)) or "expected" not in test:
            raise InputError(f"test {number} of program {program.entry_point!r} is not {{args: [...], expected}}")
        if program.entry_point == STDIN_STDOUT and [type(arg) for arg in test["args"]] != [str]:
            raise InputError(f"test {number} gives standard input as {test['args']!r:.60}", "args is one string there")
        inputs.append(messages.frame(messages.CALL, values.encode(list(test["args"]))))
        expected.append((test["expected"], values.encode(test["expected"])))
    rule = values.rule(program.checker)
    if program.entry_point == STDIN_STDOUT and not program.checker:
        rule = values.rule("tokens")
    key = ids.content_id([program.entry_point, program.tests, program.checker])
    return Suite(key, program.entry_point, tuple(inputs), tuple(expected), rule)

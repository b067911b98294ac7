"""A problem's tests, prepared once: what the child is told, and what only the parent knows."""

from __future__ import annotations

import marshal
from dataclasses import dataclass
from typing import Any

from axiom_cli import ids, records
from axiom_cli.errors import InputError
from axiom_cli.sandbox import values
from axiom_cli.sandbox.inside.child import STDIN_STDOUT


@dataclass(frozen=True)
class Suite:
    """`arguments` go to the child, one encoded tuple a test; `expected` never does."""

    key: str
    entry: str
    arguments: tuple[bytes, ...]
    expected: tuple[tuple[Any, bytes], ...]
    rule: values.Rule

    def payload(self, code: str) -> bytes:
        """All that the child gets to know."""
        return marshal.dumps({"code": code, "entry": self.entry, "args": list(self.arguments)}, 2)


def prepare(program: records.Program) -> Suite:
    """The suite of a problem's hidden tests. Raises InputError where they cannot be run."""
    if program.tests is None:
        raise InputError(
            f"program {program.entry_point!r} is graded by test_code, which this verifier does not run",
            "give the problem `tests`, a list of {args, expected}",
        )
    arguments, expected = [], []
    for number, test in enumerate(program.tests, 1):
        if not isinstance(test, dict) or not isinstance(test.get("args"), (list, tuple)) or "expected" not in test:
            raise InputError(f"test {number} of program {program.entry_point!r} is not {{args: [...], expected}}")
        arguments.append(values.encode(list(test["args"])))
        expected.append((test["expected"], values.encode(test["expected"])))
    rule = values.rule(program.checker)
    if program.entry_point == STDIN_STDOUT and not program.checker:
        rule = values.rule("tokens")
    key = ids.content_id([program.entry_point, program.tests, program.checker])
    return Suite(key, program.entry_point, tuple(arguments), tuple(expected), rule)

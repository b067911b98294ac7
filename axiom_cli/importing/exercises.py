"""A function to write, with asserts as its tests: calls with expected results if those say the same, else code."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from axiom_cli import syntax
from axiom_cli.ids import content_id
from axiom_cli.importing.evalplus import MOST_INPUTS
from axiom_cli.importing.imported import Imported
from axiom_cli.importing.schema import LEVEL
from axiom_cli.problems import assert_tests
from axiom_cli.problems.assert_tests import AssertTests
from axiom_cli.records import Problem, Program

TESTS_LEFT_OUT = (
    f"some tests are left out, beyond {MOST_INPUTS} inputs or of a kind that cannot be read; "
    "source.tests_left_out counts them"
)


@dataclass(frozen=True)
class Exercise:
    """What a published set says of one problem: the function to write, the set's solution, the tests as source, the
    arguments of the calls that the prompt shows, and what stands before each program."""

    family: str
    name: str
    prompt: str
    entry_point: str
    gold: str
    tests: str = ""
    shown: Sequence[list[Any]] = ()
    prelude: str = ""


def from_asserts(exercise: Exercise) -> Imported:
    """A program problem from the source of its tests."""
    if syntax.parse(exercise.tests, longest=len(exercise.tests)) is None:
        return Imported(exercise.name, reason="its tests are not Python")
    parsed = assert_tests.read_tests(exercise.tests, exercise.entry_point)
    if not parsed.readings and not parsed.left_out:
        return Imported(exercise.name, reason="it has no test")
    if parsed.says_all:
        return from_calls(exercise, parsed)
    program = program_of(exercise, parsed.tests(None), test_code=exercise.tests)
    return Imported(exercise.name, problem_of(exercise, program), gold=exercise.gold)


def from_calls(exercise: Exercise, parsed: AssertTests) -> Imported:
    """A program problem from calls with expected results, without those that were left out."""
    tests = parsed.tests(parsed.checker)
    program = program_of(exercise, tests, tests=tests, checker=parsed.checker)
    note = TESTS_LEFT_OUT if parsed.left_out else ""
    return Imported(exercise.name, problem_of(exercise, program, parsed.left_out), gold=exercise.gold, note=note)


def program_of(exercise: Exercise, calls: Sequence[dict[str, Any]] = (), **graded: Any) -> Program:
    """The program that is to be written. Those of `calls` that the prompt shows are its examples."""
    return Program(
        exercise.entry_point,
        signature(exercise.gold, exercise.entry_point),
        examples=[call for call in calls if call["args"] in exercise.shown],
        reference=exercise.gold or None,
        prelude=exercise.prelude or None,
        **graded,
    )


def problem_of(exercise: Exercise, program: Program, left_out: int = 0) -> Problem:
    """The problem of split `test` that a program is for."""
    family, name, prompt = exercise.family, exercise.name, exercise.prompt
    identity = content_id([family, "program", prompt], 16)
    extra = {"source": {"set": family, "name": name, "tests_left_out": left_out}}
    return Problem(identity, family, name, prompt, LEVEL, "test", program=program, extra=extra)


def signature(code: str, entry_point: str) -> str:
    """`f(a, b)` as `code` writes it; `f(...)` where it cannot be read."""
    tree = syntax.parse(code)
    for node in tree.body if tree else ():
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            return f"{entry_point}({ast.unparse(node.args)}){returned}"
    return f"{entry_point}(...)"

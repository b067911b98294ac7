"""Rows of KodCode: a `solution`, and a `test` for pytest that imports from it; some ask for a script instead."""

from __future__ import annotations

import ast
from typing import Any

from axiom_cli import syntax
from axiom_cli.errors import InputError
from axiom_cli.ids import content_id
from axiom_cli.importing import contests
from axiom_cli.importing.contests import Task
from axiom_cli.importing.exercises import signature
from axiom_cli.importing.imported import Format, Imported
from axiom_cli.importing.schema import ANY, NAME, TEXT, Row
from axiom_cli.problems import written_programs
from axiom_cli.records import STDIN_STDOUT, Problem, Program


def _read(row: Row) -> Imported:
    ids = (row.get(name) for name in ("question_id", "conversation_id", "id"))
    name = contests.name_of("kodcode", row["question"], *ids)
    test = row.get("test") or row.get("test_code") or ""
    level, split = contests.level_of(row.get("gpt_difficulty")), contests.split_of(row)
    if test.lstrip().startswith("{"):
        program = contests.script(_streams(test))
        prompt = contests.statement(row["question"], "", STDIN_STDOUT)
        return contests.imported(Task("kodcode", name, prompt, [program], [row["solution"]], level, split))
    if syntax.parse(test, longest=len(test)) is None:
        return Imported(name, reason="its test is not Python")
    if not test.strip():
        return Imported(name, reason="it has no test")
    entry_point = _entry_point(row, test)
    if entry_point is None:
        return Imported(name, reason="its test imports no function or class of its solution")
    gold = row["solution"]
    program = Program(entry_point, signature(gold, entry_point), test_code=test, reference=gold)
    prompt = contests.statement(row["question"], "", entry_point)
    identity = content_id(["kodcode", "program", prompt], 16)
    extra = {"source": {"set": "kodcode", "name": name, "tests_left_out": 0}}
    problem = Problem(identity, "kodcode", name, prompt, level, split, program=program, extra=extra)
    return Imported(name, problem, gold=gold)


def _streams(test: str) -> list[contests.Pair]:
    """Pairs from {stdin: [...], stdout: [...]}, written as JSON or as Python writes it. Raises InputError."""
    try:
        cases = ast.literal_eval(test.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise InputError("its test is neither Python nor {stdin: [...], stdout: [...]}") from None
    if not isinstance(cases, dict):
        raise InputError(f"its test is {cases!r:.40}, expected {{stdin: [...], stdout: [...]}}")
    return contests.paired(cases.get("stdin"), cases.get("stdout"), "stdin and stdout")


def _entry_point(row: Row, test: str) -> str | None:
    """The function or class that the row names, else the first that its test imports and its solution defines."""
    named: Any = row.get("test_info")
    named = named[0] if isinstance(named, list) and named else named
    names = [named.get("function_name")] if isinstance(named, dict) else []
    for node in ast.walk(syntax.parse(test, longest=len(test)) or ast.Module([], [])):
        if isinstance(node, ast.ImportFrom) and node.module == "solution":
            names += [alias.name for alias in node.names]
    return next(
        (name for name in names if isinstance(name, str) and written_programs.defines(row["solution"], name)), None
    )


KODCODE = Format(
    _read,
    dict.fromkeys(("question", "solution"), TEXT),
    {
        **dict.fromkeys(("test", "test_code", "split"), TEXT),
        **dict.fromkeys(("question_id", "conversation_id", "id"), NAME),
        **dict.fromkeys(("test_info", "gpt_difficulty"), ANY),
    },
    lambda row: {"question", "solution"} <= row.keys() and bool({"test", "test_code"} & row.keys()),
)

"""Rows of CodeContests: tests as {input: [...], output: [...]}, solutions in several languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.importing import contests
from axiom_cli.importing.contests import Task
from axiom_cli.importing.imported import Format, Imported
from axiom_cli.importing.schema import ANY, LEVEL, TEXT, Row
from axiom_cli.records import STDIN_STDOUT

PYTHON3 = (3, "PYTHON3")
TESTS = ("public_tests", "private_tests", "generated_tests")
LOWEST_RATING, RATINGS_A_LEVEL = 800, 270
"""Ratings of Codeforces go from 800 to 3500: level 1 to 10."""
DIFFICULTIES = {1: 2, 2: 4, 3: 6, 4: 8, 5: 10, **{rank: min(10, 2 + rank - 7) for rank in range(7, 29)}}
"""EASY to HARDEST, then A to V: the places of a problem in its contest."""


def _read(row: Row) -> Imported:
    for name in ("input_file", "output_file"):
        if row.get(name):
            raise InputError(f"it uses the file {row[name]!r:.40} in place of a standard stream")
    public, private, generated = (_pairs(row.get(name), name) for name in TESTS)
    program = contests.script([*public, *private, *generated], public)
    golds = contests.solutions(_python(row.get("solutions")))
    prompt = contests.statement(row["description"], "", STDIN_STDOUT)
    split = contests.split_of(row)
    return contests.imported(Task("codecontests", row["name"], prompt, [program], golds, _level(row), split))


def _pairs(tests: Any, name: str) -> list[contests.Pair]:
    """{input, output}, or a list of such."""
    if tests in (None, {}, []):
        return []
    if isinstance(tests, list) and all(isinstance(test, dict) for test in tests):
        tests = {side: [test.get(side) for test in tests] for side in ("input", "output")}
    if not isinstance(tests, dict):
        raise InputError(f"its {name} are {tests!r:.40}, expected {{input: [...], output: [...]}}")
    return contests.paired(tests.get("input"), tests.get("output"), f"{name} (input and output)")


def _python(solutions: Any) -> Iterator[Any]:
    """The solutions in Python 3."""
    if isinstance(solutions, list):
        for solution in solutions:
            if not isinstance(solution, dict):
                raise InputError(f"a solution of it is {solution!r:.40}, expected {{language, solution}}")
        solutions = {side: [solution.get(side) for solution in solutions] for side in ("language", "solution")}
    solutions = solutions or {"language": [], "solution": []}
    if not isinstance(solutions, dict):
        raise InputError(f"its solutions are {solutions!r:.40}, expected {{language: [...], solution: [...]}}")
    for language, solution in contests.paired(solutions.get("language"), solutions.get("solution"), "solutions"):
        if language in PYTHON3:
            yield solution


def _level(row: Row) -> int:
    rating, difficulty = row.get("cf_rating"), row.get("difficulty")
    if isinstance(rating, (int, float)) and rating >= LOWEST_RATING:
        return min(10, 1 + int(rating - LOWEST_RATING) // RATINGS_A_LEVEL)
    return DIFFICULTIES.get(difficulty, LEVEL) if isinstance(difficulty, int) else LEVEL


CODECONTESTS = Format(
    _read,
    {"name": TEXT, "description": TEXT},
    {
        **dict.fromkeys((*TESTS, "solutions", "difficulty", "cf_rating"), ANY),
        **dict.fromkeys(("split", "input_file", "output_file"), TEXT),
    },
    lambda row: {"name", "description", "public_tests"} <= row.keys(),
)

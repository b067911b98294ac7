"""What sets of contest problems have in common: pairs of input and output, and solutions, some of them wrong.

A problem is a script, which reads standard input and prints, or a function. Every record of a problem carries its
tests, so a row gives only some of them: the first that fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Any

from axiom_cli import json_codec, syntax
from axiom_cli.errors import InputError
from axiom_cli.ids import content_id
from axiom_cli.importing import schema
from axiom_cli.importing.imported import Imported
from axiom_cli.importing.schema import LEVEL, Row
from axiom_cli.records import STDIN_STDOUT, Problem, Program

MOST_TESTS = 200
LARGEST_TESTS = 100_000
"""Characters of all tests of a row, as JSON."""
MOST_SOLUTIONS = 3
"""Solutions of a row that are tried: some sets hold wrong ones."""
LONGEST_SOLUTION = 100_000
SOME_TESTS = (
    f"some tests are left out, beyond {MOST_TESTS} or {LARGEST_TESTS:,} characters in all; "
    "source.tests_left_out counts them"
)
UNCHECKED = "the row has no solution in Python 3, so its tests are unchecked"
DECIMAL = re.compile(r"[-+]?\d*\.\d+([eE][-+]?\d+)?")
SOLUTION = re.compile(r"^class Solution\b", re.MULTILINE)
WORDS = {"easy": 3, "medium": 5, "hard": 8}
"""Levels by the words that several sets use."""
PRELUDE = """\
from __future__ import annotations
from bisect import *
from collections import *
from copy import *
from functools import *
from heapq import *
from itertools import *
from math import *
from string import *
from typing import *
from builtins import pow
import bisect, collections, copy, functools, heapq, itertools, json, math, operator, random, re, string, sys
"""
"""What the judges of these sets put before a function, save modules that the sandbox does not hold ready. Modules come
after what is in them: `bisect.bisect`."""
Pair = tuple[Any, Any]


def texts(value: Any, name: str) -> str:
    """What is written to a script, or read from it: a text, or a list of lines, numbers among them. Raises
    InputError."""
    if isinstance(value, list):
        return "\n".join(texts(line, name) for line in value)
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return json_codec.text(value)
    raise InputError(f"an {name} of its tests is {value!r:.40}, expected text or a list of lines")


def script(pairs: Sequence[Pair], shown: Sequence[Pair] = ()) -> Program:
    """A script that prints the outputs, word by word; decimal numbers may be off by 1e-6. The tests are not chosen
    yet."""
    tests, examples = (
        [{"args": [texts(given, "input")], "expected": texts(wanted, "output")} for given, wanted in some]
        for some in (pairs, shown)
    )
    words = (word for _, wanted in pairs for word in texts(wanted, "output").split())
    checker = "tokens,float:1e-6" if any(map(DECIMAL.fullmatch, words)) else None
    return Program(STDIN_STDOUT, "", examples, tests, checker=checker)


def function(entry_point: str, signature: str, tests: list[dict[str, Any]], shown: int = 0) -> Program:
    """A function whose results are compared as JSON has them: a tuple is a list, a float may be off by 1e-6. The first
    `shown` tests are examples."""
    checker = "float:1e-6,tuple_is_list" if any(_has_float(test["expected"]) for test in tests) else "tuple_is_list"
    return Program(entry_point, signature, tests[:shown], tests, checker=checker, prelude=PRELUDE)


def _has_float(value: Any) -> bool:
    if isinstance(value, (list, dict)):
        return any(map(_has_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def paired(inputs: Any, outputs: Any, name: str) -> list[Pair]:
    """Inputs with their outputs. Raises InputError where they are not lists of equal length."""
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise InputError(f"its {name} are {inputs!r:.30} and {outputs!r:.30}, expected lists")
    if len(inputs) != len(outputs):
        raise InputError(f"its {name} are {len(inputs):,} and {len(outputs):,}, expected as many of each")
    return list(zip(inputs, outputs, strict=True))


def solutions(sources: Iterable[Any]) -> list[str]:
    """The first few that are Python 3."""
    kept: list[str] = []
    for source in sources:
        if len(kept) == MOST_SOLUTIONS:
            break
        if isinstance(source, str) and source.strip() and syntax.parse(source, longest=LONGEST_SOLUTION):
            kept.append(source.replace("\r\n", "\n"))
    return kept


def listed(value: Any, name: str) -> list[Any]:
    """A list, or the JSON text of one; nothing for an empty text. Raises InputError."""
    value = schema.tests(value, name) if value not in (None, "") else []
    if not isinstance(value, list):
        raise InputError(f"its {name} are {value!r:.40}, expected a list")
    return value


def function_name(name: Any) -> str:
    """The function that tests call, by itself or as a method of `Solution`: judges take either. Raises InputError."""
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"its tests call {name!r:.40}, expected the name of a function")
    return name


def name_of(family: str, text: str, *named: Any) -> str:
    """`apps/12`: a row's name is the first of `named` that it has, else the first words of its text."""
    names = [name for name in named if name not in (None, "")]
    return f"{family}/{names[0] if names else shorten(text, 60, placeholder='...')}"


def signature_in(code: str, name: str) -> str:
    """`f(self, a: int) -> int` as `code` has it, whether it is complete or only a beginning; `f(...)` where it has
    none."""
    head = re.search(rf"\bdef\s+{re.escape(name)}\s*(\(.*)", code)
    return f"{name}{head[1].rstrip().removesuffix(':').strip()}" if head else f"{name}(...)"


def statement(text: str, starter: str, entry_point: str) -> str:
    """The problem's text, with the code to complete if there is any."""
    if entry_point == STDIN_STDOUT:
        return f"{text.strip()}\n\nRead standard input, and print the answer."
    wanted = f"the function `{entry_point}`"
    if SOLUTION.search(starter):
        wanted = f"the method `{entry_point.rpartition('.')[2]}` of the class `Solution`"
    code = f":\n```python\n{starter.strip()}\n```" if starter.strip() else "."
    return f"{text.strip()}\n\nWrite {wanted}{code}"


@dataclass(frozen=True)
class Task:
    """What a row says: a statement, its readings as programs with all tests, the likeliest first, and solutions."""

    family: str
    name: str
    prompt: str
    programs: Sequence[Program]
    golds: Sequence[str] = ()
    level: int = LEVEL
    split: str = "train"


def imported(task: Task) -> Imported:
    """The task as a problem with the tests that fit, or the reason why it is none."""
    readings, left_out = [], 0
    for reading in task.programs:
        every = reading.tests or []
        tests = _fitting(every)
        left_out = len(every) - len(tests)
        if not tests:
            too_large = f"none of its tests has less than {LARGEST_TESTS:,} characters"
            return Imported(task.name, reason=too_large if every else "it has no test")
        examples = [example for example in reading.examples if example in tests]
        program = replace(reading, tests=tests, examples=examples)
        readings += [replace(program, reference=gold) for gold in task.golds] or [program]
    problem = Problem(
        id=content_id([task.family, "program", task.prompt], 16),
        family=task.family,
        title=task.name,
        prompt=task.prompt,
        level=task.level,
        split=task.split,
        program=readings[0],
        extra={"source": {"set": task.family, "name": task.name, "tests_left_out": left_out}},
    )
    notes = [SOME_TESTS] * bool(left_out) + [UNCHECKED] * (not task.golds)
    gold = readings[0].reference
    return Imported(task.name, problem, gold=gold, others=readings[1:] if gold else (), note="; ".join(notes))


def split_of(row: Row) -> str:
    """The split that a row names, `train` if it names none."""
    named = row.get("split") or "train"
    return schema.split_named(named) or named


def _fitting(tests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first tests that fit."""
    kept: list[dict[str, Any]] = []
    room = LARGEST_TESTS
    for test in tests:
        size = len(json_codec.dumps(test))
        if size <= room and len(kept) < MOST_TESTS:
            kept.append(test)
            room -= size
    return kept


def level_of(value: Any, levels: Mapping[str, int] = WORDS) -> int:
    """The level that a word such as `EASY` stands for; LEVEL for any other value."""
    return levels.get(value.lower(), LEVEL) if isinstance(value, str) else LEVEL

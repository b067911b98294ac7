"""Rows of APPS and of TACO: `input_output` is the JSON text of {inputs, outputs, fn_name}, `solutions` one of a list.

With `fn_name` a row asks for a function, else for a script. The result of a function is most often wrapped in a list,
and nothing says whether it is: the reading that the row's own solutions pass is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.importing import contests, schema
from axiom_cli.importing.contests import Task
from axiom_cli.importing.imported import Format, Imported
from axiom_cli.importing.schema import ANY, NAME, TEXT, Row
from axiom_cli.records import STDIN_STDOUT, Program

LEVELS: Mapping[str, Mapping[str, int]] = {
    "apps": {"introductory": 3, "interview": 5, "competition": 8},
    "taco": {"easy": 2, "medium": 4, "medium_hard": 6, "hard": 8, "very_hard": 10},
}


def _read(row: Row, family: str) -> Imported:
    name = contests.name_of(family, row["question"], *(row.get(column) for column in ("problem_id", "name", "url")))
    tests = schema.tests(row.get("input_output") or "{}", "input_output")
    if not isinstance(tests, dict):
        raise InputError(f"its input_output is {tests!r:.40}, expected {{inputs, outputs}}")
    golds = contests.solutions(contests.listed(row.get("solutions"), "solutions"))
    pairs = contests.paired(tests.get("inputs") or [], tests.get("outputs") or [], "inputs and outputs")
    level = contests.level_of(row.get("difficulty"), LEVELS[family])
    starter = row.get("starter_code") or ""
    if not tests.get("fn_name"):
        programs, entry_point = [contests.script(pairs)], STDIN_STDOUT
    else:
        entry_point = contests.function_name(tests["fn_name"])
        programs = list(_functions(pairs, entry_point, starter or "".join(golds[:1])))
    prompt = contests.statement(row["question"], starter, entry_point)
    return contests.imported(Task(family, name, prompt, programs, golds, level, contests.split_of(row)))


def _functions(pairs: list[contests.Pair], entry_point: str, code: str) -> list[Program]:
    """The readings of a function's tests: results taken out of their lists, if all are in one, and as they stand."""
    for args, _ in pairs:
        if not isinstance(args, list):
            raise InputError(f"an input of its tests is {args!r:.40}, expected a list of arguments")
    unwrapped = [(args, wanted[0]) for args, wanted in pairs if isinstance(wanted, list) and len(wanted) == 1]
    readings = [unwrapped, pairs] if len(unwrapped) == len(pairs) else [pairs]
    signature = contests.signature_in(code, entry_point)
    return [
        contests.function(entry_point, signature, [{"args": args, "expected": wanted} for args, wanted in reading])
        for reading in readings
    ]


def _recognizes(row: Row, family: str) -> bool:
    """Both have the same columns but for a few."""
    taco = bool({"skill_types", "raw_tags", "Expected Time Complexity"} & row.keys())
    return {"question", "input_output", "solutions"} <= row.keys() and taco == (family == "taco")


_TAKES: dict[str, Any] = {
    **dict.fromkeys(("solutions", "input_output", "difficulty"), ANY),
    **dict.fromkeys(("starter_code", "split", "url"), TEXT),
    **dict.fromkeys(("problem_id", "name"), NAME),
}
APPS, TACO = (
    Format(partial(_read, family=family), {"question": TEXT}, _TAKES, partial(_recognizes, family=family))
    for family in ("apps", "taco")
)

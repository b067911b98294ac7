"""Rows of LeetCodeDataset: `prompt` is what stands before a solution, `test` a function check(candidate).

`candidate` is a method of `Solution`, called by keywords. Its arguments are put in the order of the method, so that the
tests can be read as data, and a program may name its parameters as it likes.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from textwrap import shorten

from axiom_cli import syntax
from axiom_cli.errors import InputError
from axiom_cli.importing import contests, schema
from axiom_cli.importing.exercises import Exercise, from_asserts
from axiom_cli.importing.imported import Format, Imported
from axiom_cli.importing.leetcode_nodes import OtherShapeError, as_data, makes_nodes
from axiom_cli.importing.schema import ANY, NAME, TEXT, Row

FUTURE = "from __future__ import annotations\n"
"""Annotations may name what no one defines, as LeetCode has it."""


def _read(row: Row) -> Imported:
    name, gold, starter = f"leetcode/{row['task_id']}", row["completion"], row.get("starter_code") or ""
    entry_point = schema.entry_point(row["entry_point"])
    method = entry_point.rpartition(".")[2]
    question = row.get("problem_description") or row.get("query")
    if not question:
        raise InputError("it has neither 'problem_description' nor 'query'")
    prompt = contests.statement(question, starter, entry_point) if row.get("problem_description") else question
    tests = in_order(row["test"], _parameters(gold, method))
    imported = from_asserts(Exercise("leetcode", name, prompt, entry_point, gold, tests))
    if not imported.problem or not imported.problem.program:
        return imported
    signature, prelude = contests.signature_in(starter or gold, method), FUTURE + row["prompt"]
    program = replace(imported.problem.program, signature=signature, prelude=prelude)
    if makes_nodes(tests):
        try:
            program = as_data(program, tests, method)
        except OtherShapeError as error:
            return Imported(
                name, reason=f"its tests make nodes in a way that data cannot say: {shorten(str(error), 60)}"
            )
    level, split = contests.level_of(row.get("difficulty")), contests.split_of(row)
    return replace(imported, problem=replace(imported.problem, program=program, level=level, split=split))


def _parameters(code: str, method: str) -> list[str]:
    """The names of a method's parameters, `self` left out."""
    tree = syntax.parse(code, longest=len(code))
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.FunctionDef) and node.name == method:
            return [arg.arg for arg in node.args.args if arg.arg != "self"]
    return []


def in_order(tests: str, parameters: list[str]) -> str:
    """The tests with the keywords of calls of `candidate` as arguments in the order of `parameters`; as they are where
    that cannot be said."""
    tree = syntax.parse(tests, longest=len(tests))
    if tree is None:
        return tests
    for node in filter(_calls_candidate, ast.walk(tree)):
        assert isinstance(node, ast.Call)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        wanted = parameters[len(node.args) : len(node.args) + len(given)]
        if given.keys() != set(wanted):
            return tests
        node.args, node.keywords = [*node.args, *(given[name] for name in wanted)], []
    return ast.unparse(tree)


def _calls_candidate(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "candidate"


LEETCODE = Format(
    _read,
    dict.fromkeys(("task_id", "prompt", "entry_point", "test", "completion"), TEXT),
    {
        **dict.fromkeys(("problem_description", "query", "starter_code", "split"), TEXT),
        "question_id": NAME,
        "difficulty": ANY,
    },
    lambda row: {"prompt", "entry_point", "test", "completion"} <= row.keys(),
)

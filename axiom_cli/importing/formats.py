"""The formats of published sets, read as problems: HumanEval, MBPP, EvalPlus, and rows of JSON.

Asserts become calls with expected results (`problems/assert_tests.py`) where those say exactly the same; otherwise the
row keeps all its tests as code. Every assert is a test, including those that the prompt shows, and what the set's own
harness runs before a program is its prelude, so that a pass means what it means in the set. Calls that are shown are
examples as well.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from axiom_cli import syntax
from axiom_cli.errors import InputError
from axiom_cli.ids import content_id
from axiom_cli.importing import evalplus, schema
from axiom_cli.importing.evalplus import Inputs
from axiom_cli.importing.exercises import Exercise, from_asserts, from_calls, problem_of, program_of, signature
from axiom_cli.importing.imported import Format, Imported
from axiom_cli.importing.schema import ANY, LEVEL, NAME, TEXT, TEXTS, Kind, Row
from axiom_cli.json_codec import round_trips
from axiom_cli.problems import assert_tests, written_programs
from axiom_cli.records import Problem


def _read_humaneval(row: Row, family: str = "humaneval") -> Imported:
    if "test" not in row:
        raise InputError(f"it has no 'test'{', but inputs, which --as evalplus reads' if 'base_input' in row else ''}")
    return from_asserts(_humaneval_exercise(row, family))


def _humaneval_exercise(row: Row, family: str) -> Exercise:
    prompt, entry_point = row["prompt"], row["entry_point"]
    statement = f"Write the Python function `{entry_point}`, whole, imports included:\n```python\n{prompt.strip()}\n```"
    gold, shown = prompt + row["canonical_solution"], assert_tests.shown_calls(prompt, entry_point)
    prelude = _before(prompt, entry_point)
    return Exercise(family, row["task_id"], statement, entry_point, gold, row.get("test", ""), shown, prelude)


def _before(prompt: str, entry_point: str) -> str:
    """What stands before the function in a prompt that begins with code, as the set runs both together."""
    tree = syntax.parse(prompt)
    for node in tree.body if tree else ():
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join(prompt.split("\n")[: first - 1]).strip()
    return ""


def _read_evalplus(row: Row) -> Imported:
    """EvalPlus's own rows have inputs; those of the hub have a `test` with inputs and results."""
    if "base_input" not in row and "plus_input" not in row:
        if "test" not in row:
            raise InputError("it has neither 'base_input' nor 'test'")
        return _read_evalplus_test(row)
    if reason := evalplus.ungradable(row):
        return Imported(row["task_id"], reason=reason)
    return _with_inputs(_humaneval_exercise(row, "evalplus"), evalplus.read_inputs(row))


def _read_evalplus_test(row: Row) -> Imported:
    exercise = _humaneval_exercise(row, "evalplus")
    tests = evalplus.read_hub_tests(exercise.tests, exercise.entry_point)
    if tests is None or (tests.results is None and not round_trips(tests.inputs)):
        return from_asserts(exercise)
    if tests.results is None:
        return _with_inputs(exercise, evalplus.read_inputs({"base_input": tests.inputs, "atol": tests.tolerance}))
    parsed = evalplus.compared(zip(tests.inputs, tests.results, strict=False), tests.tolerance)
    return from_calls(exercise, parsed) if parsed.readings else Imported(exercise.name, reason="it has no test")


def _with_inputs(exercise: Exercise, inputs: Inputs) -> Imported:
    program = program_of(exercise)
    program = replace(program, examples=[{"args": args} for args in exercise.shown])
    return Imported(exercise.name, problem_of(exercise, program), gold=exercise.gold, inputs=inputs)


def _read_mbpp(row: Row) -> Imported:
    """MBPP names the function in its asserts only, so the first one is shown."""
    name, asserts = f"mbpp/{row['task_id']}", [*row["test_list"], *row.get("challenge_test_list", ())]
    gold = row["code"].replace("\r\n", "\n")
    entry_point = _called_function(asserts[0] if asserts else "", gold)
    if entry_point is None:
        return Imported(name, reason="its first assert calls no function that its solution defines")
    shown = asserts[0].strip() if len(asserts) > 1 and assert_tests.literal_calls(asserts[0], entry_point) else ""
    text = (row.get("text") or row.get("prompt") or "").strip()
    if not text:
        raise InputError("it has neither 'text' nor 'prompt'")
    statement = f"{text}\nThe function is `{signature(gold, entry_point)}`."
    statement += f"\nExample: {shown}" if shown else ""
    setup = row.get("test_setup_code") or "\n".join(row.get("test_imports") or ())
    tests = "\n".join([setup, *asserts])
    calls = assert_tests.literal_calls(shown, entry_point)
    return from_asserts(Exercise("mbpp", name, statement, entry_point, gold, tests, calls, _imports(setup)))


def _imports(setup: str) -> str:
    """The imports of a set-up that runs in the module of the program."""
    tree = syntax.parse(setup)
    statements = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))] if tree else []
    return "\n".join(map(ast.unparse, statements))


def _called_function(test: str, code: str) -> str | None:
    """The function that `test` calls and `code` defines."""
    tree = syntax.parse(test)
    nodes = ast.walk(tree) if tree else ()
    called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return next((name for name in called if written_programs.defines(code, name)), None)


def _read_jsonl(row: Row) -> Imported:
    """A problem record, or a row with `prompt` and either `answer` or `entry_point` and `tests`."""
    if row.get("kind") == "problem":
        problem = Problem.from_dict(row)
        return Imported(problem.id, problem, gold=problem.program.reference if problem.program else None)
    if "answer" not in row and "entry_point" not in row:
        raise InputError("it has neither 'answer' nor 'entry_point'")
    form = "answer" if "answer" in row else "program"
    if form == "answer" and (conflicting := [name for name in ("tests", "test_code") if name in row]):
        name = conflicting[0]
        raise InputError(f"it has both 'answer' and {name!r}: --column {name}= leaves one out")
    prompt, family = row["prompt"], row.get("family", "imported")
    identity = str(row.get("id", content_id([family, form, prompt], 16)))
    data = {
        "id": identity,
        "family": family,
        "title": str(row.get("title", identity)),
        "prompt": prompt,
        "level": schema.level(row.get("level", LEVEL)),
        "split": schema.split_named(row.get("split", "train")) or row["split"],
        **schema.unread(row, (*_COMMON, *(() if form == "answer" else _PROGRAM_FIELDS))),
    }
    if form == "answer":
        data |= {"answer": schema.answer(row["answer"]), "checker": row.get("checker")}
        data["answer_type"] = schema.answer_type(row)
    else:
        fields = {name: row[name] for name in _PROGRAM_FIELDS if name in row}
        fields |= {name: schema.listed_tests(row[name], name) for name in ("examples", "tests") if name in row}
        fields["entry_point"] = schema.entry_point(row["entry_point"])
        data["program"] = {"signature": f"{fields['entry_point']}(...)", **fields}
    problem = Problem.from_dict(data)
    return Imported(problem.id, problem, gold=row.get("reference") if problem.program else None)


_COMMON = ("id", "family", "title", "prompt", "level", "split", "answer", "checker", "answer_type")
_PROGRAM_FIELDS = ("entry_point", "signature", "examples", "tests", "test_code", "checker", "reference", "prelude")
_HUMANEVAL: dict[str, Kind] = dict.fromkeys(("task_id", "prompt", "entry_point", "canonical_solution"), TEXT)
FORMATS: Mapping[str, Format] = {
    "humaneval": Format(
        _read_humaneval,
        _HUMANEVAL,
        {"test": TEXT},
        lambda row: {"entry_point", "canonical_solution", "test"} <= row.keys() and "base_input" not in row,
    ),
    "mbpp": Format(
        _read_mbpp,
        {"task_id": NAME, "code": TEXT, "test_list": TEXTS},
        {
            **dict.fromkeys(("text", "prompt", "test_setup_code"), TEXT),
            **dict.fromkeys(("challenge_test_list", "test_imports"), TEXTS),
        },
        lambda row: {"code", "test_list"} <= row.keys(),
    ),
    "evalplus": Format(
        _read_evalplus,
        _HUMANEVAL,
        {
            **dict.fromkeys(("test", "contract", "assertion"), TEXT),
            **dict.fromkeys(("base_input", "plus_input", "atol"), ANY),
        },
        lambda row: {"entry_point", "canonical_solution", "base_input"} <= row.keys(),
    ),
    "jsonl": Format(
        _read_jsonl,
        {"prompt": TEXT},
        {
            **dict.fromkeys(("family", "split", "entry_point", "signature", "test_code", "checker"), TEXT),
            **dict.fromkeys(("reference", "prelude"), TEXT),
            "answer_type": TEXT,
            **dict.fromkeys(("id", "title"), NAME),
            **dict.fromkeys(("level", "answer", "examples", "tests"), ANY),
        },
    ),
}

"""The forms of published sets, read as problems: HumanEval, MBPP, EvalPlus, and rows of JSON.

Asserts are turned into calls with expected values (`asserts.py`), which the verifier compares strictly. Where an assert
is of another shape, the row keeps its tests as code, whole. All asserts are tests, those that the prompt shows, too, so
that a pass means what it means in the set; calls that are shown are examples besides.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from axiom_cli import syntax
from axiom_cli.errors import InputError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.importing import evalplus, schema
from axiom_cli.importing.evalplus import MOST, Inputs
from axiom_cli.importing.readers import Line
from axiom_cli.importing.schema import ANY, LEVEL, LIST, NAME, TEXT, Row
from axiom_cli.problems import answers, assert_tests
from axiom_cli.records import Problem, Program

LEFT_OUT = f"tests are left out, beyond {MOST} inputs or of a kind that is not read; source.tests_left_out counts them"


@dataclass(frozen=True)
class Imported:
    """What became of a row: a problem, or the reason why there is none. `malformed` rows are not of the form at all.

    Where there are `inputs`, the problem has no tests until its `gold` solution has run on them. `note` is what whoever
    takes the problem should know.
    """

    name: str
    problem: Problem | None = None
    reason: str = ""
    gold: str | None = None
    malformed: bool = False
    inputs: Inputs | None = None
    note: str = ""
    row: Line = field(default=Line(0, None), compare=False)


@dataclass(frozen=True)
class Form:
    """How a row is read: the fields that it needs, and those that it may have, each with what it must be."""

    read: Callable[[Row], Imported]
    needs: Mapping[str, str]
    takes: Mapping[str, str]

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that this form reads."""
        return (*self.needs, *self.takes)


def form_of(name: str) -> Form:
    """The form called `name`. Raises UsageError for another."""
    if name not in FORMS:
        raise UsageError(f"no import form called {name!r}", f"there are {', '.join(FORMS)}")
    return FORMS[name]


def _from_asserts(
    family: str, name: str, prompt: str, entry_point: str, signature: str, source: str, gold: str, shown: list[Any]
) -> Imported:
    """A program problem from the text of its tests."""
    if syntax.parse(source, longest=len(source)) is None:
        return Imported(name, reason="its tests are not Python")
    found = assert_tests.read(source, entry_point)
    examples = [test for test in found.tests if test["args"] in shown]
    if not found.tests and not found.left_out:
        return Imported(name, reason="it holds no test")
    by_code = not found.tests or (found.left_out > 0 and not found.listed)
    program = Program(
        entry_point,
        signature,
        examples,
        None if by_code else found.tests,
        source if by_code else None,
        None if by_code else found.checker,
        gold or None,
    )
    left_out = 0 if by_code else found.left_out
    note = LEFT_OUT if left_out else ""
    return Imported(name, _problem(family, name, prompt, program, left_out), gold=gold, note=note)


def _problem(family: str, name: str, prompt: str, program: Program, left_out: int) -> Problem:
    identity = content_id([family, "program", prompt], 16)
    extra = {"source": {"set": family, "name": name, "tests_left_out": left_out}}
    return Problem(identity, family, name, prompt, LEVEL, "test", program=program, extra=extra)


def _humaneval(row: Row, family: str = "humaneval") -> Imported:
    if "test" not in row:
        raise InputError(f"it has no 'test'{', but inputs, which --as evalplus reads' if 'base_input' in row else ''}")
    prompt, entry = row["prompt"], row["entry_point"]
    gold, shown = prompt + row["canonical_solution"], assert_tests.shown(prompt, entry)
    signature = _signature(gold, entry)
    return _from_asserts(family, row["task_id"], _asked(row), entry, signature, row["test"], gold, shown)


def _asked(row: Row) -> str:
    head = f"Write the Python function `{row['entry_point']}`, whole, imports included:"
    return f"{head}\n```python\n{row['prompt'].strip()}\n```"


def _evalplus(row: Row) -> Imported:
    """EvalPlus's own rows have inputs, those of the hub a `test` with inputs and results."""
    if "base_input" not in row and "plus_input" not in row:
        if "test" not in row:
            raise InputError("it has neither 'base_input' nor 'test'")
        return _humaneval(row, "evalplus")
    name, entry, gold = row["task_id"], row["entry_point"], row["prompt"] + row["canonical_solution"]
    inputs = evalplus.read(row)
    if why := evalplus.ungradable(row):
        return Imported(name, reason=why)
    shown = [{"args": args} for args in assert_tests.shown(row["prompt"], entry)]
    program = Program(entry, _signature(gold, entry), shown, reference=gold)
    return Imported(name, _problem("evalplus", name, _asked(row), program, 0), gold=gold, inputs=inputs)


def _mbpp(row: Row) -> Imported:
    """MBPP names the function in its asserts only, so that the first one is shown."""
    name, listed = f"mbpp/{row['task_id']}", [*row["test_list"], *row.get("challenge_test_list", ())]
    gold = row["code"].replace("\r\n", "\n")
    entry = _entry_point(gold, listed[0] if listed else "")
    if entry is None:
        return Imported(name, reason="its first assert calls no function that its solution defines")
    first = assert_tests.read(listed[0], entry).tests if len(listed) > 1 else []
    text = (row.get("text") or row.get("prompt") or "").strip()
    if not text:
        raise InputError("it has neither 'text' nor 'prompt'")
    asked = f"{text}\nThe function is `{_signature(gold, entry)}`."
    asked += f"\nExample: {listed[0].strip()}" if first else ""
    setup = row.get("test_setup_code") or "\n".join(row.get("test_imports") or ())
    source = "\n".join([setup, *listed])
    return _from_asserts("mbpp", name, asked, entry, _signature(gold, entry), source, gold, [t["args"] for t in first])


def _entry_point(code: str, test: str) -> str | None:
    """The function that `code` defines and `test` calls."""
    tree = syntax.parse(test)
    nodes = ast.walk(tree) if tree else ()
    called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return next((name for name in called if answers.defines(code, name)), None)


def _signature(code: str, entry_point: str) -> str:
    """`f(a, b)` as `code` writes it; `f(...)` where it cannot be read."""
    tree = syntax.parse(code)
    for node in tree.body if tree else ():
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            return f"{entry_point}({ast.unparse(node.args)}){returned}"
    return f"{entry_point}(...)"


def _jsonl(row: Row) -> Imported:
    """A problem record, or a row with `prompt` and either `answer` or `entry_point` and `tests`."""
    if row.get("kind") == "problem":
        problem = Problem.from_dict(row)
        return Imported(problem.id, problem, gold=problem.program.reference if problem.program else None)
    if "answer" not in row and "entry_point" not in row:
        raise InputError("it has neither 'answer' nor 'entry_point'")
    both = [name for name in ("tests", "test_code") if name in row and "answer" in row]
    if both:
        raise InputError(f"it has both 'answer' and {both[0]!r}: --column {both[0]}= leaves one out")
    form = "answer" if "answer" in row else "program"
    prompt, family = row["prompt"], row.get("family", "imported")
    identity = str(row.get("id", content_id([family, form, prompt], 16)))
    data = {
        "id": identity,
        "family": family,
        "title": str(row.get("title", identity)),
        "prompt": prompt,
        "level": schema.level(row.get("level", LEVEL)),
        "split": schema.split(row.get("split", "train")),
        **schema.unread(row, (*_COMMON, *(() if form == "answer" else _PROGRAM_FIELDS))),
    }
    if form == "answer":
        data |= {"answer": schema.answer(row["answer"]), "checker": row.get("checker")}
    else:
        fields = {name: row[name] for name in _PROGRAM_FIELDS if name in row}
        fields |= {name: schema.tests(row[name], name) for name in ("examples", "tests") if name in row}
        data["program"] = {"signature": f"{row['entry_point']}(...)", **fields}
    problem = Problem.from_dict(data)
    return Imported(problem.id, problem, gold=row.get("reference") if problem.program else None)


_COMMON = ("id", "family", "title", "prompt", "level", "split", "answer", "checker")
_PROGRAM_FIELDS = ("entry_point", "signature", "examples", "tests", "test_code", "checker", "reference")
_HUMANEVAL = dict.fromkeys(("task_id", "prompt", "entry_point", "canonical_solution"), TEXT)
_EVALPLUS_MORE = {**dict.fromkeys(("test", "contract", "assertion"), TEXT)}
_EVALPLUS_MORE |= dict.fromkeys(("base_input", "plus_input", "atol"), ANY)
_MBPP = {"task_id": NAME, "code": TEXT, "test_list": LIST}
_MBPP_MORE = {"text": TEXT, "prompt": TEXT, "challenge_test_list": LIST, "test_setup_code": TEXT, "test_imports": LIST}
_JSONL_TEXTS = ("family", "split", "entry_point", "signature", "test_code", "checker", "reference")
_JSONL_MORE = {**dict.fromkeys(_JSONL_TEXTS, TEXT), **dict.fromkeys(("id", "title"), NAME)}
_JSONL_MORE |= dict.fromkeys(("level", "answer", "examples", "tests"), ANY)
FORMS: Mapping[str, Form] = {
    "humaneval": Form(_humaneval, _HUMANEVAL, {"test": TEXT}),
    "mbpp": Form(_mbpp, _MBPP, _MBPP_MORE),
    "evalplus": Form(_evalplus, _HUMANEVAL, _EVALPLUS_MORE),
    "jsonl": Form(_jsonl, {"prompt": TEXT}, _JSONL_MORE),
}

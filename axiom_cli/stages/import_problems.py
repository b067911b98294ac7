"""Import: rows of other people's problem sets to problem records, their gold solutions checked against their own tests.

HumanEval, MBPP and EvalPlus rows become program problems of split `test`: they measure, they never train. Asserts are
turned into calls with expected values (`asserts.py`), which the verifier compares strictly. Where an assert is of
another shape, or all are shown in the prompt, the row keeps its tests as code, whole. Calls that the prompt shows are
otherwise examples, not tests: a score on these records is not the official one of the set.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from axiom_cli import answers, syntax
from axiom_cli.configs import VerifyConfig
from axiom_cli.errors import InputError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.records import Problem, Program
from axiom_cli.stages import asserts

LEVEL = 5
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Imported:
    """What became of a row: a problem, or the reason why there is none."""

    name: str
    problem: Problem | None = None
    reason: str = ""
    gold: str | None = None


def import_problems(
    rows: Iterable[Row], form: str, config: VerifyConfig | None = None, check: bool = True
) -> Iterator[Imported]:
    """One Imported a row, in order. A problem whose gold solution fails its own tests is refused, with the reason.

    `form` is humaneval, mbpp, evalplus or jsonl. Raises UsageError for another, InputError on a row that lacks what its
    form promises.
    """
    if form not in READERS:
        raise UsageError(f"no import form called {form!r}", f"there are {', '.join(READERS)}")
    found = (_read(READERS[form], row, number) for number, row in enumerate(rows, 1))
    return _checked(found, config or VerifyConfig()) if check else found


def _read(reader: Callable[[Row], Imported], row: Row, number: int) -> Imported:
    try:
        return reader(row)
    except KeyError as error:
        raise InputError(f"row {number} has no {error}", "is --as the form of this file?") from None
    except (TypeError, AttributeError) as error:
        raise InputError(f"row {number} is not of this form: {error}", "is --as the form of this file?") from None
    except InputError as error:
        raise InputError(f"row {number}: {error}", error.hint) from None


def _checked(found: Iterable[Imported], config: VerifyConfig) -> Iterator[Imported]:
    """Runs the gold solutions in the sandbox; refuses the problems that they do not solve."""
    from axiom_cli.sandbox import Outcome
    from axiom_cli.stages.verify import open_sandbox

    none = Outcome("pass", 0, 0, "")
    with open_sandbox(config) as box:
        items = ((one, one.gold if _can_check(one) else none, one.problem and one.problem.program) for one in found)
        for one, outcome in box.check_many(items):
            if outcome.status == "pass":
                yield one
            else:
                yield replace(one, problem=None, reason=f"its gold solution does not pass: {outcome.reason}")


def _can_check(one: Imported) -> bool:
    return bool(one.gold and one.problem and one.problem.program)


def _from_asserts(
    family: str, name: str, prompt: str, entry_point: str, signature: str, source: str, gold: str, shown: list[Any]
) -> Imported:
    """A program problem from the text of its tests."""
    if syntax.parse(source, longest=len(source)) is None:
        return Imported(name, reason="its tests are not Python")
    found = asserts.read(source, entry_point)
    hidden = [test for test in found.tests if test["args"] not in shown]
    examples = [test for test in found.tests if test["args"] in shown]
    if not found.tests and not found.left_out:
        return Imported(name, reason="it holds no test")
    by_code = not hidden or (found.left_out > 0 and not found.listed)
    program = Program(
        entry_point,
        signature,
        examples,
        None if by_code else hidden,
        source if by_code else None,
        None if by_code else found.checker,
        gold or None,
    )
    identity = content_id([family, "program", prompt], 16)
    extra = {"source": {"set": family, "name": name, "tests_left_out": 0 if by_code else found.left_out}}
    return Imported(
        name, Problem(identity, family, name, prompt, LEVEL, "test", program=program, extra=extra), gold=gold
    )


def _humaneval(row: Row, family: str = "humaneval") -> Imported:
    prompt, entry = row["prompt"], row["entry_point"]
    if "test" not in row:
        return Imported(row["task_id"], reason="it has inputs, but no `test` with the results that they should give")
    gold = prompt + row["canonical_solution"]
    shown = asserts.shown(prompt, entry)
    asked = f"Write the Python function `{entry}`, whole, imports included:\n```python\n{prompt.strip()}\n```"
    return _from_asserts(family, row["task_id"], asked, entry, _signature(gold, entry), row["test"], gold, shown)


def _evalplus(row: Row) -> Imported:
    return _humaneval(row, "evalplus")


def _mbpp(row: Row) -> Imported:
    """MBPP names the function in its asserts only, so that the first one is shown, and the others are graded."""
    name, listed = f"mbpp/{row['task_id']}", [*row["test_list"], *row.get("challenge_test_list", ())]
    gold = row["code"].replace("\r\n", "\n")
    entry = _entry_point(gold, listed[0] if listed else "")
    if entry is None:
        return Imported(name, reason="its first assert calls no function that its solution defines")
    first = asserts.read(listed[0], entry).tests if len(listed) > 1 else []
    text = (row.get("text") or row["prompt"]).strip()
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
    prompt, answer = row["prompt"], row.get("answer")
    family = row.get("family", "imported")
    form = "program" if answer is None else "answer"
    identity = row.get("id") or content_id([family, form, prompt], 16)
    known = ("id", "family", "title", "prompt", "level", "split", "answer", *_PROGRAM_FIELDS)
    data = {
        "id": str(identity),
        "family": family,
        "title": row.get("title", str(identity)),
        "prompt": prompt,
        "level": row.get("level", LEVEL),
        "split": row.get("split", "train"),
        **{key: value for key, value in row.items() if key not in known},
    }
    if answer is not None:
        data["answer"] = " ".join(str(answer).split())
    else:
        fields = {name: row[name] for name in _PROGRAM_FIELDS if name in row}
        data["program"] = {"signature": f"{row['entry_point']}(...)", **fields}
    problem = Problem.from_dict(data)
    return Imported(problem.id, problem, gold=row.get("reference"))


_PROGRAM_FIELDS = ("entry_point", "signature", "examples", "tests", "test_code", "checker", "reference")
READERS: Mapping[str, Callable[[Row], Imported]] = {
    "humaneval": _humaneval,
    "mbpp": _mbpp,
    "evalplus": _evalplus,
    "jsonl": _jsonl,
}

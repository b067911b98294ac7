"""Import: rows of other people's problem sets to problem records, their gold solutions checked against their own tests.

HumanEval, MBPP and EvalPlus rows become program problems of split `test`: they measure, they never train.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from textwrap import shorten

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import InputError, MissingError
from axiom_cli.ids import content_id
from axiom_cli.importing import encoding
from axiom_cli.importing.columns import Columns, listed
from axiom_cli.importing.evalplus import answered
from axiom_cli.importing.formats import LEFT_OUT, Form, Imported, form_of
from axiom_cli.importing.readers import SPLITS, Line
from axiom_cli.importing.schema import Row, check_entry, check_fields, check_tests
from axiom_cli.problems import families
from axiom_cli.problems.decontamination import normalize
from axiom_cli.records import Problem, Program
from axiom_cli.sandbox import Outcome, Sandbox, suite
from axiom_cli.settings.configs import VerifyConfig


def import_problems(
    rows: Iterable[Row | Line],
    form: str,
    config: VerifyConfig | None = None,
    check: bool = True,
    columns: Columns = Columns(),
    split: str = "",
) -> Iterator[Imported]:
    """One Imported a row, in order. A row that cannot be read or is not of the form is refused with the reason; so is
    a problem whose gold solution fails its own tests, or that an earlier row asks already, but for white space.

    `form` is humaneval, mbpp, evalplus or jsonl; `split` is for rows that name none. Raises UsageError for another
    form; InputError where no row is of the form.
    """
    reader = form_of(form)
    lines = (row if isinstance(row, Line) else Line(number, row) for number, row in enumerate(rows, 1))
    found = (_read(reader, line, columns, split) for line in lines)
    judged = _checked(found, config or VerifyConfig()) if check else map(_unanswered, found)
    return _any_of_the_form(_distinct(judged), form)


def _read(form: Form, line: Line, columns: Columns, split: str) -> Imported:
    try:
        if line.broken:
            raise InputError(line.broken)
        row = {**({"split": split} if split else {}), **columns.read(line.data)}
        check_fields(row, form.needs, form.takes, columns.of)
        found = form.read(row)
        if found.problem:
            _check_problem(found.problem, graded=not found.inputs)
    except InputError as error:
        return Imported("", reason=str(error), malformed=True, row=line)
    except RecursionError:
        return Imported("", reason="it is nested too deep", malformed=True, row=line)
    return replace(found, row=line)


def _check_problem(problem: Problem, graded: bool = True) -> None:
    """Raises InputError where a problem would trouble a later command. One that is not `graded` has no tests yet."""
    if problem.split not in SPLITS:
        raise InputError(f"its split is {problem.split!r:.40}, expected train, val or test")
    if not 1 <= problem.level <= 10:
        raise InputError(f"its level is {problem.level!r:.40}, expected 1 to 10")
    for name in ("prompt", "answer"):
        value = getattr(problem, name)
        if value is not None and not value.strip():
            raise InputError(f"its {name} is empty")
    try:
        json_codec.dumps(problem.to_dict())
    except orjson.JSONEncodeError as error:
        raise InputError(f"it cannot be written as JSON: {error}") from None
    if problem.program:
        check_entry(problem.program)
        if graded:
            check_tests(problem.program)
            suite.prepare(problem.program)
    elif problem.checker:
        _check_family(problem.checker)


def _check_family(name: str) -> None:
    try:
        family = families.get(name)
    except MissingError as error:
        raise InputError(f"its checker: {error}; {shorten(error.hint, 80)}") from None
    if not family.open_ended:
        raise InputError(f"its checker: the family {name} has one answer a problem, and checks none")


def _distinct(found: Iterable[Imported]) -> Iterator[Imported]:
    """Refuses a problem whose id, or whose family, form and prompt, an earlier one has."""
    ids: dict[str, int] = {}
    asked: dict[str, tuple[int, str | None]] = {}
    for one in found:
        if one.problem is not None:
            content = content_id([one.problem.family, one.problem.form, normalize(one.problem.prompt)], 16)
            row, answer = asked.get(content, (0, None))
            if row and answer == one.problem.answer:
                one = replace(one, problem=None, reason=f"the same problem as row {row}")
            elif row:
                one = replace(one, problem=None, reason=f"it asks what row {row} asks, and has another answer")
            elif one.problem.id in ids:
                same = f"its id {one.problem.id!r:.60} is that of row {ids[one.problem.id]}"
                one = replace(one, problem=None, reason=same)
            else:
                ids[one.problem.id] = one.row.number
                asked[content] = one.row.number, one.problem.answer
        yield one


def _any_of_the_form(found: Iterable[Imported], form: str) -> Iterator[Imported]:
    """Raises InputError at the end where there were rows, and none was of the form."""
    first, good = None, False
    for one in found:
        first = first or one
        good = good or not one.malformed
        yield one
    if first and not good:
        there = f"it has the columns {listed(first.row.data)}: --column names them; " if not first.row.broken else ""
        hint = f"{there}is --as {form} the form of this file?"
        if first.reason.startswith(encoding.NOT_UTF8):
            hint = encoding.hint("FILE")
        raise InputError(f"no row is of the form {form}: {first.row.unit} {first.row.number}: {first.reason}", hint)


def _checked(found: Iterable[Imported], config: VerifyConfig) -> Iterator[Imported]:
    """Runs the gold solutions in the sandbox; refuses the problems that they do not solve."""
    from axiom_cli.verification.verify import open_sandbox

    with open_sandbox(config) as box:
        for has_inputs, rows in groupby(found, lambda one: one.inputs is not None):
            for one, outcome in (_answering if has_inputs else _checking)(rows, box):
                if outcome.status == "pass":
                    yield one
                else:
                    yield replace(one, problem=None, reason=f"its gold solution does not pass: {outcome.reason}")


def _checking(rows: Iterable[Imported], box: Sandbox) -> Iterator[tuple[Imported, Outcome]]:
    return box.check_many(map(_check, rows))


def _answering(rows: Iterable[Imported], box: Sandbox) -> Iterator[tuple[Imported, Outcome]]:
    for one in rows:
        yield from box.check_many([_check(_answered(one, box))])


def _check(one: Imported) -> tuple[Imported, str | Outcome, Program | None]:
    """What the sandbox is given: the gold solution, or a pass where there is none."""
    program = one.problem.program if one.problem else None
    return one, one.gold if one.gold and program else Outcome("pass", 0, 0, ""), program


def _answered(one: Imported, box: Sandbox) -> Imported:
    """The row with its tests, or with the reason why it has none."""
    assert one.problem and one.inputs and one.gold is not None
    try:
        problem = answered(one.problem, one.inputs, one.gold, box)
        _check_problem(problem)
    except InputError as error:
        return replace(one, problem=None, reason=str(error))
    except (RecursionError, orjson.JSONEncodeError):
        return replace(one, problem=None, reason="it is nested too deep")
    return replace(one, problem=problem, note=LEFT_OUT if problem.extra["source"]["tests_left_out"] else "")


def _unanswered(one: Imported) -> Imported:
    """Where no solution is run, inputs have no results."""
    return replace(one, problem=None, reason="its solution was not run on its inputs") if one.inputs else one

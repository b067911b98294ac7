"""Import: rows of other people's problem sets to problem records, their gold solutions checked against their own tests.

Rows of sets that measure (HumanEval, MBPP, EvalPlus, LiveCodeBench, AIME) become problems of split `test`: they never
train.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby, islice
from textwrap import shorten

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import InputError, MissingError
from axiom_cli.ids import content_id
from axiom_cli.importing.columns import Columns, join_names
from axiom_cli.importing.evalplus import with_tests
from axiom_cli.importing.exercises import TESTS_LEFT_OUT
from axiom_cli.importing.imported import Format, Imported
from axiom_cli.importing.readers import NOT_UTF8, Line, encoding_hint
from axiom_cli.importing.registry import format_of
from axiom_cli.importing.schema import SPLITS, Row, check_entry_point, check_fields, check_tests
from axiom_cli.problems import answer_types, families
from axiom_cli.problems.decontamination import normalize
from axiom_cli.records import HIGHEST_LEVEL, Problem, Program
from axiom_cli.sandbox import Outcome, Sandbox, suite
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.checkers import function_of

BATCH = 64
"""Rows whose solutions run side by side."""


def import_problems(  # noqa: PLR0913 - the last two are what rows may leave out
    rows: Iterable[Row | Line],
    format_name: str,
    config: VerifyConfig | None = VerifyConfig(),
    columns: Columns = Columns(),
    split: str = "",
    family: str = "",
) -> Iterator[Imported]:
    """One Imported for each row, in order. A row is refused, with the reason, if it cannot be read or is not in the
    format, if its gold solution fails its own tests, or if an earlier row has the same prompt except for white space.

    `format_name` is one of `registry.FORMATS`; `split` and `family` are for rows that name none. No gold solution is
    run if `config` is None. Raises UsageError for an unknown format, and InputError where no row is in the format.
    """
    row_format = format_of(format_name)
    lines = (row if isinstance(row, Line) else Line(number, row) for number, row in enumerate(rows, 1))
    defaults = {"split": split} if split else {}
    if family and "family" in row_format.takes:
        defaults["family"] = family
    imported: Iterator[Imported] = (_read(row_format, line, columns, defaults) for line in lines)
    if config:
        imported = _check_gold(imported, config)
    else:
        reason = "its solution was not run on its inputs"
        imported = (replace(row, problem=None, reason=reason) if row.inputs else row for row in imported)
    return _expect_some_in_format(_refuse_repeats(imported), format_name)


def _read(row_format: Format, line: Line, columns: Columns, defaults: Row) -> Imported:
    try:
        if line.broken:
            raise InputError(line.broken)
        row = {**defaults, **columns.read(line.data)}
        check_fields(row, row_format.needs, row_format.takes, columns.by_field)
        imported = row_format.read(row)
        if imported.problem:
            _check_problem(imported.problem, has_tests=not imported.inputs)
    except InputError as error:
        return Imported("", reason=str(error), malformed=True, row=line)
    except RecursionError:
        return Imported("", reason="it is nested too deeply", malformed=True, row=line)
    return replace(imported, row=line)


def _check_problem(problem: Problem, *, has_tests: bool = True) -> None:
    """Raises InputError where a problem would make a later command fail."""
    if problem.split not in SPLITS:
        raise InputError(f"its split is {problem.split!r:.40}, expected train, val or test")
    if not 1 <= problem.level <= HIGHEST_LEVEL:
        raise InputError(f"its level is {problem.level!r:.40}, expected 1 to {HIGHEST_LEVEL}")
    for name in ("prompt", "answer"):
        value = getattr(problem, name)
        if value is not None and not value.strip():
            raise InputError(f"its {name} is empty")
    try:
        json_codec.dumps(problem.to_dict())
    except orjson.JSONEncodeError as error:
        raise InputError(f"it cannot be written as JSON: {error}") from None
    if problem.program:
        check_entry_point(problem.program)
        if has_tests:
            check_tests(problem.program)
            if not function_of(problem):
                suite.prepare(problem.program)
    elif problem.answer_type and not answer_types.is_readable(problem.answer or "", problem.answer_type):
        raise InputError(
            f"its answer is {problem.answer!r:.40}, which is not of its answer_type, {problem.answer_type}"
        )
    elif problem.checker and not function_of(problem):
        try:
            family = families.get(problem.checker)
        except MissingError as error:
            raise InputError(f"its checker: {error}; {shorten(error.hint, 80)}") from None
        if not family.open_ended:
            raise InputError(
                f"its checker: problems of the family {problem.checker} have one answer, so it is not a checker"
            )


def _refuse_repeats(rows: Iterable[Imported]) -> Iterator[Imported]:
    """Refuses a problem whose id, or whose family, form and prompt, an earlier one has."""
    ids: dict[str, int] = {}
    by_content: dict[str, tuple[int, str | None]] = {}
    for imported in rows:
        problem, number = imported.problem, imported.row.number
        if problem is None:
            yield imported
            continue
        content = content_id([problem.family, problem.form, normalize(problem.prompt)], 16)
        earlier, answer = by_content.get(content, (0, None))
        if earlier and answer == problem.answer:
            reason = f"the same problem as row {earlier}"
        elif earlier:
            reason = f"it has the prompt of row {earlier}, and another answer"
        elif problem.id in ids:
            reason = f"its id {problem.id!r:.60} is taken by row {ids[problem.id]}"
        else:
            ids[problem.id], by_content[content] = number, (number, problem.answer)
            yield imported
            continue
        yield replace(imported, problem=None, reason=reason)


def _expect_some_in_format(rows: Iterable[Imported], format_name: str) -> Iterator[Imported]:
    """Raises InputError after the last row if there were rows and none was in the format."""
    first, any_in_format = None, False
    for imported in rows:
        first = first or imported
        any_in_format = any_in_format or not imported.malformed
        yield imported
    if first is None or any_in_format:
        return
    hint = f"if its format is not {format_name}, name it with --as"
    if first.reason.startswith(NOT_UTF8):
        hint = encoding_hint("FILE")
    elif not first.row.broken:
        field = "answer" if "'answer'" in first.reason else "FIELD"
        hint = f"it has the columns {join_names(first.row.data)}: --column {field}=COLUMN names one; {hint}"
    row = f"{first.row.unit} {first.row.number}"
    raise InputError(f"no row is in the format {format_name}: {row}: {first.reason}", hint)


def _check_gold(rows: Iterable[Imported], config: VerifyConfig) -> Iterator[Imported]:
    """Runs the gold solutions in the sandbox, and refuses the problems that they do not solve."""
    from axiom_cli.verification.verify import open_sandbox

    with open_sandbox(config) as sandbox:
        for has_inputs, group in groupby(rows, lambda imported: imported.inputs is not None):
            if has_inputs:  # one by one, since each row's tests come from running its solution first
                for imported in group:
                    yield from _checked([_run_on_inputs(imported, sandbox)], sandbox)
            else:
                for batch in iter(lambda: list(islice(group, BATCH)), []):  # noqa: B023 - called in this turn alone
                    yield from _checked(batch, sandbox)


def _checked(batch: list[Imported], sandbox: Sandbox) -> Iterator[Imported]:
    for imported, outcome in list(sandbox.run_many(map(_gold_check, batch))):
        if outcome.status == "pass":
            yield imported
        elif other := _other_reading(imported, sandbox):
            yield replace(imported, problem=other, gold=None)
        else:
            yield replace(imported, problem=None, reason=f"its gold solution does not pass: {outcome.reason}")


def _other_reading(imported: Imported, sandbox: Sandbox) -> Problem | None:
    """The problem by the first other reading of the row that its solution passes."""
    for program in imported.others:
        if imported.problem and program.reference and sandbox.run(program.reference, program).status == "pass":
            return replace(imported.problem, program=program)
    return None


def _gold_check(imported: Imported) -> tuple[Imported, str | Outcome, Program | None]:
    """What the sandbox gets: the gold solution, or a pass where there is none."""
    program = imported.problem.program if imported.problem and not function_of(imported.problem) else None
    return imported, imported.gold if imported.gold and program else Outcome("pass", 0, 0, ""), program


def _run_on_inputs(imported: Imported, sandbox: Sandbox) -> Imported:
    """The row with tests from its inputs, or with the reason why it has none."""
    assert imported.problem and imported.inputs and imported.gold is not None
    try:
        problem = with_tests(imported.problem, imported.inputs, imported.gold, sandbox)
        _check_problem(problem)
    except InputError as error:
        return replace(imported, problem=None, reason=str(error))
    except (RecursionError, orjson.JSONEncodeError):
        return replace(imported, problem=None, reason="it is nested too deeply")
    note = TESTS_LEFT_OUT if problem.extra["source"]["tests_left_out"] else ""
    return replace(imported, problem=problem, note=note)

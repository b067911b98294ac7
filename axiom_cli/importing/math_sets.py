"""Rows of GSM8K, MATH and AIME: a question with an answer, or with a worked solution that ends in one."""

from __future__ import annotations

import re
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.ids import content_id
from axiom_cli.importing import contests, schema
from axiom_cli.importing.columns import text_after
from axiom_cli.importing.imported import Format, Imported
from axiom_cli.importing.schema import ANY, LEVEL, NAME, TEXT, Kind, Row
from axiom_cli.problems import answers
from axiom_cli.problems.numbers import read_number
from axiom_cli.records import AnswerType, Problem

WHOLE = re.compile(r"[+-]?\d+")
BOXED = re.compile(r"\\(?:boxed|fbox)\s*(\{|[^\s$]+)")
HIGHEST = 999
"""Answers of AIME go from 0 to this."""


def _problem(row: Row, family: str, prompt: str, answer: str, answer_type: AnswerType, **more: Any) -> Imported:
    """An answer problem. `more` may have its name, level, split and solution."""
    identity = content_id([family, "answer", prompt], 16)
    name = contests.name_of(family, prompt, more.get("name"))
    extra = {"source": {"set": family, "name": name}, **{key: row[key] for key in ("type", "subject") if key in row}}
    extra |= {"solution": more["solution"]} if more.get("solution") else {}
    split = more.get("split") or contests.split_of(row)
    problem = Problem(
        identity, family, name, prompt, more.get("level", LEVEL), split, answer, answer_type=answer_type, extra=extra
    )
    return Imported(name, problem)


def _read_gsm8k(row: Row) -> Imported:
    """The answer follows the last `####`."""
    answer = schema.answer(text_after(row["answer"], "####"))
    answer_type: AnswerType = "integer" if WHOLE.fullmatch(answer) else "number"
    return _problem(row, "gsm8k", row["question"], answer, answer_type, name=row.get("id"), solution=row["answer"])


def _read_math(row: Row) -> Imported:
    """The answer is in the last `\\boxed{...}` of the solution, unless the row has it."""
    answer = schema.answer(row["answer"]) if "answer" in row else boxed(row.get("solution", ""))
    numbered = schema.NUMBERED_LEVEL.fullmatch(str(row.get("level", "")).strip())  # some rows have `Level ?`
    level = int(numbered[1]) if numbered else LEVEL
    name, solution = row.get("unique_id"), row.get("solution")
    return _problem(row, "math", row["problem"], answer, "math", name=name, level=level, solution=solution)


def boxed(solution: str) -> str:
    """What the last `\\boxed{...}` of a solution holds, or boxes in a row, as they are read of a model; `\\boxed 5` has
    no braces. Raises InputError where it has none."""
    boxes = list(BOXED.finditer(solution))
    if not boxes:
        raise InputError("its solution has no \\boxed{...}")
    last = text_after(solution, boxes[-1][0]) if boxes[-1][1] == "{" else boxes[-1][1]
    row = answers.boxed(solution)
    return row[1] if row and row[1].endswith(last) else last


def _read_aime(row: Row) -> Imported:
    """Columns have the names of several mirrors. Answers are whole numbers from 0 to 999, some with leading zeros or in
    degrees."""
    fields = {name.lower(): value for name, value in row.items()}
    prompt, answer = fields.get("problem", fields.get("question")), fields.get("answer")
    if not isinstance(prompt, str):
        raise InputError("it has no text 'problem' or 'question'")
    text = schema.answer("" if answer is None else answer)
    number = read_number(text)
    if number is None or number.divided or number.value not in range(HIGHEST + 1):
        raise InputError(f"its answer is {answer!r:.40}, expected a whole number from 0 to {HIGHEST}")
    solution = fields.get("solution") if isinstance(fields.get("solution"), str) else ""
    return _problem(
        row, "aime", prompt, str(number.value), "integer", name=fields.get("id"), solution=solution, split="test"
    )


def _is_gsm8k(row: Row) -> bool:
    return "question" in row and isinstance(row.get("answer"), str) and "#### " in row["answer"]


_AIME: dict[str, Kind] = {
    **dict.fromkeys(("problem", "question", "Problem", "Question", "solution", "Solution"), TEXT),
    **dict.fromkeys(("answer", "Answer"), ANY),
    **dict.fromkeys(("id", "ID"), NAME),
}
GSM8K = Format(_read_gsm8k, {"question": TEXT, "answer": TEXT}, {"id": NAME, "split": TEXT}, _is_gsm8k)
MATH = Format(
    _read_math,
    {"problem": TEXT},
    {
        **dict.fromkeys(("solution", "type", "subject", "unique_id", "split"), TEXT),
        **dict.fromkeys(("answer", "level"), ANY),
    },
    lambda row: {"problem", "solution", "level"} <= row.keys() and bool({"type", "subject"} & row.keys()),
)
AIME = Format(
    _read_aime,
    {},
    _AIME,
    lambda row: {"ID", "Problem", "Answer"} <= row.keys() or {"problem", "answer", "year"} <= row.keys(),
)

"""What people and models write for an answer, and whether it is right: the corpus by which the reader is measured.

Each line of answer_cases.jsonl is a form. `right` and `wrong` are answers to a problem whose own is `answer`, of `type`
(null: the problem does not say). `around` are completions in which @ stands for an answer, tried with the right one and
a wrong one; `never` are completions with the right answer that earn nothing; `said` are whole completions, and whether
each is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    form: str
    answer_type: str | None
    expected: str
    text: str
    right: bool


def _cases() -> Iterator[Case]:
    for line in Path(__file__).with_suffix(".jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        form, kind, expected = row["form"], row.get("type", "integer"), row.get("answer", "42")
        for text in row.get("around", ()):
            yield Case(form, kind, expected, text.replace("@", "42"), right=True)
            yield Case(form, kind, expected, text.replace("@", "43"), right=False)
        yield from (Case(form, kind, expected, text.replace("@", "42"), right=False) for text in row.get("never", ()))
        yield from (Case(form, kind, expected, text, right) for text, right in row.get("said", ()))
        yield from (Case(form, kind, expected, f"Answer: {said}", right=True) for said in row.get("right", ()))
        yield from (Case(form, kind, expected, f"Answer: {said}", right=False) for said in row.get("wrong", ()))


ALL = list(_cases())
CASES = [case for case in ALL if case.answer_type != "math"]
MATH_CASES = [case for case in ALL if case.answer_type == "math"]

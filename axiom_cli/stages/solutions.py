"""Accepted solutions as plain rows, for people and for programs that know nothing of records; and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

import orjson

from axiom_cli import jsonl
from axiom_cli.answers import MARK, read_answer, read_program
from axiom_cli.families import handwritten
from axiom_cli.ids import content_id
from axiom_cli.records import ModelRef, Problem, Sample, Verdict


def solutions(verdicts: Iterable[Verdict]) -> Iterator[dict[str, Any]]:
    """One plain row for each accepted sample, in order."""
    return (solution(verdict) for verdict in verdicts if verdict.passed)


def solution(verdict: Verdict) -> dict[str, Any]:
    """The plain row of a verdict's sample. It says when it was written (UTC)."""
    sample = verdict.sample
    return {
        "problem_id": sample.problem.id,
        "problem_title": sample.problem.title,
        "solution_code": code(sample),
        "passed_tests": verdict.passed_tests,
        "total_tests": verdict.total_tests,
        "model_name": sample.model.name,
        "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def code(sample: Sample) -> str:
    """What was graded: the program, or the answer."""
    program = sample.problem.program
    found = read_program(sample.text, program.entry_point) if program else read_answer(sample.text)
    return found or ""


def verdict_lines(lines: Iterable[bytes], unknown: list[str]) -> Iterator[bytes]:
    """The same lines, plain rows among them turned into verdict records, so that the trainer reads both.

    A plain row does not hold its problem: it is looked up by id among the hand-written ones, or taken from a `problem`
    field that somebody added. Other ids go to `unknown`, and a blank line stands in their place.
    """
    for line in lines:
        row = _plain(line)
        if row is None:
            yield line
        elif (problem := _problem(row)) is not None:
            yield jsonl.dump(_verdict(row, problem))
        else:
            unknown.append(str(row["problem_id"]))
            yield b"\n"


def _plain(line: bytes) -> dict[str, Any] | None:
    if b'"solution_code"' not in line:
        return None
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return (
        row if isinstance(row, dict) and "kind" not in row and {"problem_id", "solution_code"} <= row.keys() else None
    )


def _problem(row: dict[str, Any]) -> Problem | None:
    return Problem.from_dict(row["problem"]) if "problem" in row else handwritten.get(str(row["problem_id"]))


def _verdict(row: dict[str, Any], problem: Problem) -> Verdict:
    code = str(row["solution_code"]).strip()
    text = f"```python\n{code}\n```" if problem.program else f"{MARK} {code}"
    model = ModelRef(str(row.get("model_name", "")), content_id(["solutions", row.get("model_name")]))
    sample = Sample(problem, model, "solutions", {}, 0, 1, text)
    passed, total = int(row.get("passed_tests", 0)), int(row.get("total_tests", 0))
    status = "pass" if 0 < total <= passed else "fail"
    return Verdict(sample, status, passed, total, "" if status == "pass" else "as the row says", "unknown")

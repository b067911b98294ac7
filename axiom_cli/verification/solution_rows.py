"""Accepted solutions as plain rows, for people and for programs that know nothing of records; and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

import orjson

from axiom_cli import json_codec, jsonl
from axiom_cli.ids import content_id
from axiom_cli.problems.answers import MARK, read_answer
from axiom_cli.problems.families import handwritten
from axiom_cli.problems.written_programs import written_program
from axiom_cli.records import ModelRef, Verdict


def solution_rows(verdicts: Iterable[Verdict]) -> Iterator[dict[str, Any]]:
    """One plain row for each accepted sample, in order."""
    return (solution_row(verdict) for verdict in verdicts if verdict.passed)


def solution_row(verdict: Verdict) -> dict[str, Any]:
    """The plain row of a verdict's sample. It says when it was written (UTC), and holds its problem unless that is one
    of the hand-written ones, which everybody can look up."""
    sample, problem = verdict.sample, verdict.sample.problem
    graded = written_program(sample) if problem.program else read_answer(sample.text)
    return {
        "problem_id": problem.id,
        "problem_title": problem.title,
        "solution_code": graded or "",
        "passed_tests": verdict.passed_tests,
        "total_tests": verdict.total_tests,
        "model_name": sample.model.name,
        "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **({} if handwritten.get(problem.id) == problem else {"problem": problem.to_dict()}),
    }


def verdict_lines(lines: Iterable[bytes], unknown: list[str]) -> Iterator[bytes]:
    """The same lines, with plain rows among them turned into verdict records, so that the trainer reads both.

    A plain row's problem is its `problem` field, else the hand-written one with its id. Other ids go to `unknown`, and
    a blank line takes the row's place. A row that is malformed becomes a record that its reader refuses.
    """
    for line in lines:
        row = _plain_row(line)
        if row is None:
            yield line
            continue
        problem = row.get("problem")
        if problem is None and (known := handwritten.get(str(row["problem_id"]))):
            problem = known.to_dict()
        if problem is None:
            unknown.append(str(row["problem_id"]))
            yield b"\n"
        else:
            yield jsonl.dump(_verdict_record(row, problem))


def _plain_row(line: bytes) -> dict[str, Any] | None:
    if b'"solution_code"' not in line:
        return None
    try:
        row = json_codec.loads(line)
    except orjson.JSONDecodeError:
        return None
    is_plain = isinstance(row, dict) and "kind" not in row and {"problem_id", "solution_code"} <= row.keys()
    return row if is_plain else None


def _verdict_record(row: dict[str, Any], problem: Any) -> dict[str, Any]:
    """The verdict that a plain row stands for, on a sample whose text is the row's answer or program."""
    code = str(row["solution_code"]).strip()
    is_program = isinstance(problem, dict) and problem.get("program")
    text = f"```python\n{code}\n```" if is_program else f"{MARK} {code}"
    model = ModelRef(str(row.get("model_name", "")), content_id(["solutions", row.get("model_name")]))
    sample = {"kind": "sample", "problem": problem, "model": model.to_dict(), "engine": "solutions", "params": {}}
    passed, total = _count(row, "passed_tests"), _count(row, "total_tests")
    is_pass = 0 < total <= passed
    return {
        "kind": "verdict",
        "sample": {**sample, "index": 0, "attempt": 1, "text": text},
        "status": "pass" if is_pass else "fail",
        "passed_tests": passed,
        "total_tests": total,
        "reason": "" if is_pass else "as the row says",
        "isolation": "unknown",
    }


def _count(row: dict[str, Any], name: str) -> int:
    try:
        return int(row.get(name, 0))
    except (TypeError, ValueError):
        return 0

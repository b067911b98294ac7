"""Accepted solutions as plain rows, for people and for programs that know nothing of records; and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

import orjson

from axiom_cli import json_codec, jsonl
from axiom_cli.ids import content_id
from axiom_cli.problems.answers import MARK, read_answer, written_program
from axiom_cli.problems.families import handwritten
from axiom_cli.records import ModelRef, Sample, Verdict


def solutions(verdicts: Iterable[Verdict]) -> Iterator[dict[str, Any]]:
    """One plain row for each accepted sample, in order."""
    return (solution(verdict) for verdict in verdicts if verdict.passed)


def solution(verdict: Verdict) -> dict[str, Any]:
    """The plain row of a verdict's sample. It says when it was written (UTC), and holds its problem where that is none
    of the hand-written ones, which everybody can look up."""
    sample, problem = verdict.sample, verdict.sample.problem
    return {
        "problem_id": problem.id,
        "problem_title": problem.title,
        "solution_code": code(sample),
        "passed_tests": verdict.passed_tests,
        "total_tests": verdict.total_tests,
        "model_name": sample.model.name,
        "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **({} if handwritten.get(problem.id) == problem else {"problem": problem.to_dict()}),
    }


def code(sample: Sample) -> str:
    """What was graded: the program, or the answer."""
    found = written_program(sample) if sample.problem.program else read_answer(sample.text)
    return found or ""


def verdict_lines(lines: Iterable[bytes], unknown: list[str]) -> Iterator[bytes]:
    """The same lines, plain rows among them turned into verdict records, so that the trainer reads both.

    A plain row's problem is its `problem` field, else the hand-written one with its id. Other ids go to `unknown`, and
    a blank line stands in their place. A row that is wrong in itself becomes a record that its reader refuses.
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
        row = json_codec.loads(line)
    except orjson.JSONDecodeError:
        return None
    return (
        row if isinstance(row, dict) and "kind" not in row and {"problem_id", "solution_code"} <= row.keys() else None
    )


def _problem(row: dict[str, Any]) -> Any:
    """A problem as JSON, not yet checked; None where there is none."""
    if row.get("problem") is not None:
        return row["problem"]
    found = handwritten.get(str(row["problem_id"]))
    return found.to_dict() if found else None


def _verdict(row: dict[str, Any], problem: Any) -> dict[str, Any]:
    """The verdict that a plain row stands for: what it held is what is trained on, its answer or its program."""
    code = str(row["solution_code"]).strip()
    is_program = isinstance(problem, dict) and problem.get("program")
    text = f"```python\n{code}\n```" if is_program else f"{MARK} {code}"
    model = ModelRef(str(row.get("model_name", "")), content_id(["solutions", row.get("model_name")]))
    sample = {"kind": "sample", "problem": problem, "model": model.to_dict(), "engine": "solutions", "params": {}}
    passed, total = _count(row, "passed_tests"), _count(row, "total_tests")
    right = 0 < total <= passed
    return {
        "kind": "verdict",
        "sample": {**sample, "index": 0, "attempt": 1, "text": text},
        "status": "pass" if right else "fail",
        "passed_tests": passed,
        "total_tests": total,
        "reason": "" if right else "as the row says",
        "isolation": "unknown",
    }


def _count(row: dict[str, Any], name: str) -> int:
    try:
        return int(row.get(name, 0))
    except (TypeError, ValueError):
        return 0

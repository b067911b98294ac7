"""Accepted solutions as plain rows, for people and for programs that know nothing of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

from axiom_cli.answers import read_answer, read_program
from axiom_cli.records import Sample, Verdict


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

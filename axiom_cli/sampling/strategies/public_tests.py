"""How a program does on the examples in its problem: what a user who has only read the problem can try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from axiom_cli.errors import InputError
from axiom_cli.records import Program, Sample, Verdict
from axiom_cli.verification.caching_verifier import CachingVerifier
from axiom_cli.verification.checkers import function_of


def run_public_tests(samples: Sequence[Sample], verifier: CachingVerifier) -> list[Verdict | None]:
    """The verdicts by the problems' examples alone; None where a problem has none. No hidden test is run."""
    tried = [
        with_tests(sample, tests=sample.problem.program.examples) if _has_examples(sample.problem.program) else None
        for sample in samples
    ]
    verdicts = iter(verifier.verify(sample for sample in tried if sample is not None))
    return [next(verdicts) if sample is not None else None for sample in tried]


def public_passes(samples: Sequence[Sample], verifier: CachingVerifier) -> list[int]:
    """How many of its problem's examples each sample passes."""
    return [verdict.passed_tests if verdict else 0 for verdict in run_public_tests(samples, verifier)]


def _has_examples(program: Program | None) -> TypeGuard[Program]:
    """Whether there are examples that can be run as tests; imported ones may have any form."""
    if program is None or not program.examples or not isinstance(program.examples, list):
        return False
    from axiom_cli.sandbox import suite  # a search that tries no example never needs it

    try:
        suite.prepare(replace(program, tests=program.examples))
    except InputError:
        return False
    return True


def with_tests(sample: Sample, **tests: Any) -> Sample:
    """The sample with these tests (`tests` or `test_code`) in place of its problem's hidden ones."""
    hidden: dict[str, Any] = {"tests": None, "test_code": None, "reference": None}
    problem = sample.problem
    if problem.program is None:
        raise ValueError(f"problem {problem.id} asks for an answer, not for a program")
    if function_of(problem):  # it judges the whole text, not what a test returns
        hidden["checker"] = None
    return replace(sample, problem=replace(problem, program=replace(problem.program, **{**hidden, **tests})))

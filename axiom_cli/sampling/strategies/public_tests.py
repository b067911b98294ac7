"""How a program fares on the examples that its problem shows: what a user who has only read the problem can try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from axiom_cli.records import STDIN_STDOUT, Problem, Program, Sample, Verdict
from axiom_cli.verification.caching_verifier import CachingVerifier


def on_examples(samples: Sequence[Sample], verifier: CachingVerifier) -> list[Verdict | None]:
    """The verdicts of the shown examples; None where a problem shows none. No hidden test has any part in them."""
    tried = [_graded_by_examples(sample) for sample in samples]
    verdicts = iter(verifier.verify(sample for sample in tried if sample is not None))
    return [next(verdicts) if sample is not None else None for sample in tried]


def _graded_by_examples(sample: Sample) -> Sample | None:
    program = sample.problem.program
    if program is None or not _callable(program):
        return None
    return graded_by(sample.problem, sample, tests=program.examples)


def _callable(program: Program) -> bool:
    """Whether there are examples, and they have the form of tests; those of other tools may be anything."""
    script = program.entry_point == STDIN_STDOUT
    return bool(program.examples) and all(
        isinstance(case, dict)
        and isinstance(args := case.get("args"), (list, tuple))
        and "expected" in case
        and (not script or [type(arg) for arg in args] == [str])
        for case in program.examples
    )


def graded_by(problem: Problem, sample: Sample, **tests: object) -> Sample:
    """The sample with these tests in place of its problem's own, of which it keeps nothing that is hidden."""
    nothing = {"tests": None, "test_code": None, "reference": None}
    return replace(sample, problem=replace(problem, program=replace(problem.program, **{**nothing, **tests})))

"""The audit of problems in program form: both solvers pass the hidden tests, and wrong programs do not."""

from __future__ import annotations

import json
from random import Random

from axiom_cli.audit import mutants
from axiom_cli.audit.findings import AuditRow, conclude
from axiom_cli.problems.families import handwritten, oracles, programs
from axiom_cli.problems.families.family import Exercise, Family
from axiom_cli.records import Program

LEAST_TESTS = 15
CALLS = 150
SOLVER_STEPS = 100 * mutants.MOST_STEPS
"""A second solver may be slow, because it is meant to be simple, but it must come to an end."""


class MutationCount:
    """The mutation score of several programs' tests together."""

    def __init__(self) -> None:
        self._killed = self._different = 0

    def add(self, exercise: Exercise, program: Program) -> None:
        """Runs the tests of `program` on the mutants of its reference."""
        random = Random("mutation calls")
        calls = [exercise.arguments(random) for _ in range(CALLS)]
        tests, name = program.tests or [], exercise.entry_point
        killed, different = mutants.score(
            exercise.reference, lambda source: programs.compiled(source, name), tests, calls
        )
        self._killed, self._different = self._killed + killed, self._different + different

    def score(self) -> float | None:
        """The share of mutants that the tests catch, of those that are different programs. None if there are none."""
        return round(self._killed / self._different, 4) if self._different else None


def check_program(row: AuditRow, prompt: str, program: Program, level: int, family: Family | None = None) -> None:
    """Adds to `row` what is wrong: a solver fails a test, a shown call is graded, or there are too few tests."""
    tests = program.tests or []
    solver = oracles.function(row.family, prompt, program.entry_point) or (family and family.second(prompt))
    reference = programs.compiled(program.reference or "", program.entry_point)
    row.compared += solver is not None
    for test in [*tests, *program.examples]:
        results = [mutants.outcome(solve, test["args"], SOLVER_STEPS) for solve in (solver, reference) if solve]
        if not all(mutants.same(result, ("value", test["expected"])) for result in results):
            row.add("disagreements", level, prompt, *(f"{test['args']}: {result[1]}" for result in results))
    shown = [case["args"] for case in program.examples]
    if any(test["args"] in shown for test in tests) or (program.reference or "-") in prompt:
        row.add("leaks", level, prompt)
    if len({json.dumps(test["args"]) for test in tests}) < LEAST_TESTS:
        row.failures.append(f"fewer than {LEAST_TESTS} distinct tests: {prompt:.80}")


def audit_handwritten() -> AuditRow:
    """The hand-written problems, all of them."""
    row, mutation = AuditRow(handwritten.FAMILY, "program"), MutationCount()
    for problem in handwritten.problems():
        if problem.program:
            row.draws += 1
            check_program(row, problem.prompt, problem.program, problem.level)
            mutation.add(handwritten.exercise(problem.id), problem.program)
    row.distinct = len({problem.prompt for problem in handwritten.problems()})
    row.mutation_score = mutation.score()
    return conclude(row)

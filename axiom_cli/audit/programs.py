"""The audit of problems in program form: do both solvers pass the hidden tests, and do no wrong programs?"""

from __future__ import annotations

import json
from random import Random

from axiom_cli.audit import mutants
from axiom_cli.audit.findings import Row, judged
from axiom_cli.problems.families import handwritten, oracles, programs
from axiom_cli.problems.families.family import Exercise, Family
from axiom_cli.records import Program

LEAST_TESTS = 15
CALLS = 150
SOLVER_STEPS = 100 * mutants.MOST_STEPS
"""A second solver may take its time, for it need not be clever, but it must come to an end."""


class Mutants:
    """The mutation score of several programs' tests together."""

    def __init__(self) -> None:
        self._killed = self._different = 0

    def add(self, exercise: Exercise, program: Program) -> None:
        """Lets the tests of `program` tell the mutants of its reference."""
        random = Random("mutation calls")
        calls = [exercise.arguments(random) for _ in range(CALLS)]
        tests, name = program.tests or [], exercise.entry_point
        killed, different = mutants.score(
            exercise.reference, lambda source: programs.compiled(source, name), tests, calls
        )
        self._killed, self._different = self._killed + killed, self._different + different

    def score(self) -> float | None:
        """The share of mutants that the tests tell, of those that are other programs. None where there are none."""
        return round(self._killed / self._different, 4) if self._different else None


def check_program(row: Row, prompt: str, program: Program, level: int, family: Family | None = None) -> None:
    """Both solvers on every test; nothing shown is graded; tests enough. What is wrong is put down in `row`."""
    tests = program.tests or []
    other = oracles.function(row.family, prompt, program.entry_point) or (family and family.second(prompt))
    reference = programs.compiled(program.reference or "", program.entry_point)
    row.compared += other is not None
    for test in [*tests, *program.examples]:
        results = [mutants.outcome(function, test["args"], SOLVER_STEPS) for function in (other, reference) if function]
        wrong = any(repr(result) != repr(("value", test["expected"])) for result in results)
        row.count("disagreements", wrong, level, prompt, *(f"{test['args']}: {result[1]}" for result in results))
    shown = [case["args"] for case in program.examples]
    told = any(test["args"] in shown for test in tests) or (program.reference or "-") in prompt
    row.count("leaks", told, level, prompt)
    if len({json.dumps(test["args"]) for test in tests}) < LEAST_TESTS:
        row.failures.append(f"fewer than {LEAST_TESTS} distinct tests: {prompt:.80}")


def audit_handwritten() -> Row:
    """The hand-written problems, all of them."""
    row, mutated = Row(handwritten.FAMILY, "program"), Mutants()
    for problem in handwritten.problems():
        if problem.program:
            row.draws += 1
            check_program(row, problem.prompt, problem.program, problem.level)
            mutated.add(handwritten.exercise(problem.id), problem.program)
    row.distinct = len({problem.prompt for problem in handwritten.problems()})
    row.mutation_score = mutated.score()
    return judged(row)

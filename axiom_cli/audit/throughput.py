"""How many verdicts a second the sandbox gives here, on small programs with five tests each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from axiom_cli.problems.families import handwritten
from axiom_cli.problems.families.handwritten import basics
from axiom_cli.records import Program
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import open_sandbox

PROGRAMS = 200
WARM_UP = 20
TESTS = 5


def small_programs(count: int) -> Iterator[tuple[bool, str, Program]]:
    """(should it pass, the program, its problem): of ten programs six are right, two wrong, two raise. No two have the
    same text."""
    problems = []
    for name in basics.PROBLEMS:
        problem = handwritten.get(name)
        assert problem is not None and problem.program is not None
        program = problem.program
        tests = [test for test in (program.tests or [])[-TESTS:]]
        problems.append(Program(program.entry_point, program.signature, tests=tests, reference=program.reference))
    for n in range(count):
        program, kind = problems[n % len(problems)], n // len(problems) % 10
        code = program.reference or ""
        if kind >= 8:
            code = f"def {program.entry_point}(*args):\n    raise ValueError(args)\n"
        elif kind >= 6:
            code = f"def {program.entry_point}(*args):\n    return [args]\n"
        yield kind < 6, f"{code}# {n}\n", program


def throughput(config: VerifyConfig, jobs: int) -> tuple[int, float]:
    """(workers, verdicts a second) with `jobs` workers, 0 for one a core."""
    with open_sandbox(replace(config, jobs=jobs)) as box:
        items = [(n, code, program) for n, (_, code, program) in enumerate(small_programs(WARM_UP + PROGRAMS))]
        list(box.check_many(items[:WARM_UP]))
        began = time.perf_counter()
        list(box.check_many(items[WARM_UP:]))
        return box.jobs, PROGRAMS / (time.perf_counter() - began)

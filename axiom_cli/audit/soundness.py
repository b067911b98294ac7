"""Can verdicts be trusted here: do the tests hold, does a verdict repeat, and how many are there a second?"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from axiom_cli.problems.families import handwritten
from axiom_cli.problems.families.handwritten import basics
from axiom_cli.records import Problem, Program, Verdict
from axiom_cli.sampling.engines.scripted import SOLVER, ScriptedEngine
from axiom_cli.sampling.solve import solve
from axiom_cli.sandbox import Sandbox
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.checkers import function_of
from axiom_cli.verification.verify import open_sandbox, verify, written_program_or_outcome

MAX_TOKENS = 100_000
HASH_SEEDS = (1, 2)
BATCH = 256
EXAMPLES = 20
PROGRAMS = 200
WARM_UP = 20
TESTS = 5


def check_references(problems: Sequence[Problem], config: VerifyConfig) -> Iterator[tuple[Problem, str]]:
    """The problems whose tests do not hold, each with the reason: its own solution must pass and a wrong one must fail.

    An imported problem without a solution of its own is listed as well: nothing shows that it can be solved.
    """
    checks = {
        SOLVER: ("pass", "its own solution does not pass"),
        f"{SOLVER}:1": ("fail", "a wrong solution does not fail"),
    }
    for model, (expected, complaint) in checks.items():
        samples = solve(problems, ScriptedEngine(model), SolveConfig(samples=1, max_tokens=MAX_TOKENS))
        for verdict in verify(samples, config):
            if verdict.status != expected:
                reason = verdict.sample.extra.get("error", verdict.reason or verdict.status)
                yield verdict.sample.problem, f"{complaint}: {reason}"


@dataclass
class RerunReport:
    """What running accepted programs again found: `disagreed` of `programs` did not pass under another hash seed, and
    `undecided` ones could not be run."""

    programs: int = 0
    disagreed: int = 0
    undecided: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary."""
        return {"hash_seeds": list(HASH_SEEDS), **vars(self)}


def rerun_accepted(verdicts: Iterable[Verdict], config: VerifyConfig, report: RerunReport) -> Iterator[Verdict]:
    """The verdicts as they come. Programs that pass are run twice more with other hash seeds, a batch at a time, and
    `report` is filled with what that finds."""
    with ExitStack() as stack:
        sandboxes: list[Sandbox] = []
        batch: list[Verdict] = []

        def rerun_batch() -> None:
            if batch and not sandboxes:
                sandboxes.extend(stack.enter_context(open_sandbox(config, seed)) for seed in HASH_SEEDS)
            _rerun(batch, sandboxes, report)
            batch.clear()

        for verdict in verdicts:
            yield verdict
            if verdict.passed and verdict.sample.problem.program and not function_of(verdict.sample.problem):
                batch.append(verdict)
            if len(batch) >= BATCH:
                rerun_batch()
        rerun_batch()


def _rerun(batch: list[Verdict], sandboxes: list[Sandbox], report: RerunReport) -> None:
    failures: dict[int, dict[str, Any]] = {}
    undecided: set[int] = set()
    for seed, sandbox in zip(HASH_SEEDS, sandboxes, strict=False):
        items = (
            (n, written_program_or_outcome(verdict.sample), verdict.sample.problem.program)
            for n, verdict in enumerate(batch)
        )
        for n, outcome in sandbox.run_many(items):
            if outcome.status == "fail":
                sample = batch[n].sample
                about = {"problem": sample.problem.id, "index": sample.index, "hash_seed": seed}
                failures.setdefault(n, {**about, "reason": outcome.reason})
            elif outcome.status == "infra":
                undecided.add(n)
    report.programs += len(batch)
    report.disagreed += len(failures)
    report.undecided += len(undecided - failures.keys())
    report.examples += list(failures.values())[: EXAMPLES - len(report.examples)]


def small_programs(count: int) -> Iterator[tuple[bool, str, Program]]:
    """`count` times (whether it should pass, its source, its problem). Of ten programs six are right, two return
    something wrong, and two raise. No two have the same source."""
    programs = []
    for name in basics.PROBLEMS:
        problem = handwritten.get(name)
        assert problem is not None and problem.program is not None
        programs.append(replace(problem.program, examples=[], tests=(problem.program.tests or [])[-TESTS:]))
    for n in range(count):
        program, kind = programs[n % len(programs)], n // len(programs) % 10
        source = program.reference or ""
        if kind >= 8:
            source = f"def {program.entry_point}(*args):\n    raise ValueError(args)\n"
        elif kind >= 6:
            source = f"def {program.entry_point}(*args):\n    return [args]\n"
        yield kind < 6, f"{source}# {n}\n", program


def throughput(config: VerifyConfig, jobs: int) -> tuple[int, float]:
    """(workers, verdicts a second) on small programs with five tests each. `jobs` of 0 starts one worker a core."""
    with open_sandbox(replace(config, jobs=jobs)) as sandbox:
        items = [(n, source, program) for n, (_, source, program) in enumerate(small_programs(WARM_UP + PROGRAMS))]
        list(sandbox.run_many(items[:WARM_UP]))
        began = time.perf_counter()
        list(sandbox.run_many(items[WARM_UP:]))
        return sandbox.jobs, PROGRAMS / (time.perf_counter() - began)

"""Verify: samples in, verdicts out. Answers by exact match in this process, programs in the sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import chain

from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.problems import answers, families
from axiom_cli.problems.families import plug_ins
from axiom_cli.records import STDIN_STDOUT, Problem, Sample, Verdict
from axiom_cli.sandbox import Limits, Outcome, Sandbox
from axiom_cli.settings.configs import VerifyConfig

EXACT = "exact"
ENGINE_FAILED = "the engine failed on this sample"
UNSCORED = "the machine was too busy to run its scorer"
UNJUDGED = "its answer cannot be judged: "


def verify(samples: Iterable[Sample], config: VerifyConfig) -> Iterator[Verdict]:
    """One verdict a sample, in order, each as soon as it and those before it are known; memory stays flat.

    The sandbox starts with the first program; from there on samples are read ahead in a thread. Raises MissingError
    where `config.isolation` is not reached, InputError on tests that cannot be run.
    """
    rest = iter(samples)
    for sample in rest:
        if sample.problem.form == "program":
            yield from _with_sandbox(chain([sample], rest), config)
            return
        yield as_verdict(sample, check_answer(sample), EXACT)


def _with_sandbox(samples: Iterable[Sample], config: VerifyConfig) -> Iterator[Verdict]:
    with open_sandbox(config) as box:
        attempts = ((sample, attempt(sample), sample.problem.program) for sample in samples)
        for sample, outcome in box.check_many(attempts):
            yield as_verdict(sample, outcome, box.level if sample.problem.form == "program" else EXACT)


def open_sandbox(config: VerifyConfig, hash_seed: int = 0) -> Sandbox:
    """A sandbox with these limits, for a `with`. Raises MissingError where `config.isolation` is not reached or a
    package of `config.allow` is not there, UsageError where isolation `none` is not doubly asked for."""
    if config.isolation == "none" and not config.unsafe_no_sandbox:
        raise UsageError("--isolation none lets programs do whatever you may do", "--unsafe-no-sandbox if you mean it")
    limits = Limits(timeout=config.timeout, test=config.test_timeout, memory=config.memory)
    packages = tuple(name.strip() for name in config.allow.split(",") if name.strip())
    for name in packages:
        if not name.isidentifier() or find_spec(name) is None:
            raise MissingError(f"--allow {name}: no such package is installed", f"pip install {name}")
    return Sandbox(limits, config.jobs, config.isolation, hash_seed=hash_seed, packages=packages)


def attempt(sample: Sample) -> str | Outcome:
    """The program in a sample's text, or the outcome that needs no sandbox."""
    if sample.problem.program is None:
        return check_answer(sample)
    total = _tests(sample.problem)
    if sample.finish == "error":
        return Outcome("infra", 0, total, ENGINE_FAILED)
    entry = sample.problem.program.entry_point
    code = answers.written_program(sample)
    if code is not None:
        return code
    cut = ", and it was cut off at its length limit" if sample.finish == "length" else ""
    wanted = "" if entry == STDIN_STDOUT else f" that defines {entry}"
    return Outcome("fail", 0, total, f"no program{wanted}{cut}")


def check_answer(sample: Sample) -> Outcome:
    """Exact match of the answer that the text gives with the problem's, or the word of the family that checks it."""
    if sample.finish == "error":
        return Outcome("infra", 0, 1, ENGINE_FAILED)
    if sample.finish == "length":
        return Outcome("fail", 0, 1, "cut off at its length limit")
    answer = answers.read_answer(sample.text)
    if answer is None:
        return Outcome("fail", 0, 1, "no line that starts with Answer:")
    try:
        right = _is_right(sample.problem, answer)
    except InputError as error:
        return Outcome("infra", 0, 1, f"{UNJUDGED}{error}")
    if right is None:
        return Outcome("infra", 0, 1, UNSCORED)
    return Outcome("pass", 1, 1, "") if right else Outcome("fail", 0, 1, "wrong answer")


def _is_right(problem: Problem, answer: str) -> bool | None:
    """Raises InputError where the family that checks the problem cannot: it was edited, or the family's code failed."""
    if not problem.checker:
        return answer == problem.answer
    family = families.get(problem.checker)
    if not family.open_ended:
        raise InputError(f"the family {problem.checker!r} checks no answers, such as to problem {problem.id}")
    with plug_ins.attribute_errors(f"the family {problem.checker!r} failed on problem {problem.id}:"):
        right = family.judge(problem, answer)
        if right not in (True, False, None):
            raise TypeError(f"it says {right!r:.40}, not True or False")
        return right


def at_fault(reason: str) -> str:
    """What failed where a verdict with this reason is `infra`: the engine, the problem or its tests, or the machine."""
    if reason == ENGINE_FAILED:
        return "the engine"
    if reason.startswith(UNJUDGED):
        return "the problem or its family"
    return "the test code of the problem" if reason.startswith("its test code ") else "the machine"


def _tests(problem: Problem) -> int:
    """An answer problem has one test, and so have tests that are code."""
    return len(problem.program.tests or "1") if problem.program else 1


def as_verdict(sample: Sample, outcome: Outcome, isolation: str) -> Verdict:
    """What a sandbox's outcome, or an answer's, says of the sample that it is of."""
    return Verdict(
        sample=sample,
        status=outcome.status,
        passed_tests=outcome.passed,
        total_tests=outcome.total,
        reason=outcome.reason,
        isolation=isolation,
        seconds=round(outcome.seconds, 6),
    )

"""Verify: samples in, verdicts out. Answers by their value in this process, programs and formulas in the sandbox;
either by a function of the user's, where the problem names one that is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import chain, groupby

from axiom_cli import installation
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.problems import answer_types, answers, families, written_programs
from axiom_cli.problems.families import plug_ins
from axiom_cli.problems.families.family import Family
from axiom_cli.problems.plain_text import plain
from axiom_cli.records import STDIN_STDOUT, Problem, Program, Sample, Verdict
from axiom_cli.sandbox import Limits, Outcome, Sandbox, Setup, suite
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification import math_answers
from axiom_cli.verification.checkers import BLAMED, CheckerProcess, function_of, require

EXACT = "exact"
ENGINE_FAILED = "the engine failed on this sample"
UNSCORED = "the machine was too busy to run its scorer"
UNJUDGED = "its answer cannot be judged: "
NEEDS_ALGEBRA = "its answer needs algebra"


def verify(samples: Iterable[Sample], config: VerifyConfig) -> Iterator[Verdict]:
    """One verdict a sample, in order, each as soon as it and those before it are known; memory stays flat.

    The sandbox starts with the first program; from there on samples are read ahead in a thread. Answers of type math
    have a sandbox of their own. Raises MissingError where `config.isolation` is not reached or the library that
    compares mathematics is not installed, InputError on tests that cannot be run.
    """
    with CheckerProcess(config) as checkers, ExitStack() as stack:
        programs: Sandbox | None = None
        formulas: Sandbox | None = None
        for is_math, group in groupby(samples, _is_math):
            rest: Iterator[Sample] = group
            if is_math:
                formulas = formulas or stack.enter_context(math_answers.open_sandbox(config))
                for sample, outcome in formulas.run_many(math_attempt(sample, checkers) for sample in rest):
                    yield as_verdict(sample, math_answers.judged(outcome), EXACT)
                continue
            for sample in rest:
                if sample.problem.form == "program" and not function_of(sample.problem):
                    programs = programs or stack.enter_context(open_sandbox(config))
                    rest = chain([sample], rest)
                    break
                yield as_verdict(sample, judge_answer(sample, checkers), EXACT)
            else:
                continue
            attempts = ((sample, program_or_outcome(sample, checkers), sample.problem.program) for sample in rest)
            for sample, outcome in programs.run_many(attempts):
                yield as_verdict(sample, outcome, programs.level)


def record_check(config: VerifyConfig) -> Callable[[Problem | Sample], None]:
    """A check that raises, for one problem or sample, what would end the run once it is verified: tests that cannot be
    run, a checker that is unknown, not allowed or not installed."""
    last: Problem | None = None

    def check(record: Problem | Sample) -> None:
        nonlocal last
        problem = record.problem if isinstance(record, Sample) else record
        if problem == last:  # samples of one problem stand side by side
            return
        if function_of(problem):
            require(problem, config)
        elif problem.program:
            suite.prepare(problem.program)
        elif problem.answer_type == "math" and not problem.checker:
            math_answers.require()
        elif problem.checker:
            families.get(problem.checker)
        last = problem

    return check


def _is_math(sample: Sample) -> bool:
    return sample.problem.answer_type == "math" and not sample.problem.checker


def math_attempt(sample: Sample, checkers: CheckerProcess) -> tuple[Sample, str | Outcome, Program | None]:
    """What the sandbox is given to compare a mathematical answer, or the outcome that needs no algebra."""
    outcome = judge_answer(sample, checkers)
    if outcome.reason != NEEDS_ALGEBRA:
        return sample, outcome, None
    answer = answers.read_answer(sample.text)
    return sample, math_answers.COMPARE, math_answers.comparison(sample.problem.answer or "", answer or "")


def open_sandbox(config: VerifyConfig, hash_seed: int = 0) -> Sandbox:
    """A sandbox with these limits, for a `with`. Raises MissingError where `config.isolation` is not reached or a
    package of `config.allow` is not there, UsageError for isolation `none` without `config.unsafe_no_sandbox`."""
    if config.isolation == "none" and not config.unsafe_no_sandbox:
        raise UsageError(
            "--isolation none lets programs do whatever you may do", "add --unsafe-no-sandbox if you mean it"
        )
    limits = Limits(timeout=config.timeout, test=config.test_timeout, memory=config.memory)
    packages = tuple(name.strip() for name in config.allow.split(",") if name.strip())
    for name in packages:
        if not name.isidentifier() or find_spec(name) is None:
            raise MissingError(f"--allow {name}: the package is not installed", installation.package(name))
    return Sandbox(limits, config.jobs, config.isolation, Setup(hash_seed=hash_seed, packages=packages))


def program_or_outcome(sample: Sample, checkers: CheckerProcess) -> str | Outcome:
    """The program in a sample's text, or the outcome that needs no sandbox. Raises what `checkers.judge` raises."""
    if sample.problem.program is None or function_of(sample.problem):
        return judge_answer(sample, checkers)
    return written_program_or_outcome(sample)


def written_program_or_outcome(sample: Sample) -> str | Outcome:
    """The program in a sample's text, or the outcome of a text that holds none. The problem asks for a program."""
    assert sample.problem.program is not None
    total = len(sample.problem.program.tests or "1")  # tests that are code count as one
    if sample.finish == "error":
        return Outcome("infra", 0, total, ENGINE_FAILED)
    entry = sample.problem.program.entry_point
    code = written_programs.written_program(sample)
    if code is not None:
        return code
    cut = ", and it was cut off at its length limit" if sample.finish == "length" else ""
    wanted = "" if entry == STDIN_STDOUT else f" that defines {entry}"
    return Outcome("fail", 0, total, f"no program{wanted}{cut}")


def judge_answer(sample: Sample, checkers: CheckerProcess) -> Outcome:
    """Whether the answer in the text is the problem's, by the type of that, or the judgement of the family that checks
    it."""
    if sample.finish == "error":
        return Outcome("infra", 0, 1, ENGINE_FAILED)
    if sample.finish == "length":
        return Outcome("fail", 0, 1, "cut off at its length limit")
    if function_of(sample.problem):
        return checkers.judge(sample.problem, sample.text)
    answer = answers.read_answer(sample.text)
    if answer is None:
        return Outcome("fail", 0, 1, "no line that starts with Answer:")
    try:
        right = _is_right(sample.problem, answer)
    except InputError as error:
        return Outcome("infra", 0, 1, f"{UNJUDGED}{error}")
    if right is None:
        return Outcome("infra", 0, 1, UNSCORED if sample.problem.checker else NEEDS_ALGEBRA)
    return Outcome("pass", 1, 1, "") if right else Outcome("fail", 0, 1, "wrong answer")


def _is_right(problem: Problem, answer: str) -> bool | None:
    """None where the family could not decide, or it takes algebra. Raises InputError where the problem cannot be
    checked at all: it was edited, or the family's code failed."""
    if not problem.checker:
        return answer_types.is_right(problem, answer)
    family = families.get(problem.checker)
    if not family.open_ended:
        raise InputError(f"the family {problem.checker!r} checks no answers, such as to problem {problem.id}")
    right = _judgement(family, problem, answer)
    return _judgement(family, problem, bare) if right is False and (bare := plain(answer)) != answer else right


def _judgement(family: Family, problem: Problem, answer: str) -> bool | None:
    with plug_ins.attribute_errors(f"the family {problem.checker!r} failed on problem {problem.id}:"):
        right = family.judge(problem, answer)
        if right not in (True, False, None):
            raise TypeError(f"it says {right!r:.40}, not True or False")
        return right


def party_at_fault(reason: str) -> str:
    """What failed, given the reason of an `infra` verdict: the engine, the problem, what judges it, or the machine."""
    if reason == ENGINE_FAILED:
        return "the engine"
    if reason.startswith(UNJUDGED):
        return "the problem or its family"
    if reason.startswith(BLAMED):
        return "the checker"
    if reason.startswith("needs what the sandbox does not have"):
        return "the sandbox"
    if reason.startswith("its prelude "):
        return "the prelude of the problem"
    return "the test code of the problem" if reason.startswith("its test code ") else "the machine"


def as_verdict(sample: Sample, outcome: Outcome, isolation: str) -> Verdict:
    """The verdict on a sample, from the outcome of its program, which ran at this level, or of its answer."""
    ran = sample.problem.form == "program" and not function_of(sample.problem)
    return Verdict(
        sample=sample,
        status=outcome.status,
        passed_tests=outcome.passed,
        total_tests=outcome.total,
        reason=outcome.reason,
        isolation=isolation if ran else EXACT,
        seconds=round(outcome.seconds, 6),
    )

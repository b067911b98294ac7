"""How many wrong programs a problem set's tests let through: its references with one small change each, in the sandbox.

A mutant that passes is wrong only if it is a different program. So each one is compared with the reference on further
calls; if no call tells the two apart, the mutant counts as equivalent and is left out of the score. References may come
from anywhere, so none of them is run outside the sandbox.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Any

from axiom_cli.audit.mutants import mutants
from axiom_cli.problems import assert_tests, input_mutation
from axiom_cli.problems.families import draw, handwritten
from axiom_cli.records import Problem, Program
from axiom_cli.sandbox import values
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.statistics import wilson
from axiom_cli.verification.verify import open_sandbox

MOST_PROBLEMS = 200
MOST_MUTANTS = 20
CALLS = 100
MUTANT_TIME, COMPARISON_TIME = 10, 200
"""How many times the slowest reference's time a mutant gets, and a comparison."""
PROBE = """
import copy

def named(source):
    names = {{"__name__": "solution"}}
    exec({prelude!r}, names)
    exec(compile(source, "<program>", "exec", dont_inherit=True), names)
    function = names.get({entry!r})
    if function is None:
        owner, _, method = {entry!r}.rpartition(".")
        function = lambda *args: getattr(names[owner or "Solution"](), method)(*args)
    return function

def outcome(function, args):
    try:
        given = copy.deepcopy(args)
        returned = function(*given)
        return repr((returned, given) if {in_place} else returned)
    except Exception as error:
        return type(error)

def told_apart(calls):
    reference, mutant = named({reference!r}), named({mutant!r})
    compared = 0
    for args in calls:
        right = outcome(reference, args)
        compared += isinstance(right, str)
        if isinstance(right, str) and outcome(mutant, args) != right:
            return True
    return False if compared else None
"""


@dataclass(frozen=True)
class MutationScore:
    """How well the tests of one problem set (a family) tell a right program from a nearly right one.

    `killed` of `killed + survived` wrong programs failed; `equivalent` mutants were the same program. `let_through` is
    the false-positive rate of the tests, `interval` its 95 % Wilson interval, and `weakest` the problems whose tests
    let most wrong programs through.
    """

    family: str
    problems: int
    mutated: int
    killed: int
    survived: int
    equivalent: int
    weakest: tuple[str, ...] = ()

    @property
    def score(self) -> float | None:
        """The mutation score; None if there is no wrong program to score by."""
        wrong = self.killed + self.survived
        return self.killed / wrong if wrong else None

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary with the rate and its interval."""
        low, high = wilson(self.survived, self.killed + self.survived)
        return {
            "family": self.family,
            "problems": self.problems,
            "mutated": self.mutated,
            "killed": self.killed,
            "survived": self.survived,
            "equivalent": self.equivalent,
            "score": None if self.score is None else round(self.score, 4),
            "let_through": None if self.score is None else round(1 - self.score, 4),
            "interval": [round(low, 4), round(high, 4)],
            "weakest": list(self.weakest),
        }


@dataclass
class _Mutant:
    problem: Problem
    program: Program
    source: str


def scores(problems: Sequence[Problem], config: VerifyConfig, seed: int = 0) -> Iterator[MutationScore]:
    """One score for each family that has program problems. Of large sets a sample is mutated: at most MOST_PROBLEMS
    problems, MOST_MUTANTS mutants of each. Problems without a reference that passes are left out."""
    families: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.program:
            families[problem.family].append(problem)
    for family, members in families.items():
        yield _score(family, members, config, Random(f"{seed}/wrong programs/{family}"))


def _score(family: str, members: list[Problem], config: VerifyConfig, random: Random) -> MutationScore:
    referenced = [(problem, problem.program) for problem in members if problem.program and problem.program.reference]
    chosen = random.sample(referenced, min(MOST_PROBLEMS, len(referenced)))
    with open_sandbox(config) as sandbox:
        checked = sandbox.run_many((pair, pair[1].reference or "", pair[1]) for pair in chosen)
        passed = [(pair, outcome.seconds) for pair, outcome in checked if outcome.status == "pass"]
    slowest = max([seconds for _, seconds in passed], default=0.0)
    every: list[_Mutant] = []
    for (problem, program), _seconds in passed:
        sources = list(dict.fromkeys(mutants(program.reference or "")))
        sources = random.sample(sources, min(MOST_MUTANTS, len(sources)))
        every += [_Mutant(problem, program, source) for source in sources]
    with open_sandbox(replace(config, timeout=min(config.timeout, max(0.1, MUTANT_TIME * slowest)))) as sandbox:
        tried = list(sandbox.run_many((mutant, mutant.source, mutant.program) for mutant in every))
    killed = sum(outcome.status == "fail" for _, outcome in tried)
    survivors = [mutant for mutant, outcome in tried if outcome.status == "pass"]
    with open_sandbox(replace(config, timeout=max(1.0, COMPARISON_TIME * slowest))) as sandbox:
        compared = list(sandbox.run_many((mutant, *_probe(mutant, random)) for mutant in survivors))
    wrong = [mutant.problem.id for mutant, outcome in compared if outcome.status == "fail"]
    equivalent = sum(outcome.status == "pass" for _, outcome in compared)
    weakest = tuple(sorted(set(wrong), key=lambda name: (-wrong.count(name), name)))[:5]
    return MutationScore(family, len(members), len(passed), killed, len(wrong), equivalent, weakest)


def _probe(mutant: _Mutant, random: Random) -> tuple[str, Program]:
    """A program that passes if no further call tells the mutant from the reference. A call on which the reference
    raises is not one that the problem allows. If no call can be compared, the mutant counts as wrong."""
    program = mutant.program
    calls = list(islice(_further_calls(mutant.problem, program, random), CALLS))
    checkers = [program.checker, *(test.get("checker") for test in program.tests or ())]
    code = PROBE.format(
        entry=program.entry_point,
        prelude=program.prelude or "",
        in_place=any(values.rule(checker).argument is not None for checker in checkers),
        reference=program.reference,
        mutant=mutant.source,
    )
    return code, Program("told_apart", "told_apart(calls)", tests=[{"args": [calls], "expected": False}])


def _further_calls(problem: Problem, program: Program, random: Random) -> Iterator[list[Any]]:
    """Calls that the problem allows, from the family that made it; else calls near those of its tests."""
    exercise = None
    if problem.family == handwritten.FAMILY and problem.id in handwritten.PROBLEMS:
        exercise = handwritten.exercise(problem.id)
    elif (drawn := draw.redraw(problem)) is not None:
        exercise = drawn.exercise
    if exercise is not None:
        while True:
            yield exercise.arguments(random)
    cases = [*(program.tests or ()), *program.examples]
    seeds = [case["args"] for case in cases if isinstance(case.get("args"), list)]
    seeds += assert_tests.literal_calls(program.test_code or "", program.entry_point)
    yield from input_mutation.random_calls(seeds, random)

"""Do the tests themselves hold? Each problem's own solution must pass them, and a wrong one must fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from axiom_cli.records import Problem
from axiom_cli.sampling.engines.scripted import SOLVER, ScriptedEngine
from axiom_cli.sampling.solve import solve
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify

LONGEST = 100_000


def unsound(problems: Sequence[Problem], config: VerifyConfig) -> Iterator[tuple[Problem, str]]:
    """The problems whose tests do not hold, each with what is wrong. Imported ones without a solution of their own are
    named, too: nothing shows that they can be solved."""
    checks = {
        SOLVER: ("pass", "its own solution does not pass"),
        f"{SOLVER}:1": ("fail", "a solution that is wrong does not fail"),
    }
    for model, (expected, complaint) in checks.items():
        samples = solve(problems, ScriptedEngine(model), SolveConfig(samples=1, max_tokens=LONGEST))
        for verdict in verify(samples, config):
            if verdict.status != expected:
                why = verdict.reason or verdict.status
                yield verdict.sample.problem, f"{complaint}: {verdict.sample.extra.get('error', why)}"

"""Problems in, verdicts out: prompt, generate and verify in one go, a problem at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from axiom_cli.configs import SolveConfig, VerifyConfig
from axiom_cli.engines import Engine
from axiom_cli.records import Problem, Verdict
from axiom_cli.stages.solve import solve
from axiom_cli.stages.verify import verify
from axiom_cli.workspace import Workspace


def pipeline(
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    check: VerifyConfig,
    workspace: Workspace | None = None,
) -> Iterator[list[Verdict]]:
    """The verdicts on all samples of each problem, a list a problem, in order."""
    samples = solve(problems, engine, config, workspace, check)
    for _, group in groupby(verify(samples, check), key=lambda verdict: verdict.sample.problem.id):
        yield list(group)

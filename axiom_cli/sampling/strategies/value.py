"""value: the sample that a value function rates the likeliest to be right is kept (V-STaR, 2402.06457). The verifier
has no say.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines.protocol import Engine, requests
from axiom_cli.sampling.strategies.public_tests import public_passes
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


def value(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Generator[list[Sample]]:
    """One sample of each problem, the one with the highest `extra["value"]` of `extra["candidates"]`. The engine adds
    the values.

    Programs that pass the most public tests come first, then the highest value, then the lowest index.
    """
    for group in engine.generate(requests(problems), config, config.samples):
        passes = public_passes(group, verifier)
        best = max(range(len(group)), key=lambda at: (passes[at], group[at].extra.get("value", -1.0), -at))
        yield [replace(group[best], extra={**group[best].extra, "candidates": len(group)})]

"""value: the sample that a value function takes for the likeliest to be right is handed on (V-STaR, 2402.06457). The
verifier has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines import Engine
from axiom_cli.sampling.strategies.public_tests import on_examples
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


def value(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Iterator[list[Sample]]:
    """One sample a problem, the one with the highest `extra["value"]` of `extra["candidates"]`; the engine scores them.

    Programs that pass most of the shown examples come first, then the highest value, then the earliest.
    """
    for group in engine.generate(problems, config, config.samples):
        shown = [verdict.passed_tests if verdict else 0 for verdict in on_examples(group, verifier)]
        best = max(range(len(group)), key=lambda at: (shown[at], group[at].extra.get("value", -1.0), -at))
        yield [replace(group[best], extra={**group[best].extra, "candidates": len(group)})]

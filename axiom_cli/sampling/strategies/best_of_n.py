"""best-of-n: all samples of a problem are kept, and the verifier chooses."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines.protocol import Engine, requests
from axiom_cli.sampling.strategies.problem_batch import ProblemBatch
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


def best_of_n(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Generator[list[Sample]]:
    """All samples of each problem; with `early_stop`, those up to the end of the round that solved it."""
    if not config.early_stop:
        yield from engine.generate(requests(problems), config, config.samples)
        return
    batch = ProblemBatch(problems, engine, config, verifier)
    batch.until_solved()
    yield from batch.groups

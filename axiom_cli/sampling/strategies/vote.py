"""vote: the sample that most others agree with is kept. The verifier has no say.

Answers are compared as they are read (self-consistency, 2203.11171), programs by what they do (self_consistency.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import replace

from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines.protocol import Engine, requests
from axiom_cli.sampling.strategies.public_tests import public_passes
from axiom_cli.sampling.strategies.self_consistency import ballots
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


def vote(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Generator[list[Sample]]:
    """One sample of each problem, with `extra["votes"]` of `extra["voters"]` agreeing; the first if none can be read.

    Programs that pass the most public tests come first, then those with the most votes, then the lowest index.
    """
    for group in engine.generate(requests(problems), config, config.samples):
        cast = ballots(group, verifier)
        counts = Counter(ballot for ballot in cast if ballot is not None)
        votes = [0 if ballot is None else counts[ballot] for ballot in cast]
        passes = public_passes(group, verifier)
        best = max(range(len(group)), key=lambda at: (votes[at] > 0, passes[at], votes[at], -at))
        yield [replace(group[best], extra={**group[best].extra, "votes": votes[best], "voters": len(group)})]

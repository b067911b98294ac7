"""vote: the sample that most others agree with is handed on. The verifier has no part in it.

Answers are compared as they are read (self-consistency, 2203.11171), programs by what they do (see behaviour.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines import Engine
from axiom_cli.sampling.strategies.public_tests import on_examples
from axiom_cli.sampling.strategies.self_consistency import ballots
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


def vote(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Iterator[list[Sample]]:
    """One sample a problem, with `extra["votes"]` of `extra["voters"]` agreeing; the first where nothing is read.

    Programs that pass most of the shown examples come first, then those with most votes, then the earliest.
    """
    for group in engine.generate(problems, config, config.samples):
        cast = ballots(group, verifier)
        votes = Counter(one for one in cast if one is not None)
        shown = [verdict.passed_tests if verdict else 0 for verdict in on_examples(group, verifier)]
        best = max(range(len(group)), key=lambda at: (cast[at] is not None, shown[at], votes[cast[at]], -at))
        extra = {**group[best].extra, "votes": votes[cast[best]], "voters": len(group)}
        yield [replace(group[best], extra=extra)]

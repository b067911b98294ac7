"""adaptive: samples that settled problems do not need go to the others.

The budget is `samples` times the problems of a batch; no problem gets more than SPREAD times its share. A problem is
settled by the verifier, once `target_passes` samples pass, or by agreement, where the solutions must not be used: once
the most common answer would stay ahead of the second one with a probability of 95 % (Adaptive-Consistency,
2305.11860).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from math import comb

from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines.protocol import Engine
from axiom_cli.sampling.strategies.budget import ProblemState, allocate
from axiom_cli.sampling.strategies.problem_batch import ProblemBatch
from axiom_cli.sampling.strategies.self_consistency import ballots
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier

SPREAD = 4
FIRST = 4
"""Samples that must agree before a problem is settled by agreement: three agree by chance too often (over 5 %)."""
STEP = 2
CONFIDENCE = 0.95
GROWTH = 8
"""A round has at least one sample for this many before it, so that rounds are few and fill the engine."""


def adaptive(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Generator[list[Sample]]:
    """The samples of each problem, as many as it was worth; at most `samples` of each on average."""
    batch = ProblemBatch(problems, engine, config, verifier)
    (by_agreement if config.stop_on == "agreement" else by_verdict)(batch)
    yield from batch.groups


def by_verdict(batch: ProblemBatch) -> None:
    """Rounds over unsolved problems until all are solved or the budget is spent. Only verdicts decide who gets more."""
    budget, used = batch.config.samples * len(batch.problems), 0
    places = list(range(len(batch.problems)))
    while places:
        batch.verify(places)
        used += len(places)
        quota = min(budget - used, max(len(batch.unsolved()), len(batch.problems) // GROWTH, used // GROWTH))
        places = allocate(states(batch), quota, SPREAD * batch.config.samples)


def states(batch: ProblemBatch) -> list[ProblemState]:
    """The state of each problem."""
    return [
        ProblemState(
            (problem.family, problem.level),
            passes,
            fails,
            len(group),
            batch.config.target_passes,
            sum(sample.tokens for sample in group),
        )
        for problem, passes, fails, group in zip(batch.problems, batch.passes, batch.fails, batch.groups, strict=True)
    ]


def by_agreement(batch: ProblemBatch) -> None:
    """Rounds over problems whose answers do not agree yet; all of these have the same number of samples."""
    samples, places = batch.config.samples, list(range(len(batch.problems)))
    budget, step = samples * len(places), min(FIRST, samples)
    while step:
        budget -= sum(1 for _ in batch.ask(places, step))
        have = len(batch.groups[places[0]])
        places = [place for place in places if not settled(ballots(batch.groups[place], batch.verifier))]
        step = min(STEP, SPREAD * samples - have, budget) if places else 0
        places = places[: budget // step] if step else []


def settled(cast: Sequence[str | None]) -> bool:
    """Whether the most common ballot stays ahead of the second one with a probability of CONFIDENCE: the probability
    that Beta(first + 1, second + 1) is above one half."""
    votes = [count for _, count in Counter(ballot for ballot in cast if ballot is not None).most_common(2)]
    first, second = (*votes, 0, 0)[:2]
    draws = first + second + 1
    return sum(comb(draws, wins) for wins in range(first + 1)) / 2**draws >= CONFIDENCE

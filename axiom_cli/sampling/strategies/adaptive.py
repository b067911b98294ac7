"""adaptive: the samples that settled problems do not need go to the others.

The budget is `samples` times the problems of a batch; no problem gets more than SPREAD times its share. A problem is
settled by the verifier, once `target_passes` samples pass; or by agreement, where nobody may look at the solutions:
once the commonest answer leads the second one in the long run with a probability of 95 %
(Adaptive-Consistency, 2305.11860).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import comb

from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines import Engine
from axiom_cli.sampling.strategies.budget import Standing, allocate
from axiom_cli.sampling.strategies.rounds import Rounds
from axiom_cli.sampling.strategies.self_consistency import ballots
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier

SPREAD = 4
FIRST = 4
"""Samples that must agree before a problem is settled by agreement: three might with a probability above 5 %."""
STEP = 2
SURE = 0.95
GROWTH = 8
"""A round has at least this part of all samples before it, so that there are few rounds and they fill the engine."""


def adaptive(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Iterator[list[Sample]]:
    """The samples of each problem, as many as it was worth; at most `samples` of each on average."""
    rounds = Rounds(problems, engine, config, verifier)
    (by_agreement if config.stop_on == "agreement" else by_verdict)(rounds)
    yield from rounds.groups


def by_verdict(rounds: Rounds) -> None:
    """Rounds over the unsolved until all are, or the budget is spent. The allocation depends on the verdicts alone."""
    budget, used = rounds.config.samples * len(rounds.problems), 0
    everyone = list(range(len(rounds.problems)))
    places = everyone
    while places:
        rounds.judge(places)
        used += len(places)
        places = allocate(standings(rounds), quota(rounds, used, budget), SPREAD * rounds.config.samples)


def quota(rounds: Rounds, used: int, budget: int) -> int:
    """How many samples the next round has."""
    return min(budget - used, max(len(rounds.unsolved()), len(rounds.problems) // GROWTH, used // GROWTH))


def standings(rounds: Rounds) -> list[Standing]:
    """How each problem stands."""
    return [
        Standing(
            (problem.family, problem.level),
            passes,
            fails,
            len(group),
            rounds.config.target_passes,
            sum(sample.tokens for sample in group),
        )
        for problem, passes, fails, group in zip(
            rounds.problems, rounds.passes, rounds.fails, rounds.groups, strict=True
        )
    ]


def by_agreement(rounds: Rounds) -> None:
    """Rounds over those whose answers do not agree, which have all had as many samples."""
    samples, places = rounds.config.samples, list(range(len(rounds.problems)))
    budget, step = samples * len(places), min(FIRST, samples)
    while step:
        budget -= sum(1 for _ in rounds.ask(places, step))
        have = len(rounds.groups[places[0]])
        places = [place for place in places if not settled(ballots(rounds.groups[place], rounds.verifier))]
        step = min(STEP, SPREAD * samples - have, budget) if places else 0
        places = places[: budget // step] if step else []


def settled(cast: Sequence[str | None]) -> bool:
    """Whether the commonest of the votes leads the second one for good with a probability of SURE: that of
    Beta(first + 1, second + 1) above one half."""
    votes = [count for _, count in Counter(one for one in cast if one is not None).most_common(2)]
    first, second = (*votes, 0, 0)[:2]
    draws = first + second + 1
    return sum(comb(draws, wins) for wins in range(first + 1)) / 2**draws >= SURE

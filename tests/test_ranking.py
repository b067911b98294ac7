"""How well values rank: against hand numbers, against scipy, and against every order in which samples may be drawn."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

import tiny
from axiom_cli import statistics
from axiom_cli.evaluation.ranking_metrics import (
    Scored,
    auroc,
    auroc_within,
    best_by_chance,
    best_by_oracle,
    best_by_value,
    best_by_vote,
    brier,
    calibration_error,
    reliability,
)
from axiom_cli.records import Sample
from axiom_cli.sampling.strategies.self_consistency import ballots
from axiom_cli.sampling.strategies.value import value
from axiom_cli.sampling.strategies.vote import vote
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


def scored(*pairs: tuple[float, int]) -> list[Scored]:
    return [Scored(value, bool(passed)) for value, passed in pairs]


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    assert auroc(scored((0.9, 1), (0.8, 0), (0.7, 1), (0.1, 0))) == 3 / 4
    assert auroc(scored((0.5, 1), (0.5, 0))) == 1 / 2
    assert auroc(scored((0.2, 1), (0.8, 0))) == 0
    assert auroc(scored((0.2, 1), (0.8, 1))) is None


def test_auroc_is_scipys_with_and_without_ties() -> None:
    from scipy.stats import mannwhitneyu

    random = Random(0)
    for digits in (1, 2, 12):
        samples = [Scored(round(random.random(), digits), random.random() < 0.4) for _ in range(300)]
        sides = [[s.value for s in samples if s.passed is side] for side in (True, False)]
        expected = mannwhitneyu(*sides).statistic / (len(sides[0]) * len(sides[1]))
        assert auroc(samples) == pytest.approx(expected, abs=1e-12)


def test_within_problems_only_their_own_samples_are_compared() -> None:
    easy, hard = scored((0.8, 1), (0.9, 0)), scored((0.1, 1), (0.2, 0), (0.0, 0))
    assert auroc_within([easy, hard]) == 1 / 3
    assert auroc([*easy, *hard]) == 3 / 6
    assert auroc_within([scored((0.5, 1)), scored((0.5, 0))]) is None


def test_calibration_by_hand() -> None:
    samples = scored((0.95, 1), (1.0, 1), (0.92, 0), (0.05, 0))
    low, high = reliability(samples)
    assert (low.n, high.n, high.low, high.high) == (1, 3, 0.9, 1.0)
    assert (high.predicted, high.passed) == (pytest.approx(2.87 / 3), pytest.approx(2 / 3))
    assert calibration_error([low, high]) == pytest.approx((0.05 + 3 * (2.87 / 3 - 2 / 3)) / 4)
    assert brier(samples) == pytest.approx((0.05**2 + 0 + 0.92**2 + 0.05**2) / 4)


class Told:
    """An engine that says the same samples again."""

    def __init__(self, group: list[Sample]) -> None:
        self.group = group

    def generate(self, *_: object) -> list[list[Sample]]:
        return [self.group]


def drawn(random: Random, size: int) -> list[Sample]:
    """Samples with answers and values of which some are equal; some have no answer."""
    texts = ("Answer: 1", "Answer: 2", "Answer: 3", "no idea")
    values = [random.choice((0.1, 0.5, 0.9)) for _ in range(size)]
    of = tiny.problem(1)
    return [tiny.sample(of, random.choice(texts), i, extra={"value": one}) for i, one in enumerate(values)]


@pytest.mark.parametrize("seed", range(8))
def test_best_of_n_is_the_mean_over_every_order_of_drawing(seed: int) -> None:
    """Against the strategies of `axiom solve` themselves, on all permutations of all subsets."""
    random = Random(seed)
    samples = drawn(random, random.randint(3, 5))
    passed = [random.random() < 0.5 for _ in samples]
    with CachingVerifier(VerifyConfig()) as verifier:
        cast = ballots(samples, verifier)
        group = [Scored(s.extra["value"], good, one) for s, good, one in zip(samples, passed, cast, strict=True)]
        for strategy, best in ((value, best_by_value), (vote, best_by_vote)):
            for n, chance in enumerate(best(group, len(group)), 1):
                orders = list(permutations(samples, n))
                chosen = [next(strategy([], Told(list(order)), SolveConfig(), verifier))[0] for order in orders]
                assert chance == pytest.approx(sum(passed[one.index] for one in chosen) / len(orders)), (strategy, n)


def test_programs_that_pass_more_shown_examples_come_first() -> None:
    group = [Scored(0.9, False, "a", 0), Scored(0.8, False, "a", 0), Scored(0.1, True, "b", 1)]
    assert best_by_value(group, 3) == pytest.approx([1 / 3, 2 / 3, 1])
    assert best_by_vote(group, 3) == pytest.approx([1 / 3, 2 / 3, 1])


def test_all_are_alike_for_one_sample_and_the_oracle_is_pass_at_n() -> None:
    random = Random(3)
    group = [Scored(random.random(), random.random() < 0.3, str(random.randint(0, 5))) for _ in range(40)]
    curves = [choose(group, 16) for choose in (best_by_value, best_by_vote, best_by_chance, best_by_oracle)]
    assert {round(curve[0], 9) for curve in curves} == {sum(s.passed for s in group) / 40}
    good = sum(s.passed for s in group)
    assert curves[3] == pytest.approx([statistics.pass_at_k(40, good, n) for n in range(1, 17)])
    for curve in curves:
        assert all(0 <= one <= oracle + 1e-12 for one, oracle in zip(curve, curves[3], strict=True))

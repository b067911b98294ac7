"""The numbers that a verdict on a model rests on: checked against scipy, brute force and published values."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axiom_cli import statistics

calm = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is not a failure."""
rates = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(rates)
@calm
def test_wilson_is_scipys(case):
    from scipy.stats import binomtest

    passed, n = case
    theirs = binomtest(passed, n).proportion_ci(method="wilson")
    assert statistics.wilson(passed, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_wilson_published_value():
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert statistics.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert statistics.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert statistics.wilson(0, 0) == (0.0, 1.0)


def test_half_widths_of_the_literature():
    """2411.00640's orders: +-14 points at 50 problems, +-3.1 at 1,000."""
    for n, half in ((50, 0.134), (1000, 0.031)):
        low, high = statistics.wilson(n // 2, n)
        assert (high - low) / 2 == pytest.approx(half, abs=0.002)


def test_newcombe_published_value():
    """Newcombe 1998 (differences), example a: 56/70 - 48/80 gives 0.0524 to 0.3339 by method 10."""
    assert statistics.newcombe(48, 80, 56, 70) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_newcombe_paired_published_values():
    """Newcombe 1998 (paired data), table I: 36, 12, 2, 0 gives 0.0569 to 0.3404 by method 10; 54 and 0 beside no change
    gives the widths of Wilson's intervals alone."""
    assert statistics.newcombe_paired(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    half = math.hypot(*[1 - statistics.wilson(54, 54)[0]])
    assert statistics.newcombe_paired(54, 0, 0, 0) == pytest.approx((-half, half))
    assert statistics.newcombe_paired(0, 0, 0, 0) == (-1.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=60), st.booleans())
@calm
def test_a_paired_interval_holds_the_difference_and_is_never_certain(pairs, greedy):
    scale = (lambda v: float(v > 2)) if greedy else (lambda v: v / 4)
    a, b = [scale(left) for left, _ in pairs], [scale(right) for _, right in pairs]
    difference, low, high = statistics.paired_bootstrap(a, b, resamples=300)
    assert -1 <= low <= difference <= high <= 1
    assert high > low
    assert statistics.minimum_detectable_paired([right - left for left, right in zip(a, b, strict=True)]) > 0


def test_no_change_on_few_problems_claims_no_precision():
    """None changed of 20: a share of up to 3 / 20 of them could have, and no difference near zero could be seen."""
    for passed in (0, 10, 20):
        a = [1.0] * passed + [0.0] * (20 - passed)
        difference, low, high = statistics.paired_bootstrap(a, a)
        assert difference == 0 and low == pytest.approx(-high) and 0.08 < high < 0.18
    assert statistics.minimum_detectable_paired([0.0] * 20) == pytest.approx(2.8016 * math.sqrt(3) / 20, abs=1e-4)
    assert statistics.minimum_detectable(20, 1.0) > 0.2


def test_few_changes_are_covered_too():
    """Of studies where each problem changes with a chance of 4 %, about 95 of 100 intervals hold no change."""
    rng, covered = random.Random(7), 0
    for trial in range(400):
        a = [float(rng.random() < 0.5) for _ in range(40)]
        b = [1 - value if rng.random() < 0.04 else value for value in a]
        _, low, high = statistics.paired_bootstrap(a, b, resamples=200, seed=trial)
        covered += low <= 0 <= high
    assert covered / 400 >= 0.94


@pytest.mark.parametrize("n, c", [(1, 0), (1, 1), (4, 1), (6, 2), (7, 7), (8, 3)])
def test_pass_at_k_by_brute_force(n, c):
    """The share of all choices of k samples that hold a pass."""
    outcomes = [True] * c + [False] * (n - c)
    for k in range(1, n + 1):
        chosen = list(itertools.combinations(outcomes, k))
        assert statistics.pass_at_k(n, c, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))


def test_pass_at_k_refuses_more_than_it_has():
    with pytest.raises(ValueError, match="pass@5"):
        statistics.pass_at_k(4, 2, 5)


@given(st.lists(st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1))
@calm
def test_pass_curve_never_falls_and_ends_at_the_smallest_count(problems):
    passed, judged = zip(*problems, strict=True)
    curve = statistics.pass_curve(passed, judged)
    assert len(curve) == min(judged)
    assert curve[0] == pytest.approx(sum(p / n for p, n in problems) / len(problems))
    assert all(left <= right + 1e-12 for left, right in itertools.pairwise([*curve, 1.0]))


@given(st.integers(0, 60), st.integers(0, 60))
@calm
def test_mcnemar_is_twice_the_smaller_binomial_tail(b, c):
    wanted = 2 * sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    assert statistics.mcnemar(b, c) == pytest.approx(min(1.0, wanted), abs=1e-12)


def test_sign_flip_agrees_with_mcnemar_on_greedy_pairs():
    differences = [1] * 15 + [-1] * 5 + [0] * 80
    assert statistics.sign_flip(differences) == pytest.approx(statistics.mcnemar(15, 5), abs=0.01)
    assert statistics.sign_flip([0, 0]) == 1.0


def test_sign_flip_by_enumeration():
    differences = [0.5, 0.25, -0.25, 0.75, 0.5, -0.125, 1.0, 0.25]
    signs = itertools.product((-1, 1), repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(sign, differences, strict=True))) for sign in signs]
    exact = sum(total >= sum(differences) - 1e-12 for total in sums) / len(sums)
    assert statistics.sign_flip(differences) == pytest.approx(exact, abs=0.015)


def test_paired_bootstrap_matches_the_normal_theory():
    rng = random.Random(1)
    a = [float(rng.random() < 0.5) for _ in range(600)]
    b = [float(rng.random() < 0.6) if rng.random() < 0.5 else before for before in a]
    differences = [after - before for before, after in zip(a, b, strict=True)]
    mean = sum(differences) / 600
    error = math.sqrt(sum((d - mean) ** 2 for d in differences) / 600 / 600)
    difference, low, high = statistics.paired_bootstrap(a, b)
    assert difference == pytest.approx(mean)
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.004)
    assert statistics.paired_bootstrap(a, b) == (difference, low, high), "seeded, so the same again"


@pytest.mark.parametrize("n", [20, 600, 3000])
def test_the_bootstrap_draws_what_earlier_reports_drew(n):
    """Reports agree whichever version of axiom wrote them: 4,000 draws of whole problems, by the seed alone."""
    import numpy

    rng, random = random_of(n), numpy.random.default_rng(0)
    judged_P = numpy.array([rng.randint(1, 8) for _ in range(n)])
    passed_P = numpy.array([rng.randint(0, count) for count in judged_P])
    rows = max(1, 2_000_000 // n)
    pieces = [random.integers(0, n, (min(rows, 4000 - start), n)) for start in range(0, 4000, rows)]
    draws_R = numpy.concatenate([passed_P[i].sum(1) / judged_P[i].sum(1) for i in pieces])
    assert statistics.cluster_bootstrap(passed_P, judged_P) == pytest.approx(
        tuple(numpy.quantile(draws_R, [0.025, 0.975])), abs=1e-12
    )


def random_of(n: int) -> random.Random:
    return random.Random(f"bootstrap/{n}")


@given(rates, rates)
@calm
def test_fisher_is_a_sum_of_hypergeometric_chances(a, b):
    (passed_a, n_a), (passed_b, n_b) = a, b
    total = passed_a + passed_b
    ways = sum(math.comb(n_b, k) * math.comb(n_a, total - k) for k in range(passed_b, min(n_b, total) + 1))
    wanted = ways / math.comb(n_a + n_b, total)
    assert statistics.fisher(passed_a, n_a, passed_b, n_b) == pytest.approx(wanted, abs=1e-12)


def test_paired_bootstrap_covers_the_truth():
    """About 95 of 100 intervals hold the true difference."""
    rng, covered = random.Random(3), 0
    for trial in range(200):
        chances = [rng.random() for _ in range(120)]
        a = [float(rng.random() < p) for p in chances]
        b = [float(rng.random() < min(1.0, p * 0.8 + 0.2)) for p in chances]
        _, low, high = statistics.paired_bootstrap(a, b, resamples=400, seed=trial)
        covered += low <= 0.1 <= high
    assert 0.90 <= covered / 200 <= 0.985


def test_paired_bootstrap_needs_pairs():
    with pytest.raises(ValueError, match="same problems"):
        statistics.paired_bootstrap([0.0], [1.0, 0.0])


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30))
@calm
def test_cluster_bootstrap_holds_the_rate(passed):
    low, high = statistics.cluster_bootstrap(passed, [4] * len(passed), resamples=500)
    assert 0 <= low <= sum(passed) / (4 * len(passed)) <= high <= 1
    assert high > low, "no interval of width zero, even when every problem has the same rate"


def test_minimum_detectable_by_simulation():
    """An effect of this size is seen in about 80 of 100 studies."""
    n, p = 400, 0.5
    effect = statistics.minimum_detectable(n, p)
    rng, seen = random.Random(5), 0
    for _ in range(300):
        first = sum(rng.random() < p - effect / 2 for _ in range(n))
        second = sum(rng.random() < p + effect / 2 for _ in range(n))
        seen += statistics.newcombe(first, n, second, n)[0] > 0
    assert 0.72 <= seen / 300 <= 0.88


def test_paired_problems_detect_smaller_effects():
    differences = [1] * 30 + [-1] * 10 + [0] * 360
    assert statistics.minimum_detectable_paired(differences) == pytest.approx(2.8016 * math.sqrt(40) / 400, abs=1e-4)
    assert statistics.minimum_detectable_paired(differences) < statistics.minimum_detectable(400, 0.5)
    assert statistics.minimum_detectable_paired([]) == 1.0


@pytest.mark.slow
def test_many_problems_are_resampled_by_their_counts():
    luck = random.Random(3)
    before = [float(luck.random() < 0.4) for _ in range(3000)]
    after = [max(b, float(luck.random() < 0.1)) for b in before]
    found = statistics.paired_bootstrap(before, after)
    changed = sum(after) / 3000 - sum(before) / 3000
    error = (changed * (1 - changed) / 3000) ** 0.5
    assert found[0] == pytest.approx(changed)
    assert found[1] == pytest.approx(found[0] - 1.96 * error, abs=0.15 * error)
    assert found[2] == pytest.approx(found[0] + 1.96 * error, abs=0.15 * error)


@given(rates)
@calm
def test_a_posterior_solve_rate_is_that_of_jeffreys(case):
    from scipy.stats import beta

    passed, n = case
    mean, low, high = statistics.solve_rate(passed, n)
    assert mean == pytest.approx((passed + 0.5) / (n + 1)) and 0 < low < mean < high < 1
    assert (low, high) == pytest.approx(beta(passed + 0.5, n - passed + 0.5).interval(0.95), abs=1e-9)
    assert statistics.solve_rate(n - passed, n) == pytest.approx((1 - mean, 1 - high, 1 - low), abs=1e-9)
    if passed < n:
        assert statistics.solve_rate(passed + 1, n) > (mean, low, high), "one more pass raises all three"


def test_without_a_sample_the_posterior_is_the_prior():
    assert statistics.solve_rate(0, 0)[0] == 0.5
    with pytest.raises(ValueError, match="3 passed of 2"):
        statistics.solve_rate(3, 2)


@pytest.mark.parametrize("n", [1, 4, 16])
def test_posterior_intervals_hold_the_rate_in_95_of_100(n):
    """Exactly so where rates follow the prior, which is what a credible interval promises."""
    luck, held = random.Random(n), 0
    for _ in range(4000):
        rate = luck.betavariate(0.5, 0.5)
        _, low, high = statistics.solve_rate(sum(luck.random() < rate for _ in range(n)), n)
        held += low <= rate <= high
    assert 0.94 <= held / 4000 <= 0.96


@given(st.lists(st.integers(0, 30), max_size=12))
@calm
def test_entropy_is_that_of_scipy_with_millers_correction(counts):
    from scipy.stats import entropy

    bits, seen, n = statistics.entropy(counts), sum(count > 0 for count in counts), sum(counts)
    plug_in = entropy(counts, base=2) if n else 0.0
    correction = max(seen - 1, 0) / (2 * n * math.log(2)) if n else 0.0
    assert bits == pytest.approx(plug_in + correction, abs=1e-12)
    assert (bits == 0) == (seen < 2), "one outcome alone is no spread"
    assert 0 <= bits <= (math.log2(seen) if seen else 0) + correction + 1e-12
    assert statistics.entropy(counts[::-1]) == pytest.approx(bits, abs=1e-12), "no outcome has a special place"


@pytest.mark.parametrize("chances", [(0.5, 0.5), (0.9, 0.1), (0.6, 0.2, 0.1, 0.1)])
def test_the_correction_comes_nearer_to_the_true_entropy(chances):
    luck, n, draws = random.Random(3), 8, 3000
    true = -sum(chance * math.log2(chance) for chance in chances)
    corrected = plug_in = 0.0
    for _ in range(draws):
        drawn = luck.choices(range(len(chances)), chances, k=n)
        counts = [drawn.count(outcome) for outcome in range(len(chances))]
        corrected += statistics.entropy(counts) / draws
        plug_in -= sum(c / n * math.log2(c / n) for c in counts if c) / draws
    assert abs(corrected - true) < abs(plug_in - true) and plug_in < true


@given(st.lists(st.floats(0, 16), min_size=1, max_size=60))
@calm
def test_the_interval_of_a_mean_holds_it(values):
    low, high = statistics.mean_interval(values)
    assert low <= sum(values) / len(values) + 1e-9 and high >= sum(values) / len(values) - 1e-9
    assert low >= 0 and high <= max(values) + 1e-9
    assert statistics.mean_interval([2.0] * 40)[0] < 2.0, "equal values are not certainty"


@given(st.lists(st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), max_size=12))
def test_a_falling_fit_pools_what_rises_and_nothing_else(counts: list[tuple[int, int]]) -> None:
    passed, n = [count for count, _ in counts], [tried for _, tried in counts]
    fitted = statistics.falling_fit(passed, n)
    assert fitted == sorted(fitted, reverse=True)
    assert sum(rate * tried for rate, tried in zip(fitted, n, strict=True)) == pytest.approx(sum(passed), abs=1e-6)
    rates = [count / tried for count, tried in counts]
    if rates == sorted(rates, reverse=True):
        assert fitted == pytest.approx(rates)
    for value in set(fitted):  # a pool has the rate of its problems together
        pool = [place for place, rate in enumerate(fitted) if rate == value]
        together = sum(passed[place] for place in pool) / sum(n[place] for place in pool)
        assert value == pytest.approx(together, abs=1e-8)


def test_a_falling_fit_needs_something_tried() -> None:
    assert statistics.falling_fit([10, 6, 8, 1], [10, 10, 10, 10]) == [1.0, 0.7, 0.7, 0.1]
    with pytest.raises(ValueError, match="nothing tried"):
        statistics.falling_fit([0], [0])

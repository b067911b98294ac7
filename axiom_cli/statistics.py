"""Pass rates, their uncertainty, and paired comparisons.

Every function takes plain numbers and is deterministic: resampling is seeded. The tests and the bootstrap are
scipy.stats', imported where they are used because scipy.stats takes half a second to load. Sources: Chen et al. 2021
(2107.03374) for pass@k, Wilson 1927 and Newcombe 1998 (two papers) for intervals of rates, Miller 2024 (2411.00640) for
clustering by problem and for the minimum detectable effect, McNemar 1947 in its exact (binomial) form, Fisher 1935 for
the sign-flip test and for two rates, Holm 1979 for many tests at once, Cochran 1954 and Armitage 1955 for a trend,
Hanley and Lippman-Hand 1983 for what a count of zero cannot rule out (the rule of three), Jeffreys' prior for what a
few samples of one problem say (Brown, Cai and DasGupta 2001), Miller 1955 for the entropy of few samples, Ayer and
others 1955 for rates that are known to fall.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Any

CONFIDENCE = 0.95
POWER = 0.8
RESAMPLES = 4000
MIN_CHANGED = 10
"""With fewer problems than this that differ from the rest, resampling misses what happened not to occur."""
RULE_OF_THREE = 3.0
"""Seeing no event in n trials leaves up to this many possible at 95 %: 1 - 0.05 ** (1 / n) is about 3 / n."""
ELEMENTS_PER_BATCH = 2_000_000
"""Indices drawn at once when resampling: about 16 MB."""
MANY, FEW_VALUES = 2000, 64
"""Above so many problems whose differences take so few values, a resample is drawn as how often it has each value: the
same distribution at a hundredth of the time. Smaller comparisons keep the intervals of earlier reports."""
Interval = tuple[float, float]


def wilson(passed: int, n: int) -> Interval:
    """Wilson's score interval of a rate; (0, 1) if nothing was tried. Raises ValueError unless 0 <= passed <= n."""
    if not 0 <= passed <= n:
        raise ValueError(f"{passed} passed of {n}")
    return _wilson(passed, n) if n else (0.0, 1.0)


def _wilson(passed: float, n: float) -> Interval:
    # scipy's takes whole counts only, and `newcombe_paired` needs the limits of fractional ones.
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    rate, shrink = passed / n, 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == n else min(1.0, centre + half)
    return low, high


def newcombe(passed_a: int, n_a: int, passed_b: int, n_b: int) -> Interval:
    """Interval of rate b - rate a for two *independent* sets of problems (Newcombe 1998, method 10)."""
    rate_a, rate_b = (passed / n if n else 0.5 for passed, n in ((passed_a, n_a), (passed_b, n_b)))
    (low_a, high_a), (low_b, high_b) = wilson(passed_a, n_a), wilson(passed_b, n_b)
    below, above = math.hypot(rate_b - low_b, high_a - rate_a), math.hypot(high_b - rate_b, rate_a - low_a)
    return rate_b - rate_a - below, rate_b - rate_a + above


def newcombe_paired(both: float, gained: float, lost: float, neither: float) -> Interval:
    """Interval of the rate after - the rate before on the *same* problems, from the four cells of their table.

    Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on paired data",
    method 10: Wilson's intervals of both rates, and their correlation with a continuity correction. Its width is above
    zero even if no problem changed. The four counts may be fractions of problems.
    """
    n = both + gained + lost + neither
    if n <= 0:
        return -1.0, 1.0
    before, after = (round(min(n, both + changed), 9) for changed in (lost, gained))
    (low_a, high_a), (low_b, high_b) = (_wilson(count, n) for count in (before, after))
    rate_a, rate_b, phi = before / n, after / n, _phi(both, gained, lost, neither)
    below = _correlated_hypot(rate_b - low_b, high_a - rate_a, phi)
    above = _correlated_hypot(high_b - rate_b, rate_a - low_a, phi)
    difference = (gained - lost) / n
    return max(-1.0, difference - below), min(1.0, difference + above)


def _phi(both: float, gained: float, lost: float, neither: float) -> float:
    """The correlation of the two outcomes, corrected for continuity if positive; 0 if a margin is empty."""
    product = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    if product <= 1e-12:
        return 0.0
    association = both * neither - gained * lost
    if association > 0:
        association = max(0.0, association - (both + gained + lost + neither) / 2)
    return association / math.sqrt(product)


def _correlated_hypot(x: float, y: float, phi: float) -> float:
    return math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))


@lru_cache(maxsize=4096)
def solve_rate(passed: int, n: int) -> tuple[float, float, float]:
    """(mean, low, high) of a problem's solve rate after `passed` of `n` independent samples: the posterior under
    Jeffreys' prior, Beta(1/2, 1/2), is Beta(passed + 1/2, n - passed + 1/2), and the bounds are its 2.5 and 97.5 %
    quantiles. ValueError unless 0 <= passed <= n."""
    from scipy.special import betaincinv

    if not 0 <= passed <= n:
        raise ValueError(f"{passed} passed of {n}")
    a, b, tail = passed + 0.5, n - passed + 0.5, (1 - CONFIDENCE) / 2
    return a / (a + b), float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def entropy(counts: Sequence[int]) -> float:
    """Bits: how widely samples spread over outcomes, from how often each was seen; zeros do not count.

    The plug-in estimate is too low with few samples, by about (outcomes - 1) / (2 samples) nats, which is added
    (Miller 1955; Madow). One outcome has 0 bits. 0 without any sample."""
    seen = [count for count in counts if count]
    n = sum(seen)
    if len(seen) < 2:
        return 0.0
    plug_in = -math.fsum(count / n * math.log2(count / n) for count in seen)
    return plug_in + (len(seen) - 1) / (2 * n * math.log(2))


def mean_interval(values: Sequence[float]) -> Interval:
    """Bootstrap interval of the mean of `values`, one per problem and none negative. If all are equal, it is Wilson's
    interval for a rate of 1 over as many problems, times that value. (0, 0) if all are 0, or there are none."""
    most = max(values, default=0.0)
    if most <= 0:
        return 0.0, 0.0
    low, high = cluster_bootstrap([value / most for value in values], [1.0] * len(values))
    return low * most, high * most


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased estimate of P(at least one of k samples passes), from c passes among n samples (2107.03374, eq. 1)."""
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} of {c} passes among {n} samples")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def pass_curve(passed: Sequence[int], judged: Sequence[int]) -> list[float]:
    """pass@1, pass@2, ..., averaged over problems with `passed[i]` passes among `judged[i]` samples.

    k runs to the smallest number of judged samples that any problem has, so that every value is an average over the
    same problems and the curve never falls.
    """
    if not judged:
        return []
    counts = Counter(zip(judged, passed, strict=True))
    return [
        sum(times * pass_at_k(n, c, k) for (n, c), times in counts.items()) / len(judged)
        for k in range(1, min(judged) + 1)
    ]


def cluster_bootstrap(passed: Sequence[float], judged: Sequence[float], resamples: int = RESAMPLES) -> Interval:
    """Percentile interval of sum(passed) / sum(judged) when whole problems are drawn with replacement.

    Samples of one problem are not independent, so problems are resampled (2411.00640, section 2.2). If all problems
    have the same rate there is nothing to resample, and the result is Wilson's interval over the problems.
    """
    import numpy

    if not len(judged):
        return 0.0, 1.0
    passed_P, judged_P = numpy.asarray(passed, float), numpy.asarray(judged, float)
    rates_P = passed_P / judged_P
    if numpy.ptp(rates_P) == 0:
        return wilson_of_rate(float(rates_P[0]), len(rates_P))

    def pooled_rate(passed_RP: Any, judged_RP: Any, axis: int) -> Any:
        return passed_RP.sum(axis) / judged_RP.sum(axis)

    return _percentile_bootstrap((passed_P, judged_P), pooled_rate, resamples, 0)


def _percentile_bootstrap(
    columns: tuple[Any, ...], statistic: Callable[..., Any], resamples: int, seed: int
) -> Interval:
    """The interval of `statistic` over the arrays `columns`, whose rows are drawn together, by the seed alone."""
    import numpy
    from scipy.stats import bootstrap

    low, high = bootstrap(
        columns,
        statistic,
        paired=True,
        vectorized=True,
        method="percentile",
        confidence_level=CONFIDENCE,
        n_resamples=resamples,
        batch=max(1, ELEMENTS_PER_BATCH // len(columns[0])),
        rng=numpy.random.default_rng(seed),
    ).confidence_interval
    return float(low), float(high)


def wilson_of_rate(rate: float, n: int) -> Interval:
    """Wilson's interval of a count that need not be whole: the hull of those of the whole counts next to `rate` * n."""
    count = round(rate * n, 9)
    return wilson(math.floor(count), n)[0], wilson(math.ceil(count), n)[1]


def paired_bootstrap(
    a: Sequence[float], b: Sequence[float], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float, float]:
    """(difference, low, high) of mean(b) - mean(a), where a[i] and b[i] are rates of the same problem.

    Where fewer than ten problems differ from the commonest difference (usually no change), resampling would be certain
    of what it never saw, and the interval is Newcombe's paired one. Raises ValueError if the lengths differ.
    """
    import numpy

    if len(a) != len(b):
        raise ValueError(f"{len(a)} values against {len(b)}: a paired comparison needs the same problems")
    if not len(a):
        return 0.0, -1.0, 1.0
    differences_P = numpy.asarray(b, float) - numpy.asarray(a, float)
    difference = float(differences_P.mean())
    if few := newcombe_if_few_change(a, b):
        return difference, *few
    values_V, counts_V = numpy.unique(differences_P, return_counts=True)
    if len(a) > MANY and len(values_V) <= FEW_VALUES:
        random = numpy.random.default_rng(seed)
        means_R = random.multinomial(len(a), counts_V / len(a), resamples) @ values_V / len(a)
        low, high = map(float, numpy.percentile(means_R, [100 * (1 - CONFIDENCE) / 2, 100 * (1 + CONFIDENCE) / 2]))
    else:
        low, high = _percentile_bootstrap((differences_P,), numpy.mean, resamples, seed)
    return difference, min(low, difference), max(high, difference)


def newcombe_if_few_change(a: Sequence[float], b: Sequence[float]) -> Interval | None:
    """Newcombe's paired interval of mean(b) - mean(a) where fewer than MIN_CHANGED problems differ from the commonest
    difference; None where resampling may be trusted."""
    import numpy

    differences_P = numpy.asarray(b, float) - numpy.asarray(a, float)
    _, counts = numpy.unique(numpy.round(differences_P, 9), return_counts=True)
    if len(a) - counts.max() >= MIN_CHANGED:
        return None
    both = math.fsum(map(min, a, b))  # counts of problems, which may be fractions
    gained, lost = math.fsum(b) - both, math.fsum(a) - both
    return newcombe_paired(both, max(0.0, gained), max(0.0, lost), max(0.0, len(a) - both - gained - lost))


def mcnemar(b: int, c: int) -> float:
    """McNemar's exact two-sided p-value: `b` problems only one model solves, `c` only the other. 1 if both are 0."""
    if not b + c:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(b, b + c).pvalue)


def fisher(passed_a: int, n_a: int, passed_b: int, n_b: int) -> float:
    """Fisher's exact one-sided p-value of rate b being above rate a by chance alone. 1 if nothing was tried of one."""
    import numpy
    from scipy.stats import fisher_exact

    table = numpy.array([[passed_b, n_b - passed_b], [passed_a, n_a - passed_a]])
    return float(fisher_exact(table, alternative="greater").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the given order: rejecting those below a level keeps the chance of any false
    rejection below it."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def trend(scores: Sequence[float], passed: Sequence[float], n: Sequence[int]) -> tuple[float, float]:
    """(slope, p) of pass rates over `scores`: the change of the rate for one more point of the score, and Cochran and
    Armitage's one-sided p-value (1954, 1955) of a fall by chance alone. (0, 1) if nothing can rise or fall."""
    total = sum(n)
    rate = math.fsum(passed) / total if total else 0.0
    mean = sum(s * m for s, m in zip(scores, n, strict=True)) / total if total else 0.0
    spread = math.fsum(m * (s - mean) ** 2 for s, m in zip(scores, n, strict=True))
    if spread <= 0 or not 0 < rate < 1:
        return 0.0, 1.0
    covariance = math.fsum((s - mean) * (c - m * rate) for s, c, m in zip(scores, passed, n, strict=True))
    return covariance / spread, NormalDist().cdf(covariance / math.sqrt(rate * (1 - rate) * spread))


def falling_fit(passed: Sequence[float], n: Sequence[int]) -> list[float]:
    """The most likely rates where each is known to be at most the one before it: neighbours that rise are pooled (Ayer
    and others 1955). ValueError where `n` has a zero."""
    from scipy.optimize import isotonic_regression

    if not passed:
        return []
    if not all(n):
        raise ValueError("a rate of nothing tried")
    rates = [count / tried for count, tried in zip(passed, n, strict=True)]
    return [round(float(rate), 9) for rate in isotonic_regression(rates, weights=n, increasing=False).x]


def sign_flip(differences: Sequence[float]) -> float:
    """Two-sided p-value of a mean difference of zero, by flipping the signs of the problems' differences at random.

    The counterpart of McNemar's test for rates over several samples; never below 1 / (RESAMPLES + 1).
    """
    # scipy.stats.permutation_test draws other flips, which would change the p-values of reports already written.
    import numpy

    values_P = numpy.asarray([value for value in differences if value], float)
    if not len(values_P):
        return 1.0
    random = numpy.random.default_rng(0)
    observed, at_least = abs(values_P.sum()) - 1e-9, 0
    rows = max(1, ELEMENTS_PER_BATCH // len(values_P))
    for start in range(0, RESAMPLES, rows):
        flips_RP = random.integers(0, 2, (min(rows, RESAMPLES - start), len(values_P))) * 2 - 1
        at_least += int((abs(flips_RP @ values_P) >= observed).sum())
    return (at_least + 1) / (RESAMPLES + 1)


def minimum_detectable(n: int, p: float, confidence: float = CONFIDENCE) -> float:
    """Smallest difference of two pass rates near `p`, each on `n` problems of its own, detected with 80 % power.

    A `p` of 0 or 1 is taken as 3 / n away from it (the rule of three), since n problems never prove certainty.
    """
    if not n:
        return 1.0
    margin = min(0.5, RULE_OF_THREE / n)
    return _z_sum(confidence) * math.sqrt(2 * max(p * (1 - p), margin * (1 - margin)) / n)


def minimum_detectable_paired(differences: Sequence[float]) -> float:
    """The same on *paired* problems, from the problems' differences b[i] - a[i] (2411.00640, section 5).

    The variance is the one under no change (the mean square), so that a handful of problems that all moved the same
    way do not look certain. It is at least that of three changed problems (the rule of three, Hanley and Lippman-Hand
    1983: no change in n leaves a share of 3 / n possible), so that a few unchanged problems do not claim power.
    """
    n = len(differences)
    squares = math.fsum(d * d for d in differences)
    return _z_sum(CONFIDENCE) * math.sqrt(max(squares, RULE_OF_THREE)) / n if n else 1.0


def _z_sum(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2) + NormalDist().inv_cdf(POWER)

"""Pass rates, their uncertainty, and paired comparisons.

Everything here takes plain numbers and is deterministic: resampling is seeded. Sources: Chen et al. 2021 (2107.03374)
for pass@k, Wilson 1927 and Newcombe 1998 for intervals of rates, Miller 2024 (2411.00640) for clustering by problem and
for the minimum detectable effect, McNemar 1947 in its exact (binomial) form, Fisher 1935 for the sign-flip test.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

CONFIDENCE = 0.95
POWER = 0.8
RESAMPLES = 4000
Interval = tuple[float, float]


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(passed: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a rate. (0, 1) where nothing was tried."""
    if not 0 <= passed <= n:
        raise ValueError(f"{passed} passed of {n}")
    if n == 0:
        return 0.0, 1.0
    z = _z(confidence)
    rate, shrink = passed / n, 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == n else min(1.0, centre + half)
    return low, high


def newcombe(passed_a: int, n_a: int, passed_b: int, n_b: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of rate b - rate a for two *independent* sets of problems (Newcombe 1998, method 10)."""
    rate_a, rate_b = (passed / n if n else 0.5 for passed, n in ((passed_a, n_a), (passed_b, n_b)))
    low_a, high_a = wilson(passed_a, n_a, confidence)
    low_b, high_b = wilson(passed_b, n_b, confidence)
    difference = rate_b - rate_a
    return difference - math.hypot(rate_b - low_b, high_a - rate_a), difference + math.hypot(
        high_b - rate_b, rate_a - low_a
    )


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
    counts: dict[tuple[int, int], int] = {}
    for pair in zip(judged, passed, strict=True):
        counts[pair] = counts.get(pair, 0) + 1
    return [
        sum(times * pass_at_k(n, c, k) for (n, c), times in counts.items()) / len(judged)
        for k in range(1, min(judged) + 1)
    ]


def cluster_bootstrap(
    passed: Sequence[float],
    judged: Sequence[float],
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Percentile interval of sum(passed) / sum(judged) when whole problems are drawn again with replacement.

    Samples of one problem are not independent, so the problem is what is resampled (2411.00640, section 2.2). Where all
    problems have the same rate there is nothing to resample, and Wilson's interval over the problems stands in.
    """
    import numpy

    if not len(judged):
        return 0.0, 1.0
    passed_P, judged_P = numpy.asarray(passed, float), numpy.asarray(judged, float)
    rates_P = passed_P / judged_P
    if numpy.ptp(rates_P) == 0:
        return wilson_of_rate(float(rates_P[0]), len(rates_P), confidence)
    draws = _draws(len(rates_P), resamples, seed)
    draws_R = numpy.concatenate([passed_P[i].sum(1) / judged_P[i].sum(1) for i in draws])
    low, high = numpy.quantile(draws_R, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def wilson_of_rate(rate: float, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The hull of Wilson's intervals of the whole counts next to `rate` * n."""
    count = round(rate * n, 9)
    return wilson(math.floor(count), n, confidence)[0], wilson(math.ceil(count), n, confidence)[1]


def _draws(size: int, resamples: int, seed: int) -> Iterator[numpy.ndarray]:
    """Index arrays of shape [rows, size], together `resamples` rows, in pieces of about 16 MB."""
    import numpy

    random = numpy.random.default_rng(seed)
    rows = max(1, 2_000_000 // size)
    for start in range(0, resamples, rows):
        yield random.integers(0, size, (min(rows, resamples - start), size))


def paired_bootstrap(
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float, float]:
    """(difference, low, high) of mean(b) - mean(a), where a[i] and b[i] belong to the same problem.

    `clusters[i]` names what is resampled as a whole (the problem); without it each pair is its own cluster.
    """
    import numpy

    if len(a) != len(b):
        raise ValueError(f"{len(a)} values against {len(b)}: a paired comparison needs the same problems")
    if not len(a):
        return 0.0, -1.0, 1.0
    names = list(range(len(a))) if clusters is None else list(clusters)
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    which_N = numpy.array([order[name] for name in names])
    sums_C = numpy.bincount(which_N, numpy.asarray(b, float) - numpy.asarray(a, float), len(order))
    sizes_C = numpy.bincount(which_N, minlength=len(order)).astype(float)
    draws_R = numpy.concatenate([sums_C[i].sum(1) / sizes_C[i].sum(1) for i in _draws(len(order), resamples, seed)])
    low, high = numpy.quantile(draws_R, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(sums_C.sum() / sizes_C.sum()), float(low), float(high)


def mcnemar(b: int, c: int) -> float:
    """McNemar's exact two-sided p-value: `b` problems only the one solves, `c` only the other. 1 where both are 0."""
    from scipy.special import bdtr

    return min(1.0, 2.0 * float(bdtr(min(b, c), b + c, 0.5))) if b + c else 1.0


def sign_flip(differences: Sequence[float], resamples: int = RESAMPLES, seed: int = 0) -> float:
    """Two-sided p-value of a mean difference of zero, by flipping the signs of the problems' differences at random.

    The form of McNemar's test for rates of several samples a problem; never below 1 / (resamples + 1).
    """
    import numpy

    values_P = numpy.asarray([value for value in differences if value], float)
    if not len(values_P):
        return 1.0
    random = numpy.random.default_rng(seed)
    observed, at_least = abs(values_P.sum()) - 1e-9, 0
    rows = max(1, 2_000_000 // len(values_P))
    for start in range(0, resamples, rows):
        flips_RP = random.integers(0, 2, (min(rows, resamples - start), len(values_P))) * 2 - 1
        at_least += int((abs(flips_RP @ values_P) >= observed).sum())
    return (at_least + 1) / (resamples + 1)


def minimum_detectable(n: int, p: float, confidence: float = CONFIDENCE, power: float = POWER) -> float:
    """Smallest difference of two pass rates near `p`, each on `n` problems of its own, that is seen with `power`."""
    return _reach(confidence, power) * math.sqrt(2 * p * (1 - p) / n) if n else 1.0


def minimum_detectable_paired(
    differences: Sequence[float], confidence: float = CONFIDENCE, power: float = POWER
) -> float:
    """The same on *paired* problems, from the problems' differences b[i] - a[i] (2411.00640, section 5).

    The variance is the one under no change (the mean square), so that a handful of problems that all moved the same
    way do not look certain.
    """
    n = len(differences)
    return _reach(confidence, power) * math.sqrt(math.fsum(d * d for d in differences)) / n if n else 1.0


def _reach(confidence: float, power: float) -> float:
    return _z(confidence) + NormalDist().inv_cdf(power)

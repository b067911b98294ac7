"""Pass rates, their uncertainty, and paired comparisons.

Everything here takes plain numbers and is deterministic: resampling is seeded. Sources: Chen et al. 2021 (2107.03374)
for pass@k, Wilson 1927 and Newcombe 1998 (two papers) for intervals of rates, Miller 2024 (2411.00640) for clustering
by problem and for the minimum detectable effect, McNemar 1947 in its exact (binomial) form, Fisher 1935 for the
sign-flip test and for two rates, Holm 1979 for many tests at once, Cochran 1954 and Armitage 1955 for a trend, Hanley
and Lippman-Hand 1983 for what may hide behind a count of none (the rule of three).
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
FEW = 10
"""Below so many problems that stand out from the rest, resampling is blind to what merely did not occur."""
UNSEEN = 3.0
"""Events of n that none seen in n cannot rule out at 95 %: 1 - 0.05 ** (1 / n) is about 3 / n."""
Interval = tuple[float, float]


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(passed: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a rate. (0, 1) where nothing was tried."""
    if not 0 <= passed <= n:
        raise ValueError(f"{passed} passed of {n}")
    return _wilson(passed, n, confidence) if n else (0.0, 1.0)


def _wilson(passed: float, n: float, confidence: float) -> Interval:
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


def newcombe_paired(
    both: float, gained: float, lost: float, neither: float, confidence: float = CONFIDENCE
) -> Interval:
    """Interval of the rate after - the rate before on the *same* problems, from the four cells of their table.

    Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on paired data",
    method 10: Wilson's intervals of both rates, and their correlation with a continuity correction. It has a width even
    where no problem changed. Cells may be fractions of problems.
    """
    n = both + gained + lost + neither
    if n <= 0:
        return -1.0, 1.0
    before, after = (round(min(n, both + moved), 9) for moved in (lost, gained))
    (low_a, high_a), (low_b, high_b) = (_wilson(count, n, confidence) for count in (before, after))
    rate_a, rate_b, phi = before / n, after / n, _phi(both, gained, lost, neither)
    down = _joint(rate_b - low_b, high_a - rate_a, phi)
    up = _joint(high_b - rate_b, rate_a - low_a, phi)
    difference = (gained - lost) / n
    return max(-1.0, difference - down), min(1.0, difference + up)


def _phi(both: float, gained: float, lost: float, neither: float) -> float:
    """The correlation of the two outcomes, a positive one corrected for continuity; 0 where a margin is empty."""
    product = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    if product <= 1e-12:
        return 0.0
    association = both * neither - gained * lost
    if association > 0:
        association = max(0.0, association - (both + gained + lost + neither) / 2)
    return association / math.sqrt(product)


def _joint(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


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

    `clusters[i]` names what is resampled as a whole (the problem); without it each pair is its own cluster. Where fewer
    than ten clusters differ from the commonest difference (no change, as a rule), resampling would be certain of what
    it never saw, and Newcombe's paired interval over the clusters stands in.
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
    difference = float(sums_C.sum() / sizes_C.sum())
    _, times = numpy.unique(numpy.round(sums_C / sizes_C, 9), return_counts=True)
    if len(order) - times.max() < FEW:
        return difference, *newcombe_paired(*_cells(a, b, len(order)), confidence)
    draws_R = numpy.concatenate([sums_C[i].sum(1) / sizes_C[i].sum(1) for i in _draws(len(order), resamples, seed)])
    low, high = numpy.quantile(draws_R, [(1 - confidence) / 2, (1 + confidence) / 2])
    return difference, min(float(low), difference), max(float(high), difference)


def _cells(a: Sequence[float], b: Sequence[float], clusters: int) -> tuple[float, float, float, float]:
    """What passed in both, only in b, only in a and in neither, as shares that sum to the count of clusters."""
    weight = clusters / len(a)
    both = weight * math.fsum(map(min, a, b))
    gained, lost = weight * math.fsum(b) - both, weight * math.fsum(a) - both
    return both, max(0.0, gained), max(0.0, lost), max(0.0, clusters - both - gained - lost)


def mcnemar(b: int, c: int) -> float:
    """McNemar's exact two-sided p-value: `b` problems only the one solves, `c` only the other. 1 where both are 0."""
    from scipy.special import bdtr

    return min(1.0, 2.0 * float(bdtr(min(b, c), b + c, 0.5))) if b + c else 1.0


def fisher(passed_a: int, n_a: int, passed_b: int, n_b: int) -> float:
    """Fisher's exact one-sided p-value of rate b being above rate a by chance alone. 1 where either has no tries."""
    import numpy
    from scipy.special import gammaln

    def ways(n: int, k: numpy.ndarray | int) -> numpy.ndarray:
        return gammaln(n + 1) - gammaln(numpy.add(k, 1)) - gammaln(numpy.subtract(n + 1, k))

    total = passed_a + passed_b
    at_least_K = numpy.arange(passed_b, min(n_b, total) + 1)
    logs_K = ways(n_b, at_least_K) + ways(n_a, total - at_least_K) - ways(n_a + n_b, total)
    return min(1.0, float(numpy.exp(logs_K).sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the given order: those up to a level are rejected at it, all together."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for done, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - done) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def trend(scores: Sequence[float], passed: Sequence[float], n: Sequence[int]) -> tuple[float, float]:
    """(slope, p) of pass rates over `scores`: the change of the rate for one more point of the score, and Cochran and
    Armitage's one-sided p-value (1954, 1955) of a fall by chance alone. (0, 1) where nothing can rise or fall."""
    total = sum(n)
    rate = math.fsum(passed) / total if total else 0.0
    middle = sum(s * m for s, m in zip(scores, n, strict=True)) / total if total else 0.0
    spread = math.fsum(m * (s - middle) ** 2 for s, m in zip(scores, n, strict=True))
    if spread <= 0 or not 0 < rate < 1:
        return 0.0, 1.0
    moved = math.fsum((s - middle) * (c - m * rate) for s, c, m in zip(scores, passed, n, strict=True))
    return moved / spread, NormalDist().cdf(moved / math.sqrt(rate * (1 - rate) * spread))


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
    """Smallest difference of two pass rates near `p`, each on `n` problems of its own, that is seen with `power`.

    A `p` of 0 or 1 is taken as 3 / n away from it (the rule of three), since no n problems show certainty.
    """
    if not n:
        return 1.0
    away = min(0.5, UNSEEN / n)
    return _reach(confidence, power) * math.sqrt(2 * max(p * (1 - p), away * (1 - away)) / n)


def minimum_detectable_paired(
    differences: Sequence[float], confidence: float = CONFIDENCE, power: float = POWER
) -> float:
    """The same on *paired* problems, from the problems' differences b[i] - a[i] (2411.00640, section 5).

    The variance is the one under no change (the mean square), so that a handful of problems that all moved the same
    way do not look certain. It is at least that of three changed problems (the rule of three, Hanley and Lippman-Hand
    1983: none changed of n leaves a share of 3 / n possible), so that few problems without a change claim no power.
    """
    n = len(differences)
    squares = math.fsum(d * d for d in differences)
    return _reach(confidence, power) * math.sqrt(max(squares, UNSEEN)) / n if n else 1.0


def _reach(confidence: float, power: float) -> float:
    return _z(confidence) + NormalDist().inv_cdf(power)

"""How well a value ranks the samples of problems: plain numbers in, plain numbers out.

*AUROC* is the chance that a passing sample has the higher value of two, ties counting half (Mann and Whitney 1947).
Over all samples it mostly says whether hard problems are told from easy ones; *within problems* it compares samples of
one problem alone, which is all that choosing among them uses. *Calibration*: Brier 1950, and the expected calibration
error over ten bins of equal width (Guo et al. 2017, 1706.04599, eq. 3).

*Best of N* is the chance that the sample chosen from N of a problem passes, averaged over all ways to draw N of the
samples there are, each once. So it is exact and without bias, like pass@k (2107.03374), which is the oracle's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, fsum

BINS = 10


@dataclass(frozen=True)
class Scored:
    """A judged sample: its value, whether it passed, what it votes for (None: nothing), and how many of the examples
    shown in its prompt it passes."""

    value: float
    passed: bool
    ballot: str | None = None
    shown: int = 0


Group = Sequence[Scored]
"""The samples of one problem."""


@dataclass(frozen=True)
class Bin:
    """The samples with values from `low` to `high`: how many, their mean value, and the share that passed."""

    low: float
    high: float
    n: int
    predicted: float
    passed: float


def auroc(samples: Iterable[Scored]) -> float | None:
    """The AUROC over all `samples`; None where all pass or all fail."""
    wins, pairs = _wins(samples)
    return wins / pairs if pairs else None


def auroc_within(groups: Iterable[Group]) -> float | None:
    """The AUROC over pairs of samples of the same problem; None where there is no problem with both."""
    counted = [_wins(group) for group in groups]
    pairs = sum(count for _, count in counted)
    return fsum(wins for wins, _ in counted) / pairs if pairs else None


def _wins(samples: Iterable[Scored]) -> tuple[float, int]:
    """Pairs of a passing and a failing sample in which the passing one has the higher value, and all such pairs."""
    counts: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for sample in samples:
        counts[sample.value][sample.passed] += 1
    wins, below, passed = 0.0, 0, 0
    for value in sorted(counts):
        failing, passing = counts[value]
        wins += passing * (below + failing / 2)
        below, passed = below + failing, passed + passing
    return wins, below * passed


def brier(samples: Sequence[Scored]) -> float:
    """The mean squared difference between value and verdict; predicting the pass rate p for all gives p * (1 - p)."""
    return fsum((sample.value - sample.passed) ** 2 for sample in samples) / len(samples)


def reliability(samples: Iterable[Scored]) -> list[Bin]:
    """What the values promise and how many samples pass, in bins of equal width; empty bins are left out."""
    by_bin: dict[int, list[Scored]] = defaultdict(list)
    for sample in samples:
        by_bin[min(int(sample.value * BINS), BINS - 1)].append(sample)
    return [
        Bin(
            low=number / BINS,
            high=(number + 1) / BINS,
            n=len(members),
            predicted=fsum(sample.value for sample in members) / len(members),
            passed=sum(sample.passed for sample in members) / len(members),
        )
        for number, members in sorted(by_bin.items())
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Mean |predicted - passed| over the bins, weighted by their numbers of samples."""
    return fsum(bin.n * abs(bin.predicted - bin.passed) for bin in bins) / sum(bin.n for bin in bins)


def best_by_value(group: Group, most: int) -> list[float]:
    """For N = 1 to `most`: the chance that the sample with the highest value of N passes. Programs that pass the most
    shown examples come first; ties are broken at random."""
    levels = _levels(group, lambda sample: (sample.shown, sample.value))
    return _best(group, [[level] for level in levels], most)


def best_by_vote(group: Group, most: int) -> list[float]:
    """For N = 1 to `most`: the chance that what `--strategy vote` chooses of N passes: of those that vote and pass the
    most shown examples, one with the commonest vote; ties are broken at random."""
    levels = []
    for level in _levels(group, lambda sample: (sample.ballot is not None, sample.shown)):
        parties: dict[str | None, list[Scored]] = defaultdict(list)
        for sample in level:
            parties[sample.ballot].append(sample)
        levels.append(list(parties.values()))
    return _best(group, levels, most)


def best_by_chance(group: Group, most: int) -> list[float]:
    """The pass rate, whatever N is."""
    return [sum(sample.passed for sample in group) / len(group)] * most


def best_by_oracle(group: Group, most: int) -> list[float]:
    """For N = 1 to `most`: the chance that any of N passes, which is pass@N."""
    n, failing = len(group), sum(not sample.passed for sample in group)
    return [1 - comb(failing, size) / comb(n, size) for size in range(1, most + 1)]


def _levels(group: Group, key: Callable[[Scored], tuple[float, float]]) -> list[list[Scored]]:
    """The samples by falling `key`, ties together."""
    by_key: dict[tuple[float, float], list[Scored]] = defaultdict(list)
    for sample in group:
        by_key[key(sample)].append(sample)
    return [by_key[value] for value in sorted(by_key, reverse=True)]


def _best(group: Group, levels: Sequence[Sequence[Group]], most: int) -> list[float]:
    """The chance that the chosen sample passes: the highest level among the drawn samples decides, and in it the party
    that most of them belong to."""
    total, below = [0.0] * most, len(group)
    for parties in levels:
        below -= sum(map(len, parties))
        ways = victories(tuple(sorted(map(len, parties))), below, most)
        for party in parties:
            rate = sum(sample.passed for sample in party) / len(party)
            for drawn in range(most):
                total[drawn] += rate * ways[len(party)][drawn]
    return [ways / comb(len(group), size) for size, ways in enumerate(total, 1)]


@lru_cache(maxsize=65536)
def victories(sizes: tuple[int, ...], others: int, most: int) -> dict[int, tuple[float, ...]]:
    """Party size -> for N = 1 to `most` in how many of the ways to draw N of `sum(sizes) + others` samples a party of
    that size has the most of all parties. Where it shares the first place with t more, a way counts 1 / (1 + t).

    By generating functions: the coefficient of x^N y^t in the product of what each party may contribute, given that the
    winner has c of them: fewer than c, or c once more (y).
    """
    wins: dict[int, tuple[float, ...]] = {}
    for size in dict.fromkeys(sizes):
        rivals = Counter(sizes)
        rivals[size] -= 1
        ways = [0.0] * most
        for drawn in range(1, min(size, most) + 1):
            for (rest, ties), count in _rest(rivals, others, drawn, most - drawn).items():
                ways[drawn + rest - 1] += comb(size, drawn) * count / (1 + ties)
        wins[size] = tuple(ways)
    return wins


def _rest(rivals: Counter[int], others: int, drawn: int, most: int) -> dict[tuple[int, int], int]:
    """(samples, rivals that have `drawn` of them) -> in how many ways at most `most` samples come from the rivals, none
    of which has more than `drawn`, and from the others."""
    product = {(count, 0): comb(others, count) for count in range(min(others, most) + 1)}
    for size in rivals.elements():
        grown: dict[tuple[int, int], int] = defaultdict(int)
        for (samples, ties), ways in product.items():
            for count in range(min(size, drawn, most - samples) + 1):
                grown[samples + count, ties + (count == drawn)] += ways * comb(size, count)
        product = grown
    return product

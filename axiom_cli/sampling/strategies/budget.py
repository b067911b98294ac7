"""Who gets the next samples: problems in the order of the chance that one more sample solves them, by what it costs.

A problem's chance p that a sample passes is drawn from a Beta distribution that its kind of problem (family and level)
shares; the distribution is fitted to what the run has seen of that kind, so that a kind nobody solves is left for one
that only lacks luck. The value of the j-th sample of a problem in one round is E[(1 - p)^(j - 1) p], the chance that it
is the first to pass, divided by the tokens that samples of this kind take; the highest come first. With one kind, or
before anything is known, that is an even share.
docs/decisions/0009 compares it with other rules.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import lgamma

MEANS = (0.005, 0.01, 0.02, *(step / 20 for step in range(1, 20)), 0.98)
STRENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
BEFORE = Counter({(0, 1): 1, (1, 0): 1})
"""Two problems that every kind is taken to have had, one solved and one not, so that one failure condemns no kind."""

Prior = tuple[float, float]
Seen = Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class Standing:
    """How a problem stands: its kind, how many samples passed, failed and were asked for, how many passes it needs to
    be settled, and how many tokens its samples had."""

    kind: Hashable
    passes: int
    fails: int
    tried: int
    needs: int
    tokens: int = 0


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


GRID = tuple((mean * strength, (1 - mean) * strength) for mean in MEANS for strength in STRENGTHS)
WHOLE = tuple(_log_beta(*prior) for prior in GRID)


def fit(seen: Seen) -> Prior:
    """The Beta(a, b) of GRID under which what was seen is likeliest: (passes, fails) of a problem -> how many had them.
    That sampling stopped at a success changes nothing in the likelihood."""

    def likelihood(at: int) -> float:
        a, b = GRID[at]
        return sum(count * (_log_beta(a + passes, b + fails) - WHOLE[at]) for (passes, fails), count in seen.items())

    return GRID[max(range(len(GRID)), key=likelihood)]


def priors(standings: Sequence[Standing]) -> dict[Hashable, Prior]:
    """The prior of each kind."""
    seen: dict[Hashable, Counter[tuple[int, int]]] = defaultdict(lambda: Counter(BEFORE))
    for one in standings:
        seen[one.kind][one.passes, one.fails] += 1
    return {kind: fit(counts) for kind, counts in seen.items()}


def costs(standings: Sequence[Standing]) -> dict[Hashable, float]:
    """Tokens of a sample of each kind, on average; at least one."""
    tokens, samples = Counter[Hashable](), Counter[Hashable]()
    for one in standings:
        tokens[one.kind] += one.tokens
        samples[one.kind] += one.tried
    return {kind: max(1.0, tokens[kind] / samples[kind]) if samples[kind] else 1.0 for kind in samples}


def allocate(standings: Sequence[Standing], quota: int, most: int) -> list[int]:
    """The places of the problems that get a sample each, in order, a place as often as it gets one: `quota` in all,
    none for a settled problem, and no problem more than `most` over the whole run."""
    prior, cost = priors(standings), costs(standings)
    waiting: list[tuple[float, int, int, float, float]] = []

    def enter(place: int, more: int, alone: float) -> None:
        """`more` samples are given already, none of which passes with the chance `alone`."""
        one = standings[place]
        if one.passes < one.needs and one.tried + more < most:
            a, b = prior[one.kind]
            chance = (a + one.passes) / (a + b + one.passes + one.fails + more)
            value = round(alone * chance / (one.needs - one.passes) / cost[one.kind], 12)
            heapq.heappush(waiting, (-value, one.tried + more, place, alone, chance))

    for place in range(len(standings)):
        enter(place, 0, 1.0)
    chosen: Counter[int] = Counter()
    for _ in range(quota):
        if not waiting:
            break
        _, _, place, alone, chance = heapq.heappop(waiting)
        chosen[place] += 1
        enter(place, chosen[place], alone * (1 - chance))
    return sorted(chosen.elements())

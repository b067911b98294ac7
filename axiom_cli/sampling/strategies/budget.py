"""Which problems get the next samples: those that one more sample is likeliest to solve, relative to its cost.

A problem's chance p that a sample passes is drawn from a Beta distribution that its kind of problem (family and level)
shares; the distribution is fitted to what the run has seen of that kind, so that samples move from a kind that is never
solved to one that only lacks luck. The value of the j-th sample of a problem in one round is E[(1 - p)^(j - 1) p], the
chance that it is the first to pass, divided by the tokens that samples of this kind take; the highest come first. With
one kind, or before anything is known, that is an even share. docs/decisions/0009 compares it with other rules.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import lgamma

MEANS = (0.005, 0.01, 0.02, *(step / 20 for step in range(1, 20)), 0.98)
STRENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
PSEUDO_COUNTS = Counter({(0, 1): 1, (1, 0): 1})
"""Every kind starts with two imaginary problems, one solved and one not, so that one failure does not rule it out."""

Prior = tuple[float, float]
Outcomes = Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class ProblemState:
    """One problem's state: its kind, how many samples passed, failed and were asked for, how many passes it needs to be
    settled, and how many tokens its samples had."""

    kind: Hashable
    passes: int
    fails: int
    tried: int
    needs: int
    tokens: int = 0


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


GRID = tuple((mean * strength, (1 - mean) * strength) for mean in MEANS for strength in STRENGTHS)
LOG_NORMALIZERS = tuple(_log_beta(*prior) for prior in GRID)


def fit(outcomes: Outcomes) -> Prior:
    """The Beta(a, b) of GRID under which the outcomes are likeliest: (passes, fails) -> how many problems had them. The
    likelihood is the same though sampling stops at a success."""

    def likelihood(at: int) -> float:
        a, b = GRID[at]
        return sum(
            count * (_log_beta(a + passes, b + fails) - LOG_NORMALIZERS[at])
            for (passes, fails), count in outcomes.items()
        )

    return GRID[max(range(len(GRID)), key=likelihood)]


def priors(states: Sequence[ProblemState]) -> dict[Hashable, Prior]:
    """The prior of each kind."""
    outcomes: dict[Hashable, Counter[tuple[int, int]]] = defaultdict(lambda: Counter(PSEUDO_COUNTS))
    for state in states:
        outcomes[state.kind][state.passes, state.fails] += 1
    return {kind: fit(counts) for kind, counts in outcomes.items()}


def costs(states: Sequence[ProblemState]) -> dict[Hashable, float]:
    """The average number of tokens of a sample of each kind; at least one."""
    tokens, samples = Counter[Hashable](), Counter[Hashable]()
    for state in states:
        tokens[state.kind] += state.tokens
        samples[state.kind] += state.tried
    return {kind: max(1.0, tokens[kind] / samples[kind]) if samples[kind] else 1.0 for kind in samples}


def allocate(states: Sequence[ProblemState], quota: int, most: int) -> list[int]:
    """The places of the problems that get the next `quota` samples, in order, each as often as it gets one. A settled
    problem gets none, and no problem more than `most` over the whole run."""
    prior, cost = priors(states), costs(states)
    queue: list[tuple[float, int, int, float, float]] = []

    def push(place: int, given: int, p_none_so_far: float) -> None:
        """`given` samples are allocated already; with probability `p_none_so_far` none of them passes."""
        state = states[place]
        if state.passes < state.needs and state.tried + given < most:
            a, b = prior[state.kind]
            p_pass = (a + state.passes) / (a + b + state.passes + state.fails + given)
            value = round(p_none_so_far * p_pass / (state.needs - state.passes) / cost[state.kind], 12)
            heapq.heappush(queue, (-value, state.tried + given, place, p_none_so_far, p_pass))

    for place in range(len(states)):
        push(place, 0, 1.0)
    chosen: Counter[int] = Counter()
    for _ in range(quota):
        if not queue:
            break
        _, _, place, p_none_so_far, p_pass = heapq.heappop(queue)
        chosen[place] += 1
        push(place, chosen[place], p_none_so_far * (1 - p_pass))
    return sorted(chosen.elements())

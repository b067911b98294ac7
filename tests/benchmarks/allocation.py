"""Rules that say which problem gets the next samples, on problems with made-up chances. By hand:

    PYTHONPATH=. python tests/benchmarks/allocation.py [--runs 20] [--samples 8] [--problems 200]

Each rule meets the same problems and the same luck. `to equal` is the mean share of fixed best-of-n's samples after
which a rule has solved as many problems; `solved` and `used` are what it came to in all, `rounds` how often
the engine was asked. docs/decisions/0009 has the table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import fmean

from axiom_cli.sampling.strategies.adaptive import GROWTH, SPREAD
from axiom_cli.sampling.strategies.budget import ProblemState, allocate, priors

EIGHT = (0.95, 0.85, 0.7, 0.5, 0.3, 0.15, 0.05, 0.02)
WORLDS: dict[str, tuple[Sequence[float], float]] = {
    "one kind, U-shaped: Beta(0.3, 0.3)": ((0.5,), 0.6),
    "one kind, hard: Beta(0.2, 0.8)": ((0.2,), 1.0),
    "eight kinds, each U-shaped": (EIGHT, 0.7),
    "eight kinds, each narrow": (EIGHT, 6.0),
}
"""Means of the kinds, and a + b of the Beta distribution of a kind's problems."""


@dataclass
class World:
    """Problems with a chance each, and one fixed piece of luck for each sample."""

    chances: list[float]
    kinds: list[int]
    name: str
    tried: list[int] = field(default_factory=list)
    won: list[int] = field(default_factory=list)

    def fresh(self) -> World:
        """The same, before any sample."""
        zeros = [0] * len(self.chances)
        return World(self.chances, self.kinds, self.name, zeros, list(zeros))

    def sample(self, places: Sequence[int]) -> None:
        """One sample for each place named."""
        for place in places:
            lucky = Random(f"{self.name}/{place}/{self.tried[place]}").random() < self.chances[place]
            self.tried[place] += 1
            self.won[place] += lucky

    def open(self, most: int) -> list[int]:
        """Places that are unsolved and have had fewer than `most`."""
        return [p for p, won in enumerate(self.won) if not won and self.tried[p] < most]

    def states(self, kinds: bool = True) -> list[ProblemState]:
        """As the product sees them."""
        rows = zip(self.kinds, self.won, self.tried, strict=True)
        return [ProblemState(kind if kinds else 0, won, tried - won, tried, 1) for kind, won, tried in rows]


def world(means: Sequence[float], strength: float, count: int, name: str) -> World:
    """`count` problems, the kinds by turns."""
    random = Random(name)
    kinds = [place % len(means) for place in range(count)]
    chances = [random.betavariate(means[kind] * strength, (1 - means[kind]) * strength) for kind in kinds]
    return World(chances, kinds, name)


Rule = Callable[[World, int, int, Random], list[int]]


def greedy(world: World, quota: int, most: int, random: Random) -> list[int]:
    """The highest posterior chance of the next success, with a prior for each kind: what `adaptive` does."""
    return allocate(world.states(), quota, most)


def even(world: World, quota: int, most: int, random: Random) -> list[int]:
    """The same with one prior for all: the least sampled first."""
    return allocate(world.states(kinds=False), quota, most)


def thompson(world: World, quota: int, most: int, random: Random) -> list[int]:
    """The highest draws from the posteriors, one sample each, with the priors of greedy."""
    prior = priors(world.states())
    draws = [
        (random.betavariate(prior[world.kinds[p]][0], prior[world.kinds[p]][1] + world.tried[p]), p)
        for p in world.open(most)
    ]
    return sorted(place for _, place in sorted(draws, reverse=True)[: max(1, min(quota, len(draws) // 2))])


def halving(world: World, quota: int, most: int, random: Random) -> list[int]:
    """Two samples for the better half: fewest tries for each problem that was solved of the kind."""
    solved = {
        kind: sum(won > 0 for k, won in zip(world.kinds, world.won, strict=True) if k == kind) for kind in world.kinds
    }
    order = sorted(world.open(most), key=lambda p: world.tried[p] / (1 + solved[world.kinds[p]]))
    return sorted((order[: max(1, len(order) // 2)] * 2)[:quota])


RULES: dict[str, Rule] = {"greedy": greedy, "even": even, "Thompson": thompson, "halving": halving}
Curve = list[tuple[int, int]]


def fixed(world: World, samples: int) -> Curve:
    """All at once."""
    world.sample([p for p in range(len(world.chances)) for _ in range(samples)])
    return [(sum(world.tried), sum(won > 0 for won in world.won))]


def until_solved(world: World, samples: int) -> Curve:
    """1, 1, 2, 4, ... of each that is unsolved."""
    curve, have, step = [], 0, 1
    while step and (places := world.open(samples)):
        world.sample([p for p in places for _ in range(step)])
        have += step
        step = min(have, samples - have)
        curve.append((sum(world.tried), sum(won > 0 for won in world.won)))
    return curve


def searched(world: World, samples: int, rule: Rule) -> Curve:
    """Rounds as `adaptive` makes them."""
    curve, count, random = [], len(world.chances), Random(f"{world.name}/rule")
    budget, places = samples * count, list(range(count))
    while places:
        world.sample(places)
        used = sum(world.tried)
        curve.append((used, sum(won > 0 for won in world.won)))
        unsolved = sum(not won for won in world.won)
        quota = min(budget - used, max(unsolved, count // GROWTH, used // GROWTH))
        places = rule(world, quota, SPREAD * samples, random) if quota and unsolved else []
    return curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--problems", type=int, default=200)
    options = parser.parse_args()
    ways = {"fixed": fixed, "until solved": until_solved}
    ways |= {name: lambda each, n, rule=rule: searched(each, n, rule) for name, rule in RULES.items()}
    for title, (means, strength) in WORLDS.items():
        print(f"\n{title}\n{'':14}{'solved':>8}{'used':>8}{'to equal':>10}{'rounds':>8}")
        worlds = [world(means, strength, options.problems, f"{title}/{run}") for run in range(options.runs)]
        base = [fixed(each.fresh(), options.samples)[0] for each in worlds]
        for name, way in ways.items():
            curves = [way(each.fresh(), options.samples) for each in worlds]
            equal = [
                next((used for used, solved in curve if solved >= goal), curve[-1][0]) / most
                for curve, (most, goal) in zip(curves, base, strict=True)
            ]
            solved, used = fmean(c[-1][1] for c in curves), fmean(c[-1][0] for c in curves) / base[0][0]
            print(f"{name:14}{solved:8.1f}{used:8.2f}{fmean(equal):10.2f}{fmean(map(len, curves)):8.1f}")


if __name__ == "__main__":
    main()

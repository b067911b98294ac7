"""Where a round's training problems come from: mostly from where the model solves some and fails some.

A group of samples that all pass or all fail teaches nothing (2504.11343), and problems that are never solved give no
signal (2509.21016). So a bucket (family, level) whose validation pass rate is p gets problems in proportion to
p (1 - p), plus a few everywhere, so that no level is forgotten and one that was too hard is tried again.

Families give fresh problems in every round. A file has a fixed number of problems: it gives each once before it
gives one again, and never one twice in a round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from axiom_cli.errors import NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.importing.sources import Endless, Problems, content
from axiom_cli.importing.splitting import Pool, Supply
from axiom_cli.learning.replay import MAX_PER_PROBLEM
from axiom_cli.learning.train import MIN_ROWS
from axiom_cli.records import Metrics, Problem
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.wording import plural

FLOOR = 0.01
"""What every bucket gets beside p (1 - p), which is 0.25 at most."""
ENDLESS = 20_000
"""A bucket with this many problems counts as endless."""
MORE_PROBLEMS = "use fewer --iterations, a smaller --train-size, more levels (--max-difficulty) or more --problems"


class Bucket(NamedTuple):
    """A family at one level, of the source with that place in --problems."""

    family: str
    level: int
    source: int = 0


class Drawn(NamedTuple):
    """A round's problems. Of those from finite sources, `seen` were in earlier rounds and `new` were not."""

    problems: list[Problem]
    new: int = 0
    seen: int = 0


def pass_rates(rows: Iterable[Metrics]) -> dict[tuple[str, int], float]:
    """The pass rate of each family at each level among evaluation rows, as if two more problems had been tried, and
    solved at the rate of the level below (at 1 below the lowest): next to none is left far above what is solved."""
    rates: dict[tuple[str, int], float] = {}
    by_level = sorted((r for r in rows if r.family != "all" and r.level), key=lambda r: r.level or 0)
    for row in by_level:
        below = rates.get((row.family, (row.level or 0) - 1), 1.0)
        rates[row.family, row.level or 0] = (row.passed + 2 * below) / (row.n + 2)
    return rates


def buckets(supply: Supply, tops: Mapping[str, int] = {}) -> dict[Bucket, float]:
    """What a run draws from, the lower levels first, each with its weight: that of its source, which the source's
    buckets share alike. Where all sources have as many buckets and no weights, every weight is 1. Of a family in `tops`
    there is no level above that one."""
    by_source = [
        [bucket for bucket in _buckets_of(source, place) if bucket.level <= tops.get(bucket.family, bucket.level)]
        for place, source in enumerate(supply.sources)
    ]
    most = max(map(len, by_source), default=0)
    weights = {
        bucket: source.source.weight * most / len(some)
        for source, some in zip(supply.sources, by_source, strict=True)
        for bucket in some
    }
    return dict(sorted(weights.items(), key=lambda item: (item[0].level, item[0].source)))


def _buckets_of(source: Endless | Pool, place: int) -> list[Bucket]:
    if isinstance(source, Endless):
        return [Bucket(source.family.name, level, place) for level in source.levels]
    return sorted({Bucket(problem.family, problem.level, place) for problem in source.problems})


def allocate(
    drawn_from: Sequence[Bucket],
    rates: Mapping[tuple[str, int], float],
    count: int,
    weights: Mapping[Bucket, float] = {},
    most: Mapping[Bucket, int] = {},
) -> dict[Bucket, int]:
    """`count` problems over buckets, by largest remainder; an unknown rate counts as one half. No bucket
    gets more than `most` says it has; the others share what is left. Where all run out, the sum is below `count`."""
    shares = dict.fromkeys(drawn_from, 0)
    open_ = list(drawn_from)
    while open_:
        given = _by_weight(open_, rates, count - sum(shares[b] for b in drawn_from if b not in open_), weights)
        over = [bucket for bucket in open_ if given[bucket] > most.get(bucket, count)]
        shares |= given | {bucket: most[bucket] for bucket in over}
        if not over:
            break
        open_ = [bucket for bucket in open_ if bucket not in over]
    return shares


def _by_weight(
    drawn_from: Sequence[Bucket], rates: Mapping[tuple[str, int], float], count: int, factors: Mapping[Bucket, float]
) -> dict[Bucket, int]:
    known = [rates.get((bucket.family, bucket.level), 0.5) for bucket in drawn_from]
    weights = [
        (rate * (1 - rate) + FLOOR) * factors.get(bucket, 1.0) for bucket, rate in zip(drawn_from, known, strict=True)
    ]
    total = sum(weights)
    exact = [count * weight / total for weight in weights]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(drawn_from)), key=lambda i: (whole[i] - exact[i], i))
    for i in by_remainder[: count - sum(whole)]:
        whole[i] += 1
    return dict(zip(drawn_from, whole, strict=True))


class ProblemStream:
    """A run's training problems (or those of another `split`), bucket by bucket. Families draw none that a teacher has
    `taught`; `left_out` counts those that they drew although they are held out, since a file holds them too."""

    def __init__(self, supply: Supply, seed: int, taught: Iterable[Problem] = (), split: str = "train") -> None:
        self.seed, self.supply, self.split, self.left_out = seed, supply, split, 0
        self._taught = {problem.id for problem in taught}
        self._streams: dict[Bucket, Iterator[Problem]] = {}
        self._turns: Counter[Bucket] = Counter()
        self.pools: dict[Bucket, list[Problem]] = {}
        for place, source in enumerate(supply.sources):
            if isinstance(source, Pool):
                for problem in sorted(source.problems, key=lambda problem: content_id([seed, content(problem)], 16)):
                    self.pools.setdefault(Bucket(problem.family, problem.level, place), []).append(problem)

    @property
    def most(self) -> dict[Bucket, int]:
        """How many problems a round can take from each bucket that can run out."""
        return {bucket: len(pool) for bucket, pool in self.pools.items()}

    def draw(self, counts: Mapping[Bucket, int], warn: Callable[[str], None]) -> Drawn:
        """As many problems of each bucket as `counts` says, in the order of the buckets.

        What a bucket lacks comes from the others, those of the largest counts first, with a call of `warn`. Raises
        NothingToDoError where all buckets together have too few, unless there are pools: then the round is smaller.
        """
        begun = dict(self._turns)
        problems: list[Problem] = []
        exhausted = []
        for bucket, count in counts.items():
            taken = self.take(bucket, count, begun)
            problems += taken
            if len(taken) < count:
                exhausted.append(f"{bucket[0]} level {bucket[1]}")
        total = sum(counts.values())
        for bucket in sorted(counts, key=lambda bucket: -counts[bucket]):
            problems += self.take(bucket, total - len(problems), begun)
        if len(problems) < total and not (self.pools and problems):
            raise NothingToDoError(
                f"only {len(problems):,} of {total:,} fresh training problems are left", MORE_PROBLEMS
            )
        if exhausted:
            warn(f"no fresh training problems are left of {', '.join(exhausted)}: other levels make up for them")
        drawn = {bucket: (begun.get(bucket, 0), turn) for bucket, turn in self._turns.items()}
        seen = sum(max(0, turn - max(before, len(self.pools[bucket]))) for bucket, (before, turn) in drawn.items())
        return Drawn(problems, sum(turn - before for before, turn in drawn.values()) - seen, seen)

    def take(self, bucket: Bucket, count: int, begun: Mapping[Bucket, int] | None = None) -> list[Problem]:
        """`count` more problems of a bucket, or what is left of it; of a pool at most what a round that began at these
        turns has not had yet."""
        if bucket in self.pools:
            pool, turn = self.pools[bucket], self._turns[bucket]
            had = 0 if begun is None else turn - begun.get(bucket, 0)
            count = min(count, len(pool) - had)
            self._turns[bucket] += count
            return [pool[(turn + i) % len(pool)] for i in range(count)]
        if bucket not in self._streams:
            self._streams[bucket] = self._fresh(bucket)
        taken: list[Problem] = []
        with suppress(NothingToDoError):
            for problem in islice(self._streams[bucket], count):
                taken.append(problem)
        return taken

    def _fresh(self, bucket: Bucket) -> Iterator[Problem]:
        source = self.supply.sources[bucket.source]
        assert isinstance(source, Endless)
        for problem in source.stream(bucket.level, self.split, self.seed):
            if problem in self.supply.foreign:
                self.left_out += 1
            elif problem.id not in self._taught:
                yield problem


def check_fresh(problems: Problems, config: LoopConfig) -> None:
    """Raises NothingToDoError where families alone have fewer training problems than the run will draw. A bucket with
    ENDLESS problems is enough, and so is a family that is slow to draw."""
    if problems.finite or any(source.family.slow for source in problems.endless):
        return
    supply = Supply(problems.endless)
    stream, available = ProblemStream(supply, config.seed), 0
    needed = config.coldstart + config.iterations * config.train_size
    for bucket in buckets(supply):
        taken = len(stream.take(bucket, min(ENDLESS, needed - available)))
        available += taken
        if taken == ENDLESS:
            return
    if available < needed:
        rounds = f"{config.iterations} rounds of {config.train_size:,} problems"
        raise NothingToDoError(f"{rounds} need {needed:,}, but only {available:,} exist", MORE_PROBLEMS)


def check_rows(supply: Supply, config: LoopConfig) -> None:
    """Raises NothingToDoError where pools alone have so few problems that a round cannot reach MIN_ROWS."""
    if supply.endless:
        return
    problems = min(config.train_size, sum(len(pool.problems) for pool in supply.pools))
    samples = min(config.solve.samples, MAX_PER_PROBLEM)
    if problems * samples < MIN_ROWS:
        names = ", ".join(pool.source.name for pool in supply.pools)
        few = f"{plural(problems, 'training problem')} x {plural(samples, 'sample')}"
        raise NothingToDoError(f"{names}: {few} give fewer than {MIN_ROWS} rows", "add rows, or raise --samples (to 4)")

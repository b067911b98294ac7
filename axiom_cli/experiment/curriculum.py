"""Where a round's training problems come from: mostly from where the model solves some and fails some.

A group of samples that all pass or all fail teaches nothing (2504.11343), and problems that are never solved give no
signal (2509.21016). So a bucket (family, level) whose validation pass rate is p gets problems in proportion to
p (1 - p), plus a few everywhere, so that no level is forgotten and one that was too hard is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from axiom_cli.errors import NothingToDoError, UsageError
from axiom_cli.problems import families
from axiom_cli.problems.families import draw
from axiom_cli.records import Metrics, Problem
from axiom_cli.settings.configs import LoopConfig

Bucket = tuple[str, int]
"""A family at one level."""
FLOOR = 0.02
"""What every bucket gets beside p (1 - p), which is 0.25 at most."""
ENDLESS = 20_000
"""A bucket with this many problems counts as endless."""
MORE_PROBLEMS = "use fewer --iterations, a smaller --train-size, more levels (--max-difficulty) or more --problems"


def pass_rates(rows: Iterable[Metrics]) -> dict[Bucket, float]:
    """The pass rate of each bucket among evaluation rows, smoothed as if one more problem had been solved and one more
    failed."""
    return {(r.family, r.level): (r.passed + 1) / (r.n + 2) for r in rows if r.family != "all" and r.level}


def buckets(names: Sequence[str], config: LoopConfig) -> list[Bucket]:
    """What a run draws from, the lower levels first. Raises UsageError where a family has no answer problems, or none
    of the levels."""
    levels = range(config.min_difficulty, config.max_difficulty + 1)
    for name in names:
        family = families.get(name)
        if "answer" not in family.forms:
            raise UsageError(f"{name} asks for programs", "--problems takes families with answers")
        if not set(levels) & set(family.has):
            raise UsageError(
                f"{name} does not have level {draw.format_levels(levels)}; it has {draw.format_levels(family.has)}",
                "choose others with --min-difficulty and --max-difficulty",
            )
    return [(name, level) for level in levels for name in names if level in families.get(name).has]


def allocate(buckets: Sequence[Bucket], rates: Mapping[Bucket, float], count: int) -> dict[Bucket, int]:
    """`count` problems over the buckets, by largest remainder. An unknown rate counts as one half."""
    weights = [rates.get(bucket, 0.5) * (1 - rates.get(bucket, 0.5)) + FLOOR for bucket in buckets]
    exact = [count * weight / sum(weights) for weight in weights]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(buckets)), key=lambda i: (whole[i] - exact[i], i))
    for i in by_remainder[: count - sum(whole)]:
        whole[i] += 1
    return dict(zip(buckets, whole, strict=True))


class ProblemStream:
    """Fresh training problems, bucket by bucket: no problem is drawn twice, and none that a teacher has `taught`."""

    def __init__(self, seed: int, taught: Iterable[Problem] = ()) -> None:
        self.seed, self._taught = seed, {problem.id for problem in taught}
        self._streams: dict[Bucket, Iterator[Problem]] = {}

    def draw(self, counts: Mapping[Bucket, int], warn: Callable[[str], None]) -> list[Problem]:
        """As many problems of each bucket as `counts` says, in the order of the buckets.

        What a bucket lacks comes from the others, those of the largest counts first, with a call of `warn`. Raises
        NothingToDoError where all buckets together have too few.
        """
        problems: list[Problem] = []
        exhausted = []
        for (family, level), count in counts.items():
            taken = self.take((family, level), count)
            problems += taken
            if len(taken) < count:
                exhausted.append(f"{family} level {level}")
        total = sum(counts.values())
        for bucket in sorted(counts, key=lambda bucket: -counts[bucket]):
            problems += self.take(bucket, total - len(problems))
        if len(problems) < total:
            raise NothingToDoError(
                f"only {len(problems):,} of {total:,} fresh training problems are left", MORE_PROBLEMS
            )
        if exhausted:
            warn(f"no fresh training problems are left of {', '.join(exhausted)}: other levels make up for them")
        return problems

    def take(self, bucket: Bucket, count: int) -> list[Problem]:
        """`count` more problems of a bucket, or what is left of it."""
        if bucket not in self._streams:
            family, level = bucket
            self._streams[bucket] = draw.stream(family, level, "train", self.seed, "answer")
        taken: list[Problem] = []
        with suppress(NothingToDoError):
            fresh = (problem for problem in self._streams[bucket] if problem.id not in self._taught)
            for problem in islice(fresh, count):
                taken.append(problem)
        return taken


def held_out(buckets: Sequence[Bucket], config: LoopConfig, split: str) -> list[Problem]:
    """The problems of `val` or `test`, as evenly over the buckets as their number allows. NothingToDoError where a
    level has too few."""
    names = list(dict.fromkeys(family for family, _ in buckets))
    levels = range(min(level for _, level in buckets), max(level for _, level in buckets) + 1)
    try:
        return list(draw.problems(names, getattr(config, f"{split}_size"), levels, split, config.seed))
    except NothingToDoError as error:
        raise NothingToDoError(str(error), f"use a smaller --{split}-size, or other levels or --problems") from None


def check_supply(buckets: Sequence[Bucket], config: LoopConfig) -> None:
    """Raises NothingToDoError where the run would find out later that it has too few problems. A bucket with ENDLESS
    problems is enough, and so is a family that is slow to draw."""
    if any(families.get(name).slow for name, _ in buckets):
        return
    stream, available = ProblemStream(config.seed), 0
    needed = config.coldstart + config.iterations * config.train_size
    for bucket in buckets:
        taken = len(stream.take(bucket, min(ENDLESS, needed - available)))
        available += taken
        if taken == ENDLESS:
            break
    else:
        if available < needed:
            rounds = f"{config.iterations} rounds of {config.train_size:,} problems"
            raise NothingToDoError(f"{rounds} need {needed:,}, but only {available:,} exist", MORE_PROBLEMS)
    for split in ("val", "test"):
        held_out(buckets, config, split)

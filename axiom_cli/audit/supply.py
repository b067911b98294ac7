"""How many distinct problems a family has at its scarcest level, and whether a split has as many as requested.

The repeats among random draws tell how many problems there are. Let d be the distinct ones among the draws of a level,
f1 those drawn once and f2 those drawn twice: d + f1 (f1 - 1) / (2 (f2 + 1)) estimates their number from below, without
bias if all are equally likely (Chao 1984, "Nonparametric estimation of the number of classes in a population",
bias-corrected form). If none was drawn exactly once, none is assumed to be left (Good 1953: the unseen share of the
draws is f1 / draws) and d is exact. It is also exact if a stream of problems is drawn to its end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from random import Random
from typing import Any

from axiom_cli.audit.request import NO_TASKS, AuditRequest, Tasks
from axiom_cli.errors import NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.family import Family

DRAWS = {"answer": (300, 10_000), "program": (100, 2_000), "slow": (60, 300)}
"""By form, or for slow families: draws of each level to find the scarcest one, and draws of that one to count it.
Exercises are slow to draw."""
MOST_DRAWN, SURE = 10_000, 3
"""A split of at most this many problems is drawn in full, unless the low estimate is `SURE` times as high."""


@dataclass(frozen=True)
class Amount:
    """A number of distinct problems, estimated unless `exact`, and how many repeats to expect among as many draws with
    replacement as were requested."""

    problems: int
    exact: bool
    duplicates: float

    def __str__(self) -> str:
        return f"{'' if self.exact else 'about '}{self.problems:,}"


@dataclass(frozen=True)
class Supply:
    """The scarcest level: its problems, and those of each requested split."""

    level: int
    whole: Amount
    count: int
    splits: Mapping[str, Amount]

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary."""
        splits = {split: asdict(amount) for split, amount in self.splits.items()}
        return {"level": self.level, **asdict(self.whole), "count": self.count, "splits": splits}

    def shortage(self) -> str:
        """The splits with too few problems, in words: `level 1 has 341 in test`. Empty if there are none."""
        few = [f"{amount} in {split}" for split, amount in self.splits.items() if amount.problems < self.count]
        return f"level {self.level} has {', '.join(few)}" if few else ""


def estimate(times: Counter[str], count: int) -> Amount:
    """Estimates how many problems there are from how often each was drawn (`times`)."""
    once, twice = (sum(n == wanted for n in times.values()) for wanted in (1, 2))
    problems = len(times) + once * (once - 1) // (2 * (twice + 1))
    return Amount(problems, once == 0, expected_repeats(count, problems))


def expected_repeats(count: int, problems: int) -> float:
    """The expected number of repeats among `count` draws with replacement from equally likely `problems`."""
    if problems < 2:
        return float(max(0, count - problems))
    return round(count + problems * math.expm1(count * math.log1p(-1 / problems)), 1)


def supply(family: Family, form: str, request: AuditRequest, tasks: Tasks = NO_TASKS) -> Supply:
    """The supply of the level with the fewest problems, by DRAWS draws: those drawn as `tasks`, then fresh ones.

    In the program form, each exercise makes one problem, and exercises are counted. There, and for a slow family, a
    split gets its share of them: 8, 1 or 1 in 10. Where few draws of a slow family gave no repeat, they do not show how
    few problems there are, and `splits` is empty.
    """
    count = request.count

    def draw_level(level: int, draws: int) -> Counter[str]:
        """How often each problem that the level owns is drawn."""
        times: Counter[str] = Counter()
        random, drawn = Random(), tasks.get(level, ())
        for n in range(draws):
            random.seed(f"{request.seed}/supply/{family.name}/{level}/{n}")
            task = drawn[n] if n < len(drawn) else family.draw(random, level)
            identity = _identity(family, task, level, form, random)
            levels = family.shared(task, level, form)
            if len(levels) == 1 or draw.owner(identity, levels) == level:
                times[identity] += 1
        return times

    few_draws, many_draws = DRAWS["slow" if family.slow else form]
    sizes = {}
    for level in family.has:
        request.progress(f"supply of level {level}")
        sizes[level] = estimate(draw_level(level, few_draws), count).problems
    scarcest = min(family.has, key=lambda level: sizes[level])
    times = draw_level(scarcest, many_draws)
    whole = estimate(times, count)
    splits: dict[str, Amount] = {}
    if form == "answer" and not family.slow:
        splits = {split: _draw_split(family, scarcest, split, times, request) for split in request.splits}
    elif not family.slow or len(times) < times.total():
        shares = {split: whole.problems * len(draw.SPLITS[split]) // 10 for split in request.splits}
        splits = {split: Amount(n, exact=False, duplicates=expected_repeats(count, n)) for split, n in shares.items()}
    return Supply(scarcest, whole, count, splits)


def _draw_split(family: Family, level: int, split: str, times: Counter[str], request: AuditRequest) -> Amount:
    """The problems of a level in one split. They are drawn if the estimate leaves open whether there are enough."""
    count = request.count
    estimated = estimate(Counter({key: n for key, n in times.items() if draw.split_of(key) == split}), count)
    if count > MOST_DRAWN or estimated.problems > SURE * count:
        return estimated
    drawn = 0
    try:
        for _ in islice(draw.draws(family, level, split, request.seed, "answer"), count):
            drawn += 1
    except NothingToDoError:
        return Amount(drawn, exact=True, duplicates=expected_repeats(count, drawn))
    problems = max(drawn, estimated.problems)
    return Amount(problems, exact=False, duplicates=expected_repeats(count, problems))


def _identity(family: Family, task: Any, level: int, form: str, random: Random) -> str:
    """The problem's id; in the program form the exercise's, since building its program is slow."""
    if form == "answer":
        return content_id([family.name, form, family.statement(task)], 16)
    exercise = family.exercise(task, level, random)
    return content_id([exercise.signature, exercise.returns], 16)

"""How many distinct problems a family has at its scarcest level, and whether a split of so many can be had.

Problems that are drawn again and again tell how many there are. Let d be the distinct ones among the draws of a level,
f1 those drawn once and f2 those drawn twice: d + f1 (f1 - 1) / (2 (f2 + 1)) estimates their number from below, and
without bias where all are equally likely (Chao 1984, "Nonparametric estimation of the number of classes in a
population", in its bias-corrected form). Where none was drawn only once, nothing is taken to be left (Good 1953: the
share of the draws yet unseen is f1 / draws), and d is the number itself. So it is where a stream of problems is drawn
to its end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from random import Random
from typing import Any

from axiom_cli.audit.guess_rate import NONE, Tasks, Watch, unwatched
from axiom_cli.errors import NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.family import Family

DRAWS = {"answer": (300, 10_000), "program": (100, 2_000), "slow": (60, 300)}
"""By form, or for slow families: draws of each level to find the scarcest, and of that one to count it. Exercises are
drawn slowly."""
MOST_DRAWN, SURE = 10_000, 3
"""Up to so many problems are really drawn of a split, unless the estimate, which is low, is `SURE` times as high."""


@dataclass(frozen=True)
class Amount:
    """Distinct problems, `exact` unless estimated, and how many of those drawn with replacement would be repeats."""

    problems: int
    exact: bool
    duplicates: float

    def __str__(self) -> str:
        return f"{'' if self.exact else 'about '}{self.problems:,}"


@dataclass(frozen=True)
class Supply:
    """The scarcest level: its problems, and those of each split asked about."""

    level: int
    whole: Amount
    count: int
    splits: Mapping[str, Amount]

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary."""
        return {"level": self.level, **asdict(self.whole), "count": self.count, "splits": self._splits()}

    def _splits(self) -> dict[str, Any]:
        return {split: asdict(amount) for split, amount in self.splits.items()}

    def short(self) -> str:
        """What cannot be had, in words: `level 1 has 341 in test`; nothing where all can."""
        few = [f"{amount} in {split}" for split, amount in self.splits.items() if amount.problems < self.count]
        return f"level {self.level} has {', '.join(few)}" if few else ""


def amount(times: Counter[str], count: int) -> Amount:
    """How many there are, where each was met so many `times`."""
    once, twice = (sum(n == wanted for n in times.values()) for wanted in (1, 2))
    found = len(times) + once * (once - 1) // (2 * (twice + 1))
    return Amount(found, once == 0, duplicates(count, found))


def duplicates(count: int, problems: int) -> float:
    """The expected number of repeated ones among `count` drawn with replacement from equally likely `problems`."""
    if problems < 2:
        return float(max(0, count - problems))
    return round(count + problems * math.expm1(count * math.log1p(-1 / problems)), 1)


def supply(
    family: Family,
    form: str,
    count: int,
    splits: tuple[str, ...],
    seed: int,
    tasks: Tasks = NONE,
    watch: Watch = unwatched,
) -> Supply:
    """The supply of the level with the fewest problems, by DRAWS draws: those that were drawn as `tasks`, then fresh
    ones. `watch` is told how far it is.

    In the program form exercises are counted, each of which makes one problem. There, and where a family is slow, a
    split has its share of them: 8, 1 or 1 in 10. Where few were drawn of a slow family, and none twice, they do not
    tell how few there are, and nothing is said of splits.
    """
    look, stare = DRAWS["slow" if family.slow else form]
    met = {}
    for level in family.has:
        watch(f"supply of level {level}")
        met[level] = amount(_times(family, level, form, look, seed, tasks), count).problems
    scarcest = min(family.has, key=lambda level: met[level])
    times = _times(family, scarcest, form, stare, seed, tasks)
    whole = amount(times, count)
    if family.slow and len(times) == times.total():
        parts = {}
    elif form == "answer" and not family.slow:
        parts = {split: _part(family, scarcest, split, times, count, seed) for split in splits}
    else:
        sizes = {split: whole.problems * len(draw.SPLITS[split]) // 10 for split in splits}
        parts = {split: Amount(size, False, duplicates(count, size)) for split, size in sizes.items()}
    return Supply(scarcest, whole, count, parts)


def _part(family: Family, level: int, split: str, times: Counter[str], count: int, seed: int) -> Amount:
    """What a split has of a level. Where the estimate leaves it open whether there are `count`, they are drawn."""
    guessed = amount(Counter({key: n for key, n in times.items() if draw.split_of(key) == split}), count)
    if count > MOST_DRAWN or guessed.problems > SURE * count:
        return guessed
    found = 0
    try:
        for _ in islice(draw.draws(family, level, split, seed, "answer"), count):
            found += 1
    except NothingToDoError:
        return Amount(found, True, duplicates(count, found))
    problems = max(found, guessed.problems)
    return Amount(problems, False, duplicates(count, problems))


def _times(family: Family, level: int, form: str, draws: int, seed: int, tasks: Tasks = NONE) -> Counter[str]:
    """How often each problem that the level owns was drawn."""
    found: Counter[str] = Counter()
    random, drawn = Random(), tasks.get(level, ())
    for n in range(draws):
        random.seed(f"{seed}/supply/{family.name}/{level}/{n}")
        task = drawn[n] if n < len(drawn) else family.draw(random, level)
        key = _key(family, task, level, form, random)
        levels = family.shared(task, level, form)
        if len(levels) == 1 or draw.owner(key, levels) == level:
            found[key] += 1
    return found


def _key(family: Family, task: Any, level: int, form: str, random: Random) -> str:
    """The problem's id; an exercise's own, since its program takes long to build."""
    if form == "answer":
        return content_id([family.name, form, family.statement(task)], 16)
    exercise = family.exercise(task, level, random)
    return content_id([exercise.signature, exercise.returns], 16)

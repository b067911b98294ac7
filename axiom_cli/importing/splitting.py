"""What trains, what selects and what measures: the problems of a run's sources as training, validation and test.

A family draws each split by itself. The rows of a finite source go where their own `split` says; where no row of it is
of split val (or test), a share of the others becomes that. A row's place depends on its prompt, without white space and
case, and on the seed alone: neither the order of the file nor rows that come later move it, so that what was held out
in one run is held out in the next one, in which the file is longer. Training rows that have an equal among the held-out
problems, or share eight words in a row with one of them, are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from axiom_cli.errors import NothingToDoError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.importing.source_names import SourceName
from axiom_cli.importing.sources import Endless, Problems, content, sample
from axiom_cli.percentages import parse_percentages
from axiom_cli.problems.decontamination import PromptSet, overlapping_problems
from axiom_cli.problems.families import draw
from axiom_cli.records import Problem
from axiom_cli.wording import plural

HELD_OUT = ("val", "test")
ROLES: Mapping[str, str] = {"val": "validation", "test": "test"}
TEMPLATES = "a column `family` tells templates apart: what the problems of a family share is not counted"


class Shares(NamedTuple):
    """Which share of a finite source's rows trains, validates and tests; they add up to 1."""

    train: float
    val: float
    test: float


@dataclass(frozen=True)
class Pool:
    """The training rows of a finite source, and how many were left out: those `equal` to a held-out problem, and others
    that are `similar` to one."""

    source: SourceName
    problems: Sequence[Problem]
    equal: int = 0
    similar: int = 0


@dataclass(frozen=True)
class Supply:
    """The problems of a run, its training problems by source. `digests` has the rows of each finite source by its name,
    those of --val and --test too. `foreign` are the held-out problems that no family of the run drew."""

    sources: Sequence[Endless | Pool]
    val: Sequence[Problem] = ()
    test: Sequence[Problem] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    foreign: PromptSet = field(default_factory=PromptSet)

    @cached_property
    def endless(self) -> list[Endless]:
        """The families."""
        return [source for source in self.sources if isinstance(source, Endless)]

    @cached_property
    def pools(self) -> list[Pool]:
        """The training rows of the finite sources."""
        return [source for source in self.sources if isinstance(source, Pool)]

    @cached_property
    def most(self) -> int:
        """How many training problems a round can have: any number with a family."""
        return sys.maxsize if self.endless else sum(len(pool.problems) for pool in self.pools)

    def describe(self) -> str:
        """`rpn, list_ops at levels 3-7; mine.csv, 160 problems`."""
        parts = []
        for (levels, form), some in groupby(self.endless, lambda source: (tuple(source.levels), source.form)):
            names = ", ".join(source.family.name for source in some)
            parts.append(f"{names}{' (programs)' * (form == 'program')} at {draw.say_levels(levels)}")
        parts += [f"{pool.source.name}, {plural(len(pool.problems), 'problem')}" for pool in self.pools]
        return "; ".join(parts)

    def sentences(self) -> list[str]:
        """What a user should know about rows that were left out."""
        out = []
        for pool in self.pools:
            if not (pool.equal or pool.similar):
                continue
            problem, words = "a held-out problem", "eight words in a row with"
            if pool.equal and pool.similar:
                equal = f"{pool.equal:,} equal{'s' * (pool.equal == 1)} {problem}"
                why = f"{equal}, {pool.similar:,} share{'s' * (pool.similar == 1)} {words} one"
            else:
                why = f"equal to {problem}" if pool.equal else f"sharing {words} {problem}"
            left_out = plural(pool.equal + pool.similar, "training row")
            out.append(f"{pool.source.name}: {left_out} left out: {why}")
        return out


def parse_shares(text: str) -> Shares:
    """`80/10/10` as shares. Raises UsageError for anything else."""
    meaning = "the percentages of training, validation and test problems; none is below 0, and some have to train"
    shares = Shares(*parse_percentages("--split", text, "80/10/10", meaning))
    if not shares.train:
        raise UsageError(f"--split {text} leaves nothing to train on", meaning)
    return shares


def place(problem: Problem, shares: Shares, seed: int) -> str:
    """The split that a problem's content falls into."""
    position = int(content_id(["split", seed, content(problem)], 16), 16) / 16**16
    return "train" if position < shares.train else "val" if position < shares.train + shares.val else "test"


def split_rows(
    problems: Sequence[Problem], shares: Shares, seed: int, given: Sequence[str]
) -> dict[str, list[Problem]]:
    """The rows of one source by split. Splits that are `given` from elsewhere get none of its training rows, and of its
    own rows for them nothing is used."""
    own = {problem.split for problem in problems}
    rows: dict[str, list[Problem]] = {"train": [], **{split: [] for split in HELD_OUT}}
    for problem in problems:
        split = problem.split
        if split == "train":
            split = place(problem, shares, seed)
            split = "train" if split in own or split in given else split
        elif split in given:
            continue
        rows[split].append(replace(problem, split=split))
    return rows


def make_supply(
    problems: Problems,
    shares: Shares,
    sizes: Mapping[str, int],
    given: Mapping[str, Problems] = {},
) -> Supply:
    """The problems of a run: `sizes` says how many of `val` and `test` are wanted at most, `given` has the sources of
    those that come from elsewhere.

    Raises NothingToDoError where nothing is left to train on, or a split has no problem, or a family too few.
    """
    seed = problems.reading.seed
    rows = [split_rows(source.problems, shares, seed, [*given]) for source in problems.finite]
    held_out = {}
    for split in HELD_OUT:
        try:
            if split in given:
                chosen = given[split].sample(sizes[split], split)
            else:
                chosen = sample(problems.endless, [row[split] for row in rows], sizes[split], split, seed)
        except NothingToDoError as error:
            hint = f"use a smaller --{split}-size, or other levels or --problems"
            raise NothingToDoError(str(error), hint) from None
        held_out[split] = [replace(problem, split=split) for problem in chosen]
    test = PromptSet(held_out["test"])
    held_out["val"] = [problem for problem in held_out["val"] if problem not in test]
    pools = [
        _pool(source.source, row, [*held_out["val"], *held_out["test"]])
        for source, row in zip(problems.finite, rows, strict=True)
    ]
    _check(problems, pools, held_out, given)
    every = [source for some in (problems, *given.values()) for source in some.finite]
    drawn_here = {source.family.name for source in problems.endless}
    foreign = [
        p for split in HELD_OUT for p in held_out[split] if "origin" not in p.extra or p.family not in drawn_here
    ]
    by_name = {pool.source: pool for pool in pools}
    return Supply(
        [source if isinstance(source, Endless) else by_name[source.source] for source in problems.sources],
        held_out["val"],
        held_out["test"],
        {source.source.name: source.digest for source in every if source.digest},
        PromptSet(foreign),
    )


def _pool(source: SourceName, rows: Mapping[str, Sequence[Problem]], held_out: Sequence[Problem]) -> Pool:
    """The training rows of a source that nothing held out looks like; its own held-out rows beyond the sizes are not
    trained on either."""
    train = rows["train"]
    equal, similar = overlapping_problems(train, [*held_out, *(p for split in HELD_OUT for p in rows[split])])
    kept = [problem for index, problem in enumerate(train) if index not in equal and index not in similar]
    return Pool(source, kept, len(equal), len(similar))


def _check(
    problems: Problems, pools: Sequence[Pool], held_out: Mapping[str, Sequence[Problem]], given: Mapping[str, Problems]
) -> None:
    """Raises NothingToDoError where a split has no problem."""
    names = ", ".join(source.source.name for source in problems.finite)
    if not problems.endless and not any(pool.problems for pool in pools):
        left_out = sum(pool.equal + pool.similar for pool in pools)
        if left_out:
            message = (
                f"{names}: all {left_out:,} training rows are held out too, or share eight words with a held-out one"
            )
            raise NothingToDoError(message, TEMPLATES if any(pool.similar for pool in pools) else "add other rows")
        raise NothingToDoError(f"{names}: no row to train on", "add rows, or choose other shares: --split 80/10/10")
    counts = ", ".join(f"{len(some):,} {split}" for split, some in held_out.items())
    train = sum(len(pool.problems) for pool in pools)
    for split in HELD_OUT:
        if not held_out[split]:
            where = f"--{split}" if split in given else names
            message = f"{where}: no {ROLES[split]} problem ({train:,} train, {counts})"
            raise NothingToDoError(message, f"add rows, name others with --{split}, or change --split 80/10/10")

"""Where a round's training problems come from: mostly from where the model solves some and fails some.

A group of samples that all pass or all fail teaches nothing (2504.11343), and problems that are never solved give no
signal (2509.21016). So a cell (family, level) whose validation pass rate is p gets problems in proportion to p (1 - p),
plus a little everywhere, so that no level is forgotten and a locked one is tried again.
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

Cell = tuple[str, int]
FLOOR = 0.02
"""What every cell gets beside p (1 - p), which is 0.25 at most."""
ENOUGH = 20_000
MORE = "fewer --iterations, a smaller --train-size, more levels (--max-difficulty) or more --problem-types"


def pass_rates(rows: Iterable[Metrics]) -> dict[Cell, float]:
    """The pass rate of each (family, level) among evaluation rows, smoothed as if one more problem had been solved and
    one more failed."""
    return {(r.family, r.level): (r.passed + 1) / (r.n + 2) for r in rows if r.family != "all" and r.level}


def cells(names: Sequence[str], config: LoopConfig) -> list[Cell]:
    """What a run draws from, the lower levels first. Raises UsageError where a family has no answers, or none of the
    levels."""
    levels = range(config.min_difficulty, config.max_difficulty + 1)
    for name in names:
        family = families.get(name)
        if "answer" not in family.forms:
            raise UsageError(f"{name} asks for programs", "--problem-types takes families with answers")
        if not set(levels) & set(family.has):
            there = f"{name} has no level of {draw.format_levels(levels)}; it has {draw.format_levels(family.has)}"
            raise UsageError(there, "--min-difficulty and --max-difficulty")
    return [(name, level) for level in levels for name in names if level in families.get(name).has]


def allocate(cells: Sequence[Cell], rates: Mapping[Cell, float], count: int) -> dict[Cell, int]:
    """`count` problems over the cells, by largest remainder. A cell of unknown rate counts as one half."""
    weights = [rates.get(cell, 0.5) * (1 - rates.get(cell, 0.5)) + FLOOR for cell in cells]
    exact = [count * weight / sum(weights) for weight in weights]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(cells)), key=lambda i: (whole[i] - exact[i], i))
    for i in by_remainder[: count - sum(whole)]:
        whole[i] += 1
    return dict(zip(cells, whole, strict=True))


class Fountain:
    """Fresh training problems, cell by cell: what was drawn once does not come again."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[Cell, Iterator[Problem]] = {}

    def draw(self, counts: Mapping[Cell, int], warn: Callable[[str], None]) -> list[Problem]:
        """So many problems of each cell, in the order of the cells.

        What a cell no longer has comes from the others, from those of the largest counts first, and `warn` is told.
        Raises NothingToDoError where all together have too few.
        """
        out: list[Problem] = []
        spent = []
        for cell, count in counts.items():
            found = self.take(cell, count)
            out += found
            if len(found) < count:
                spent.append(f"{cell[0]} level {cell[1]}")
        wanted = sum(counts.values())
        for cell in sorted(counts, key=lambda cell: -counts[cell]):
            out += self.take(cell, wanted - len(out))
        if len(out) < wanted:
            raise NothingToDoError(f"no more than {len(out):,} of {wanted:,} fresh training problems are left", MORE)
        if spent:
            warn(f"no fresh training problem is left of {', '.join(spent)}: other levels give theirs")
        return out

    def take(self, cell: Cell, count: int) -> list[Problem]:
        """`count` more problems of a cell, or what is left of it."""
        family, level = cell
        if cell not in self._streams:
            self._streams[cell] = draw.stream(family, level, "train", self.seed, "answer")
        found = []
        with suppress(NothingToDoError):
            for problem in islice(self._streams[cell], count):
                found.append(problem)
        return found


def held_out(cells: Sequence[Cell], config: LoopConfig, split: str) -> list[Problem]:
    """The problems of `val` or `test`, equally many of every cell, as nearly as their number allows. NothingToDoError
    where a level has too few."""
    names = list(dict.fromkeys(family for family, _ in cells))
    levels = range(min(level for _, level in cells), max(level for _, level in cells) + 1)
    try:
        return list(draw.problems(names, getattr(config, f"{split}_size"), levels, split, config.seed))
    except NothingToDoError as error:
        raise NothingToDoError(str(error), f"a smaller --{split}-size, or other levels or --problem-types") from None


def check_supply(cells: Sequence[Cell], config: LoopConfig) -> None:
    """Raises NothingToDoError where a run would find out later that there are too few problems for it. A level with
    ENOUGH counts as one without end, and so does a family that is slow to draw."""
    if any(families.get(name).slow for name, _ in cells):
        return
    fountain, wanted, found = Fountain(config.seed), config.iterations * config.train_size, 0
    for cell in cells:
        asked = min(ENOUGH, wanted - found)
        found += (got := len(fountain.take(cell, asked)))
        if got == ENOUGH:
            break
    else:
        if found < wanted:
            rounds = f"{config.iterations} rounds of {config.train_size:,} problems"
            raise NothingToDoError(f"{rounds} need {wanted:,}, and there are no more than {found:,}", MORE)
    for split in ("val", "test"):
        held_out(cells, config, split)

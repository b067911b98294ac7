"""Where a round's training problems come from: mostly from where the model solves some and fails some.

A group of samples that all pass or all fail teaches nothing (2504.11343), and problems that are never solved give no
signal (2509.21016). So a cell (family, level) whose validation pass rate is p gets problems in proportion to p (1 - p),
plus a little everywhere, so that no level is forgotten and a locked one is tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from axiom_cli.families import draw
from axiom_cli.records import Metrics, Problem

Cell = tuple[str, int]
FLOOR = 0.02
"""What every cell gets beside p (1 - p), which is 0.25 at most."""


def pass_rates(rows: Iterable[Metrics]) -> dict[Cell, float]:
    """The pass rate of each (family, level) among evaluation rows, smoothed as if one more problem had been solved and
    one more failed."""
    return {(r.family, r.level): (r.passed + 1) / (r.n + 2) for r in rows if r.family != "all" and r.level}


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

    def draw(self, counts: Mapping[Cell, int]) -> list[Problem]:
        """So many problems of each cell, in the order of the cells."""
        out: list[Problem] = []
        for (family, level), count in counts.items():
            if (family, level) not in self._streams:
                self._streams[family, level] = draw.stream(family, level, "train", self.seed, "answer")
            out += islice(self._streams[family, level], count)
        return out

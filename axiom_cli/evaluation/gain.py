"""A gain split into form, habit and skill: whether more answers can be read, whether more of them reason, or whether
they are more often right.

On the same problems, cell by cell (a family at a level), from the model before to the model after:

- *form*: the change of the well-formed share, times the pass rate before among well-formed answers;
- *habit*: the change of the share of well-formed answers that reason, times the difference that reasoning made before
  (the pass rate of those that reasoned minus that of those that did not);
- *skill*: the rest, which is what the model after does better where both reason or both do not.

The three add up to the difference of the pass rates. A rate that a cell does not show, since no answer in it reasoned,
is taken from the family, or else from all problems. What nothing shows, since no answer before reasoned or each did,
counts as skill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from axiom_cli.evaluation.metrics import Tally
from axiom_cli.statistics import CONFIDENCE, ELEMENTS_PER_BATCH

RESAMPLES = 2000
PARTS = ("form", "habit", "skill", "total")


@dataclass(frozen=True)
class Part:
    """A share of 1, with its 95 % interval by the paired bootstrap over problems."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GainSplit:
    """The difference of two pass rates on the same `problems`, and what it consists of."""

    problems: int
    form: Part
    habit: Part
    skill: Part
    total: Part


def split_gain(before: Sequence[Tally], after: Sequence[Tally], seed: int = 0) -> GainSplit | None:
    """The split over the problems that both were judged on; None where there are none. The seed resamples."""
    import numpy

    judged = {tally.problem: tally for tally in after if tally.judged}
    pairs = [(tally, judged[tally.problem]) for tally in before if tally.judged and tally.problem in judged]
    pairs.sort(key=lambda pair: (pair[0].family, pair[0].level))
    if not pairs:
        return None
    columns_PX = numpy.array([[*_shares(start), *_shares(now), 1.0] for start, now in pairs])
    families, cells, start = [], [], 0
    for key, group in groupby(pairs, lambda pair: (pair[0].family, pair[0].level)):
        size = len(list(group))
        cells.append(slice(start, start + size))
        families.append(key[0])
        start += size

    def parts(counts_RP: Any) -> Any:
        sums_RCX = numpy.stack([counts_RP[:, cell] @ columns_PX[cell] for cell in cells], axis=1)
        return _parts(sums_RCX, families)

    count = len(pairs)
    (exact,) = parts(numpy.ones((1, count)))
    random, drawn = numpy.random.default_rng(seed), []
    for done in range(0, RESAMPLES, rows := max(1, ELEMENTS_PER_BATCH // count)):
        picked_RP = random.multinomial(count, [1 / count] * count, size=min(rows, RESAMPLES - done))
        drawn.append(parts(picked_RP.astype(float)))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = numpy.percentile(numpy.concatenate(drawn), [tail, 100 - tail], axis=0)
    part_of = {
        name: Part(float(exact[i]), float(min(low[i], exact[i])), float(max(high[i], exact[i])))
        for i, name in enumerate(PARTS)
    }
    return GainSplit(count, **part_of)


def _shares(tally: Tally) -> tuple[float, float, float, float]:
    """Of a problem's samples: well-formed ones, those of them that reasoned, those that passed, those that did both."""
    counts = tally.parsed, tally.formed_reasoned, tally.passed, tally.reasoned_passed
    formed, reasoned, passed, both = (count / tally.judged for count in counts)
    return formed, reasoned, passed, both


def _parts(sums_RCX: Any, families: Sequence[str]) -> Any:
    """PARTS of each resample R, from the sums over the problems of each cell C; X are the shares of the model before,
    those of the model after, and the number of problems."""
    import numpy

    of_R1X = sums_RCX.sum(axis=1, keepdims=True)
    by_family_RCX = numpy.stack(
        [sums_RCX[:, [family == same for family in families]].sum(axis=1) for same in families], axis=1
    )

    def rate(passed: Any, tried: Any) -> Any:
        """Of the model before, in each cell; not a number where nothing shows it."""
        rate_RC = numpy.full(sums_RCX.shape[:2], numpy.nan)
        for sums in (of_R1X, by_family_RCX, sums_RCX):
            tried_RC = numpy.broadcast_to(tried(sums), rate_RC.shape)
            known = tried_RC > 1e-9
            rate_RC = numpy.where(known, passed(sums) / numpy.where(known, tried_RC, 1.0), rate_RC)
        return rate_RC

    formed, reasoned, passed, both = range(4)
    right = rate(lambda s: s[..., passed], lambda s: s[..., formed])
    right_reasoned = rate(lambda s: s[..., both], lambda s: s[..., reasoned])
    right_bare = rate(lambda s: s[..., passed] - s[..., both], lambda s: s[..., formed] - s[..., reasoned])
    before_RCX, after_RCX = sums_RCX[..., :4], sums_RCX[..., 4:8]
    form = (after_RCX[..., formed] - before_RCX[..., formed]) * numpy.nan_to_num(right)
    habitual = rate(lambda s: s[..., reasoned], lambda s: s[..., formed])
    more = after_RCX[..., reasoned] - after_RCX[..., formed] * habitual
    habit = numpy.nan_to_num(more * (right_reasoned - right_bare))
    total = after_RCX[..., passed] - before_RCX[..., passed]
    split_R3C = numpy.stack([form, habit, total - form - habit, total], axis=1)
    return split_R3C.sum(axis=2) / sums_RCX[..., 8].sum(axis=1)[:, None]

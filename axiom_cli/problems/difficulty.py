"""Calibrate: do pass rates fall from level to level? One row a family and form, from one model's verdicts.

*Rises*: at some pair of levels the higher one is passed more often, by Fisher's exact one-sided test with Holm's
correction over all pairs of the row at 5 %; so of families whose levels are all equally hard at most one in twenty is
called so. *Undecided*: nothing rises, and a rise of 0.3 between two levels would not be seen 4 times in 5. *Falls*:
nothing rises, and the trend over all levels does fall (Cochran and Armitage, one-sided, 5 %). *Flat*: the rest.

Several samples of a problem count as one, with its share of passes: they are at least as telling as one sample is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from axiom_cli import statistics
from axiom_cli.records import Verdict

ALPHA = 0.05
SEEN = 0.3
"""The rise between two levels that has to be seen before a row is decided: some 90 problems a level are enough."""
RISES, FALLS, FLAT, UNDECIDED = "rises", "falls", "flat", "undecided"
Key = tuple[str, str, str, float]
"""Family, form, model and temperature."""


@dataclass
class Level:
    """What is known of one level: of each problem how many samples were judged, and how many passed."""

    level: int
    problems: dict[str, list[int]] = field(default_factory=dict)
    infra: int = 0

    def add(self, verdict: Verdict) -> None:
        """Counts one verdict."""
        if verdict.status == "infra":
            self.infra += 1
            return
        counts = self.problems.setdefault(verdict.sample.problem.id, [0, 0])
        counts[0] += 1
        counts[1] += verdict.passed

    @property
    def n(self) -> int:
        """Problems."""
        return len(self.problems)

    @property
    def passed(self) -> float:
        """The problems' shares of passes, added up."""
        return round(math.fsum(passed / judged for judged, passed in self.problems.values()), 9)

    def to_dict(self) -> dict[str, Any]:
        """The pass rate with its 95 % interval."""
        return {
            "level": self.level,
            "problems": self.n,
            "samples": sum(judged for judged, _ in self.problems.values()),
            "rate": round(self.passed / self.n, 6),
            "interval": [round(bound, 6) for bound in statistics.wilson_of_rate(self.passed / self.n, self.n)],
        }


def calibrate(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """One row a family and form (and model, and temperature, where several come), sorted. Reads the input once.

    A row whose levels rise has `passed` false: then the command exits 6. So has one that is undecided: then it exits 5.
    Infra verdicts are counted, and no more.
    """
    found: dict[Key, dict[int, Level]] = {}
    for verdict in verdicts:
        problem, sample = verdict.sample.problem, verdict.sample
        key = (problem.family, problem.form, sample.model.name, float(sample.params.get("temperature", 0.0)))
        found.setdefault(key, {}).setdefault(problem.level, Level(problem.level)).add(verdict)
    return [_row(key, found[key]) for key in sorted(found)]


def _row(key: Key, levels: Mapping[int, Level]) -> dict[str, Any]:
    family, form, model, temperature = key
    seen = [levels[level] for level in sorted(levels) if levels[level].n]
    judged = judge([one.level for one in seen], [one.passed for one in seen], [one.n for one in seen])
    return {
        "kind": "calibration",
        "family": family,
        "form": form,
        "model": model,
        "temperature": temperature,
        "levels": [one.to_dict() for one in seen],
        "infra": sum(one.infra for one in levels.values()),
        **judged,
    }


def judge(levels: Sequence[int], passed: Sequence[float], n: Sequence[int]) -> dict[str, Any]:
    """The finding on levels, lowest first, of which `n[i]` problems have pass rates that sum to `passed[i]`."""
    rises = list(_rises(levels, passed, n))
    slope, p = statistics.trend(levels, passed, n)
    detectable = _detectable(passed, n)
    if rises:
        finding = RISES
    elif detectable > SEEN:
        finding = UNDECIDED
    else:
        finding = FALLS if p < ALPHA else FLAT
    return {
        "finding": finding,
        "passed": finding in (FALLS, FLAT),
        "rises": rises,
        "slope": round(slope, 6),
        "slope_p": round(p, 6),
        "detectable": round(detectable, 6),
    }


def _rises(levels: Sequence[int], passed: Sequence[float], n: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The pairs of levels at which the higher one is passed significantly more often."""
    pairs = list(combinations(range(len(levels)), 2))
    # Shares are rounded against a rise, so that whole counts stay on the safe side.
    p_values = [statistics.fisher(math.ceil(passed[i]), n[i], math.floor(passed[j]), n[j]) for i, j in pairs]
    for (i, j), p in zip(pairs, statistics.holm(p_values), strict=True):
        if p < ALPHA:
            by = passed[j] / n[j] - passed[i] / n[i]
            yield {"from": levels[i], "to": levels[j], "by": round(by, 6), "p": round(p, 9)}


def _detectable(passed: Sequence[float], n: Sequence[int]) -> float:
    """The rise between two levels, at the rate where it is hardest to see, that is seen 4 times in 5."""
    pairs = math.comb(len(n), 2)
    if not pairs:
        return 1.0
    rate = min((count / size for count, size in zip(passed, n, strict=True)), key=lambda rate: abs(rate - 0.5))
    return min(1.0, statistics.minimum_detectable(min(n), rate, confidence=1 - 2 * ALPHA / pairs))


def table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows for a person: rates and intervals in percent."""
    levels = sorted({one["level"] for row in rows for one in row["levels"]})
    several = len({(row["model"], row["temperature"]) for row in rows}) > 1
    own = ["family", "form", *(["model", "temperature"] if several else [])]
    cells = [
        [*(str(row[name]) for name in own), row["finding"], f"{100 * row['slope']:+.1f}", *_cells(row, levels)]
        for row in rows
    ]
    return [*own, "levels", "a level", *map(str, levels)], cells


def _cells(row: Mapping[str, Any], levels: Sequence[int]) -> Iterator[str]:
    known = {one["level"]: one for one in row["levels"]}
    for level in levels:
        one = known.get(level)
        low, high = one["interval"] if one else (0, 1)
        yield f"{100 * one['rate']:.0f} ({100 * low:.0f}-{100 * high:.0f})" if one else ""

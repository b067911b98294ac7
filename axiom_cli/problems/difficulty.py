"""Difficulty: do pass rates fall from level to level? One row a family and form, from one model's verdicts.

*Rises*: for some pair of levels the higher one is passed more often, by Fisher's exact one-sided test with Holm's
correction over all pairs of the row at 5 %, so that at most one in twenty families whose levels are equally hard is
reported. *Undecided*: nothing rises, and a rise of 0.3 between two levels would be detected less than 4 times in 5.
*Falls*: nothing rises, and the trend over all levels falls (Cochran and Armitage, one-sided, 5 %). *Flat*: the rest.

Several samples of a problem count as one, with its share of passes: that is at least as informative as one sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

from axiom_cli import statistics
from axiom_cli.records import Verdict

ALPHA = 0.05
DETECTABLE = 0.3
"""The rise between two levels that must be detectable before a row is decided: some 90 problems a level are enough."""
Finding = Literal["rises", "falls", "flat", "undecided"]
RISES: Finding = "rises"
FALLS: Finding = "falls"
FLAT: Finding = "flat"
UNDECIDED: Finding = "undecided"
Key = tuple[str, str, str, float]
"""Family, form, model and temperature."""


@dataclass
class Level:
    """One level: for each problem, how many samples were judged and how many passed."""

    level: int
    problems: dict[str, list[int]] = field(default_factory=dict)
    infra: int = 0

    def add(self, verdict: Verdict) -> None:
        """Counts a verdict."""
        if verdict.status == "infra":
            self.infra += 1
            return
        counts = self.problems.setdefault(verdict.sample.problem.id, [0, 0])
        counts[0] += 1
        counts[1] += verdict.passed

    @property
    def n(self) -> int:
        """The number of problems."""
        return len(self.problems)

    @property
    def passed(self) -> float:
        """The sum of the problems' shares of passes."""
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
    """One row a family and form (and model and temperature, if there are several), sorted. Reads the input once.

    A row that rises or is undecided has `passed` false. Infra verdicts are only counted.
    """
    levels: dict[Key, dict[int, Level]] = {}
    for verdict in verdicts:
        problem, sample = verdict.sample.problem, verdict.sample
        key = (problem.family, problem.form, sample.model.name, float(sample.params.get("temperature", 0.0)))
        levels.setdefault(key, {}).setdefault(problem.level, Level(problem.level)).add(verdict)
    return [_row(key, levels[key]) for key in sorted(levels)]


def _row(key: Key, levels: Mapping[int, Level]) -> dict[str, Any]:
    family, form, model, temperature = key
    judged = [levels[level] for level in sorted(levels) if levels[level].n]
    numbers, passed, n = ([getattr(level, name) for level in judged] for name in ("level", "passed", "n"))
    return {
        "kind": "calibration",
        "family": family,
        "form": form,
        "model": model,
        "temperature": temperature,
        "levels": [level.to_dict() for level in judged],
        "infra": sum(level.infra for level in levels.values()),
        **judge(numbers, passed, n),
    }


def judge(levels: Sequence[int], passed: Sequence[float], n: Sequence[int]) -> dict[str, Any]:
    """The finding on levels, lowest first: the pass rates of the `n[i]` problems of `levels[i]` sum to `passed[i]`."""
    rises = list(_rises(levels, passed, n))
    slope, p = statistics.trend(levels, passed, n)
    detectable = _detectable_rise(passed, n)
    if rises:
        finding = RISES
    elif detectable > DETECTABLE:
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
    """The pairs of levels of which the higher one is passed significantly more often."""
    pairs = list(combinations(range(len(levels)), 2))
    # Fisher's test needs whole counts: shares are rounded against a rise.
    p_values = [statistics.fisher(math.ceil(passed[i]), n[i], math.floor(passed[j]), n[j]) for i, j in pairs]
    for (i, j), p in zip(pairs, statistics.holm(p_values), strict=True):
        if p < ALPHA:
            by = passed[j] / n[j] - passed[i] / n[i]
            yield {"from": levels[i], "to": levels[j], "by": round(by, 6), "p": round(p, 9)}


def _detectable_rise(passed: Sequence[float], n: Sequence[int]) -> float:
    """The rise between two levels that is detected 4 times in 5, at the rate where that is hardest."""
    pairs = math.comb(len(n), 2)
    if not pairs:
        return 1.0
    rate = min((count / size for count, size in zip(passed, n, strict=True)), key=lambda rate: abs(rate - 0.5))
    return min(1.0, statistics.minimum_detectable(min(n), rate, confidence=1 - 2 * ALPHA / pairs))


def table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Column heads and cells for the terminal: rates and intervals in percent."""
    levels = sorted({level["level"] for row in rows for level in row["levels"]})
    several = len({(row["model"], row["temperature"]) for row in rows}) > 1
    keys = ["family", "form", *(["model", "temperature"] if several else [])]

    def cell(level: Mapping[str, Any]) -> str:
        low, high = level["interval"]
        return f"{100 * level['rate']:.0f} ({100 * low:.0f}-{100 * high:.0f})"

    cells = []
    for row in rows:
        rates = {level["level"]: cell(level) for level in row["levels"]}
        slope = f"{100 * row['slope']:+.1f}"
        cells.append([*(str(row[key]) for key in keys), row["finding"], slope, *(rates.get(n, "") for n in levels)])
    return [*keys, "levels", "a level", *map(str, levels)], cells

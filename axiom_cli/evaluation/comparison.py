"""Model N against Model N+1, paired by problem, and the one sentence that may be said about them.

The rule of the sentence: *better* only if the 95 % interval of the difference lies above zero, the exact test (McNemar
for one sample a problem, sign-flip for several) gives p < 0.05, and the difference is at least the smallest that so
many problems can detect with 80 % power. *Worse* is the mirror image. Everything else is *inconclusive*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from axiom_cli import statistics
from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.evaluation.metrics import Tally, tally
from axiom_cli.records import Metrics, Verdict

ALPHA = 0.05
PHRASES = {
    "greedy": "{after} solves {b} of the same {n:,} {kind}, {before} {a}",
    "sampled": "{b} of the samples of {after} pass on the same {n:,} {kind}, {a} of those of {before}",
    "solutions": "{after} solves {b} of the {n:,} problems that either of them solved, {before} {a}",
    "unpaired": "{after} passes {b}, {before} {a}, on {n:,} {kind} each, treated as independent samples",
}
Outcomes = Mapping[str, tuple[int, int]]
"""Problem id -> (samples that passed, samples judged)."""


@dataclass(frozen=True)
class Comparison:
    """Two models on the same problems. Rates and differences are shares of 1; `difference` is after - before."""

    before: str
    after: str
    measure: str
    problems: int
    rate_before: float
    rate_after: float
    difference: float
    interval: tuple[float, float]
    p: float | None
    test: str
    gained: int
    lost: int
    minimum_detectable: float
    unpaired: int = 0
    split: str = ""

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `inconclusive`."""
        low, high = self.interval
        enough = abs(self.difference) >= self.minimum_detectable and (self.p is None or self.p < ALPHA)
        if enough and (low > 0 or high < 0):
            return "better" if self.difference > 0 else "worse"
        return "inconclusive"

    @property
    def sentence(self) -> str:
        """The one honest sentence."""
        facts = PHRASES[self.measure].format(
            after=self.after,
            before=self.before,
            a=percent(self.rate_before),
            b=percent(self.rate_after),
            n=self.problems,
            kind=f"{spoken(self.split)} problems" if self.split else "problems",
        )
        test = "" if self.p is None else f"; {self.test} p {p_value(self.p)}"
        cells = f"; {self.gained:,} newly solved, {self.lost:,} lost" if self.test == "McNemar" else ""
        return (
            f"{self.verdict.capitalize()}: {facts}: {points(self.difference)} points "
            f"(95 % interval {points_range(self.interval)}{test}{cells}{self.reservation})."
        )

    @property
    def reservation(self) -> str:
        """Why the comparison is inconclusive, to be added to what the test says; empty where it is not."""
        low, high = self.interval
        if self.verdict != "inconclusive":
            return ""
        if self.minimum_detectable > 1:
            return "; so few problems cannot show any difference"
        least = f"{100 * self.minimum_detectable:.1f} points"
        if low <= 0 <= high:
            return f"; a difference below {least} cannot be detected here"
        why = f"the difference is below the {least} that {self.problems:,} problems can detect with 80 % power"
        if abs(self.difference) >= self.minimum_detectable:
            why = f"p is not below {ALPHA}"
        return f"; the interval lies {'above' if low > 0 else 'below'} zero, but {why}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: every field, the verdict and the sentence."""
        return {**asdict(self), "verdict": self.verdict, "sentence": self.sentence}


def spoken(split: str) -> str:
    """A split's name in a sentence."""
    return "validation" if split == "val" else split


def percent(rate: float) -> str:
    """61.2 %."""
    return f"{100 * rate:.1f} %"


def points(difference: float) -> str:
    """+16.2, or -0.4; never -0.0."""
    return f"{round(100 * difference, 1) + 0.0:+.1f}"


def points_range(interval: Sequence[float]) -> str:
    """+3.4 to +29.0."""
    return " to ".join(map(points, interval))


def percent_range(interval: Sequence[float]) -> str:
    """51.0 to 70.3, without the sign."""
    return " to ".join(f"{100 * bound:.1f}" for bound in interval)


def p_value(p: float) -> str:
    """`= 0.031`, or `< 0.001`."""
    return f"= {p:.3f}" if p >= 0.0005 else "< 0.001"


def outcomes(tallies: Iterable[Tally]) -> dict[str, tuple[int, int]]:
    """(samples that passed, samples judged) of each problem with at least one judged sample."""
    return {t.problem: (t.passed, t.judged) for t in tallies if t.judged}


def pair(before: Outcomes, after: Outcomes, names: tuple[str, str], split: str = "", measure: str = "") -> Comparison:
    """The comparison over the problems that both were evaluated on. `measure` is a key of PHRASES; without it, it
    follows from the number of samples a problem. Raises NothingToDoError where they share no problem."""
    shared = [problem for problem in before if problem in after]
    if not shared:
        raise NothingToDoError(f"{names[0]} and {names[1]} were not evaluated on any common problem")
    a = [before[problem][0] / before[problem][1] for problem in shared]
    b = [after[problem][0] / after[problem][1] for problem in shared]
    differences = [right - left for left, right in zip(a, b, strict=True)]
    greedy = all(before[problem][1] == after[problem][1] == 1 for problem in shared)
    measure = measure or ("greedy" if greedy else "sampled")
    unpaired = len(before) + len(after) - 2 * len(shared)
    return replace(pair_rates(a, b, differences, names, measure, exact=greedy), unpaired=unpaired, split=split)


def pair_rates(  # noqa: PLR0913 - two columns and what is said of them
    a: Sequence[float],
    b: Sequence[float],
    differences: Sequence[float],
    names: tuple[str, str],
    measure: str,
    *,
    exact: bool = False,
) -> Comparison:
    """The comparison of the rates a[i] and b[i] on the same problems, given their `differences`; `exact` says that each
    rate is 0 or 1, so that McNemar's test applies."""
    gained, lost = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    difference, low, high = statistics.paired_bootstrap(a, b)
    return Comparison(
        *names,
        measure=measure,
        problems=len(a),
        rate_before=sum(a) / len(a),
        rate_after=sum(b) / len(b),
        difference=difference,
        interval=(low, high),
        p=statistics.mcnemar(gained, lost) if exact else statistics.sign_flip(differences),
        test="McNemar" if exact else "sign-flip",
        gained=gained,
        lost=lost,
        minimum_detectable=statistics.minimum_detectable_paired(differences),
    )


def compare_tallies(
    before: Mapping[float, Sequence[Tally]],
    after: Mapping[float, Sequence[Tally]],
    names: tuple[str, str],
    split: str = "",
) -> list[Comparison]:
    """One comparison for each temperature that both were sampled at, greedy first."""
    shared = [t for t in before if t in after]
    if not shared:
        raise NothingToDoError(f"{names[0]} and {names[1]} were not sampled at a common temperature")
    return [pair(outcomes(before[t]), outcomes(after[t]), names, split) for t in sorted(shared)]


def compare(
    before: Iterable[Verdict], after: Iterable[Verdict], names: tuple[str, str] = ("before", "after")
) -> list[Comparison]:
    """Two streams of verdicts on the same problems, each read once. One comparison a temperature, greedy first."""
    return compare_tallies(tally(before), tally(after), names)


def compare_metrics(before: Metrics, after: Metrics, names: tuple[str, str], split: str = "") -> Comparison:
    """Two pass rates whose verdicts were not kept: treated as independent, so the interval is wider than a paired one.

    Counts problems, not samples: several samples of one problem tell less than as many problems.
    """
    (good_a, n_a), (good_b, n_b) = problem_counts(before), problem_counts(after)
    n, mean = min(n_a, n_b), (before.rate + after.rate) / 2
    return Comparison(
        *names,
        measure="unpaired",
        problems=n,
        rate_before=before.rate,
        rate_after=after.rate,
        difference=after.rate - before.rate,
        interval=statistics.newcombe(good_a, n_a, good_b, n_b),
        p=None,
        test="none",
        gained=0,
        lost=0,
        minimum_detectable=statistics.minimum_detectable(n, mean),
        split=split,
    )


def problem_counts(row: Metrics) -> tuple[int, int]:
    """(problems passed, problems): several samples of one problem tell less than as many problems."""
    n = int(row.extra.get("problems", row.n))
    return min(n, round(row.rate * n)), n


def solved(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Problem id -> (1, 1) where a row passed all of its tests, else (0, 1)."""
    best: dict[str, tuple[int, int]] = {}
    for number, row in enumerate(rows, 1):
        try:
            identity, passed, total = str(row["problem_id"]), int(row["passed_tests"]), int(row["total_tests"])
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"row {number} is not a solution with problem_id, passed_tests and total_tests",
                "axiom verify --format solutions writes such rows",
            ) from None
        best[identity] = max(best.get(identity, (0, 1)), (int(0 < total <= passed), 1))
    return best


def compare_solutions(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], names: tuple[str, str]
) -> Comparison:
    """Two solutions files. Such a file names only what was solved, so the problems are those that either one names, and
    rates are shares of these; the test does not depend on the problems that neither solved."""
    a, b = solved(before), solved(after)
    union = dict.fromkeys([*a, *b])
    if not union:
        raise NothingToDoError("neither file contains a solution")
    return pair(
        {identity: a.get(identity, (0, 1)) for identity in union},
        {identity: b.get(identity, (0, 1)) for identity in union},
        names,
        measure="solutions",
    )

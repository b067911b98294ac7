"""How well a value function ranks on held-out problems: verdicts of scored samples in, a `Ranking` and a sentence out.

Samples of problems that it was fitted on are left out and counted. Value, vote, chance and oracle choose from the same
samples, and the difference between value and vote is paired by problem. Where several functions scored the samples, the
first is compared with each of the others in the same way. The sentence says *beats*, *loses to* or *inconclusive* by
the rule of docs/concepts.md, at the largest N alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from axiom_cli import statistics
from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.evaluation import ranking_metrics
from axiom_cli.evaluation.comparison import Comparison, p_value, pair_rates, percent, points, points_range
from axiom_cli.evaluation.ranking_metrics import Bin, Group
from axiom_cli.evaluation.ranking_samples import ScoredSamples, read_scored
from axiom_cli.records import ModelRef, Verdict

LARGEST_N = 16
CHOOSERS: Mapping[str, Callable[[Group, int], list[float]]] = {
    "value": ranking_metrics.best_by_value,
    "vote": ranking_metrics.best_by_vote,
    "random": ranking_metrics.best_by_chance,
    "oracle": ranking_metrics.best_by_oracle,
}
Curves = Mapping[str, Sequence[Sequence[float]]]
"""Way to choose -> for each problem its chance of a correct sample for N = 1, 2, ..."""
HEADS = {
    "better": "Value ranking beats majority vote",
    "worse": "Value ranking loses to majority vote",
    "inconclusive": "It is inconclusive whether value ranking beats majority vote",
}


@dataclass(frozen=True)
class BestOfN:
    """The share of problems for which each way to choose from `n` samples finds a correct one; `difference` is value -
    vote, with its 95 % interval."""

    n: int
    value: float
    vote: float
    random: float
    oracle: float
    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Ranking:
    """How a value function did. `within` is the AUROC of samples of the same problem; `constant` the Brier score of
    predicting the pass rate for all; `headline` compares value (after) with vote (before) at the largest N."""

    value: ModelRef
    model: ModelRef
    problems: int
    samples: int
    rate: float
    auroc: float | None
    within: float | None
    brier: float
    constant: float
    ece: float
    bins: list[Bin]
    best: list[BestOfN]
    headline: Comparison
    infra: int = 0
    seen: int = 0
    uneven: int = 0
    repeated: int = 0
    rivals: tuple[Rival, ...] = ()

    @property
    def sentence(self) -> str:
        """The one honest sentence."""
        return finding_sentence(HEADS[self.headline.verdict], self.headline, self.best[-1].n, "the vote")

    @property
    def sentences(self) -> list[str]:
        """What is said of each function against the vote, and then of the first one against the others."""
        rankings = [self, *(rival.ranking for rival in self.rivals)]
        named = [f"{of.value.name}: {of.sentence}" if self.rivals else of.sentence for of in rankings]
        return [*named, *(rival.sentence for rival in self.rivals)]

    @property
    def left_out(self) -> str:
        """What was not measured, and why; empty where all was."""
        reasons = {
            f"{self.infra:,} samples that could not be judged": self.infra,
            f"{self.seen:,} samples of problems that the value function was fitted on": self.seen,
            f"{self.uneven:,} problems with fewer samples than the rest (in best-of-N only)": self.uneven,
            f"{self.repeated:,} repeated samples, each counted once": self.repeated,
        }
        applicable = [reason for reason, count in reasons.items() if count]
        return f"left out: {'; '.join(applicable)}" if applicable else ""

    def to_dict(self) -> dict[str, Any]:
        """The `ranking` record."""
        left_out = ("value", "model", "headline", "rivals")
        own = {name: value for name, value in asdict(replace(self, rivals=())).items() if name not in left_out}
        refs = {"value": self.value.to_dict(), "model": self.model.to_dict()}
        record = {"kind": "ranking", **refs, **own, "finding": _finding(self.best[-1].n, self.headline)}
        against = [rival.to_dict() for rival in self.rivals]
        return {**record, "sentence": self.sentence, **({"against": against} if against else {})}


@dataclass(frozen=True)
class Rival:
    """Another value function that scored the same samples, and the comparison of the first one (after) with it (before)
    at `n` samples."""

    ranking: Ranking
    n: int
    finding: Comparison

    @property
    def sentence(self) -> str:
        """Whether the first one beats this one."""
        first, rival = self.finding.after, self.finding.before
        heads = {
            "better": f"{first} beats {rival}",
            "worse": f"{first} loses to {rival}",
            "inconclusive": f"It is inconclusive whether {first} beats {rival}",
        }
        return finding_sentence(heads[self.finding.verdict], self.finding, self.n, rival, first)

    def to_dict(self) -> dict[str, Any]:
        """The other function, the finding and the sentence."""
        return {
            "value": self.ranking.value.to_dict(), "finding": _finding(self.n, self.finding), "sentence": self.sentence
        }  # fmt: skip


def finding_sentence(head: str, finding: Comparison, n: int, rival: str, first: str = "it") -> str:
    """A finding about two ways to choose from `n` samples, in a sentence."""
    return (
        f"{head}: of {n} samples {first} finds a correct one in {percent(finding.rate_after)} of {finding.problems:,} "
        f"problems that it was not fitted on, {rival} in {percent(finding.rate_before)}: {points(finding.difference)} "
        f"points (95 % interval {points_range(finding.interval)}; {finding.test} p "
        f"{p_value(finding.p or 0.0)}{finding.reservation})."
    )


def _finding(n: int, headline: Comparison) -> dict[str, Any]:
    fields = ("verdict", "difference", "interval", "p", "test", "minimum_detectable")
    return {"n": n, **{name: getattr(headline, name) for name in fields}}


def rank(verdicts: Iterable[Verdict]) -> Ranking:
    """Reads the verdicts once, those of a problem side by side; holds a few numbers a sample.

    InputError for what `read_scored` refuses, for samples of two models, and for values of two functions that have no
    problem in common; NothingToDoError where no problem is held out.
    """
    scored = read_scored(verdicts)
    if len(scored.models) > 1:
        names = " and ".join(sorted(ref.name for ref in scored.models.values())[:2])
        raise InputError(f"these verdicts are of two models, {names}", "report each on its own")
    first, *others = [_ranking(scored, digest) for digest in scored.value_functions] or [_ranking(scored, "")]
    return replace(first, rivals=tuple(_rival(scored, first, second) for second in others))


def _rival(scored: ScoredSamples, first: Ranking, second: Ranking) -> Rival:
    first_groups, second_groups = (scored.groups[ranking.value.digest] for ranking in (first, second))
    n = min(first.best[-1].n, second.best[-1].n)
    shared = [
        problem for problem in first_groups if min(len(first_groups[problem]), len(second_groups.get(problem, ()))) >= n
    ]
    if not shared:
        raise InputError(
            f"these verdicts are of two value functions, {first.value.name} and {second.value.name}, which scored no "
            "problem in common",
            "report each on its own; axiom solve --value-function A,B scores the same samples by both",
        )
    before, after = ([ranking_metrics.best_by_value(groups[problem], n)[-1] for problem in shared]
                     for groups in (second_groups, first_groups))  # fmt: skip
    differences = [round(b - a, 12) for a, b in zip(before, after, strict=True)]
    return Rival(second, n, pair_rates(before, after, differences, (second.value.name, first.value.name), "sampled"))


def _ranking(scored: ScoredSamples, digest: str) -> Ranking:
    """How the value function of this digest did, whatever others did. NothingToDoError where it holds nothing out."""
    if not scored.groups[digest]:
        seen = scored.seen[digest]
        raise NothingToDoError(
            f"nothing to measure: {seen} samples are of problems that the value function was fitted on"
            if seen
            else "the input has no judged sample",
            "axiom problems gen --split test draws others",
        )
    groups = list(scored.groups[digest].values())
    flat = [sample for group in groups for sample in group]
    sizes = Counter(map(len, groups))
    size = max(sizes, key=lambda candidate: (sizes[candidate], candidate))
    largest_n = min(size, LARGEST_N)
    even = [group for group in groups if len(group) >= size]
    curves = {name: [choose(group, largest_n) for group in even] for name, choose in CHOOSERS.items()}
    vote, value = ([curve[-1] for curve in curves[name]] for name in ("vote", "value"))
    differences = [round(b - a, 12) for a, b in zip(vote, value, strict=True)]
    rate = sum(sample.passed for sample in flat) / len(flat)
    bins = ranking_metrics.reliability(flat)
    return Ranking(
        value=scored.value_functions[digest],
        model=next(iter(scored.models.values())),
        problems=len(groups),
        samples=len(flat),
        rate=rate,
        auroc=ranking_metrics.auroc(flat),
        within=ranking_metrics.auroc_within(groups),
        brier=ranking_metrics.brier(flat),
        constant=rate * (1 - rate),
        ece=ranking_metrics.calibration_error(bins),
        bins=bins,
        best=[_best_of(n, curves) for n in range(1, largest_n + 1)],
        headline=pair_rates(vote, value, differences, ("majority vote", "value ranking"), "sampled"),
        infra=scored.infra,
        seen=scored.seen[digest],
        uneven=len(groups) - len(even),
        repeated=scored.repeated[digest],
    )


def _best_of(n: int, curves: Curves) -> BestOfN:
    chances = {name: [curve[n - 1] for curve in by_problem] for name, by_problem in curves.items()}
    difference, low, high = statistics.paired_bootstrap(chances["vote"], chances["value"]) if n > 1 else (0.0, 0.0, 0.0)
    means = {name: sum(by_problem) / len(by_problem) for name, by_problem in chances.items()}
    return BestOfN(n, **means, difference=difference, interval=(low, high))

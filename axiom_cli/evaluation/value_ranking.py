"""How well a value function ranks on held-out problems: verdicts of scored samples in, a `Ranking` and a sentence out.

Samples of problems that it was fitted on are left out and counted. Value, vote, chance and oracle choose from the same
samples, and the difference between value and vote is paired by problem. The sentence says *beats*, *loses to* or
*inconclusive* by the rule of docs/concepts.md, at the largest N alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from axiom_cli import statistics
from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.evaluation import ranking_metrics
from axiom_cli.evaluation.comparison import Comparison, p_value, pair_rates, percent, points, points_range
from axiom_cli.evaluation.ranking_metrics import Bin, Group
from axiom_cli.evaluation.ranking_samples import read_scored
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

    @property
    def sentence(self) -> str:
        """The one honest sentence."""
        finding = self.headline
        return (
            f"{HEADS[finding.verdict]}: of {self.best[-1].n} samples it finds a correct one in "
            f"{percent(finding.rate_after)} of {finding.problems:,} problems that it was not fitted on, the vote in "
            f"{percent(finding.rate_before)}: {points(finding.difference)} points (95 % interval "
            f"{points_range(finding.interval)}; {finding.test} p {p_value(finding.p or 0.0)}{finding.reservation})."
        )

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
        own = {name: value for name, value in asdict(self).items() if name not in ("value", "model", "headline")}
        refs = {"value": self.value.to_dict(), "model": self.model.to_dict()}
        fields = ("verdict", "difference", "interval", "p", "test", "minimum_detectable")
        finding = {"n": self.best[-1].n, **{name: getattr(self.headline, name) for name in fields}}
        return {"kind": "ranking", **refs, **own, "finding": finding, "sentence": self.sentence}


def rank(verdicts: Iterable[Verdict]) -> Ranking:
    """Reads the verdicts once, those of a problem side by side; holds a few numbers a sample.

    InputError for what `read_scored` refuses, and for values of two functions or samples of two models;
    NothingToDoError where no problem is held out.
    """
    scored = read_scored(verdicts)
    for kind, refs in (("value functions", scored.value_functions), ("models", scored.models)):
        if len(refs) > 1:
            names = " and ".join(sorted(ref.name for ref in refs.values())[:2])
            raise InputError(f"these verdicts are of two {kind}, {names}", "report each on its own")
    if not scored.groups:
        raise NothingToDoError(
            f"nothing to measure: {scored.seen} samples are of problems that the value function was fitted on"
            if scored.seen
            else "the input has no judged sample",
            "axiom problems gen --split test draws others",
        )
    groups = list(scored.groups.values())
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
        value=next(iter(scored.value_functions.values())),
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
        seen=scored.seen,
        uneven=len(groups) - len(even),
        repeated=scored.repeated,
    )


def _best_of(n: int, curves: Curves) -> BestOfN:
    chances = {name: [curve[n - 1] for curve in by_problem] for name, by_problem in curves.items()}
    difference, low, high = statistics.paired_bootstrap(chances["vote"], chances["value"]) if n > 1 else (0.0, 0.0, 0.0)
    means = {name: sum(by_problem) / len(by_problem) for name, by_problem in chances.items()}
    return BestOfN(n, **means, difference=difference, interval=(low, high))

"""What a value function came to on held-out problems: verdicts of scored samples in, one `Ranking` and a sentence out.

Samples of problems that it was fitted on are left out and counted. Value, vote, chance and oracle choose from the same
samples, and the difference of value and vote is paired by problem. The sentence says *beats* or *loses to* by the rule
of docs/concepts.md, at the largest N alone, and else that it is *inconclusive*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from axiom_cli import statistics
from axiom_cli.errors import InputError, NothingToDoError, UsageError
from axiom_cli.evaluation import ranking_metrics
from axiom_cli.evaluation.comparison import Comparison, p_value, percent, points
from axiom_cli.evaluation.comparison_sources import FORMATS, csv_text, markdown_table
from axiom_cli.evaluation.ranking_metrics import Bin, Group
from axiom_cli.evaluation.ranking_samples import Read, held_out
from axiom_cli.records import ModelRef, Verdict

MOST = 16
CHOOSERS: Mapping[str, Callable[[Group, int], list[float]]] = {
    "value": ranking_metrics.best_by_value,
    "vote": ranking_metrics.best_by_vote,
    "random": ranking_metrics.best_by_chance,
    "oracle": ranking_metrics.best_by_oracle,
}
HEADS = {
    "better": "Value ranking beats majority vote",
    "worse": "Value ranking loses to majority vote",
    "inconclusive": "It is inconclusive whether value ranking beats majority vote",
}


@dataclass(frozen=True)
class Best:
    """Best of `n`: the share of problems of which each way to choose finds a right one; value - vote with its 95 %
    interval."""

    n: int
    value: float
    vote: float
    random: float
    oracle: float
    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Ranking:
    """The findings. `within` is the AUROC of samples of the same problem; `constant` the Brier score of predicting the
    pass rate for all; `headline` compares value (after) with vote (before) at the largest N."""

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
    best: list[Best]
    headline: Comparison
    infra: int = 0
    seen: int = 0
    uneven: int = 0
    repeated: int = 0

    @property
    def sentence(self) -> str:
        """The one honest sentence."""
        one = self.headline
        low, high = one.interval
        return (
            f"{HEADS[one.verdict]}: of {self.best[-1].n} samples it finds a right one in {percent(one.rate_after)} of "
            f"{one.problems:,} problems that it was not fitted on, the vote in {percent(one.rate_before)}: "
            f"{points(one.difference)} points (95 % interval {points(low)} to {points(high)}; {one.test} p "
            f"{p_value(one.p or 0.0)}{one.reservation})."
        )

    @property
    def left_out(self) -> str:
        """What was not measured, and why; empty where all was."""
        parts = {
            "infra": f"{self.infra:,} samples that could not be judged",
            "seen": f"{self.seen:,} samples of problems that the value function was fitted on",
            "uneven": f"{self.uneven:,} problems with fewer samples than the rest (in best-of-N only)",
            "repeated": f"{self.repeated:,} samples that came again, each counted once",
        }
        told = [words for name, words in parts.items() if getattr(self, name)]
        return f"left out: {'; '.join(told)}" if told else ""

    def to_dict(self) -> dict[str, Any]:
        """The `ranking` record."""
        own = {name: value for name, value in asdict(self).items() if name not in ("value", "model", "headline")}
        refs = {"value": self.value.to_dict(), "model": self.model.to_dict()}
        one = self.headline
        finding = {"n": self.best[-1].n, "verdict": one.verdict, "difference": one.difference, "interval": one.interval}
        finding |= {"p": one.p, "test": one.test, "minimum_detectable": one.minimum_detectable}
        return {"kind": "ranking", **refs, **own, "finding": finding, "sentence": self.sentence}


def rank(verdicts: Iterable[Verdict], most: int = MOST) -> Ranking:
    """Reads the verdicts once, those of a problem side by side; holds a few numbers a sample.

    InputError for what `held_out` refuses, and for values of two functions; NothingToDoError where no problem is held
    out."""
    read = held_out(verdicts)
    for kind, found in (("value functions", read.by), ("models", read.models)):
        if len(found) > 1:
            names = " and ".join(sorted(one.name for one in found.values())[:2])
            raise InputError(f"these verdicts are of two {kind}, {names}", "report each for itself")
    if not read.groups:
        raise NothingToDoError(
            f"nothing to measure: {read.seen} samples are of problems that the value function was fitted on"
            if read.seen
            else "no judged sample came in",
            "axiom problems gen --split test draws others",
        )
    return _ranking(read, most)


def _ranking(read: Read, most: int) -> Ranking:
    groups = list(read.groups.values())
    flat = [sample for group in groups for sample in group]
    sizes = Counter(map(len, groups))
    size = max(sizes, key=lambda one: (sizes[one], one))
    even = [group for group in groups if len(group) >= size]
    curves = {name: [choose(group, min(size, most)) for group in even] for name, choose in CHOOSERS.items()}
    best = [_best(n, {name: [curve[n - 1] for curve in found] for name, found in curves.items()})
            for n in range(1, min(size, most) + 1)]  # fmt: skip
    rate = sum(sample.passed for sample in flat) / len(flat)
    bins = ranking_metrics.reliability(flat)
    return Ranking(
        value=next(iter(read.by.values())),
        model=next(iter(read.models.values())),
        problems=len(groups),
        samples=len(flat),
        rate=rate,
        auroc=ranking_metrics.auroc(flat),
        within=ranking_metrics.auroc_within(groups),
        brier=ranking_metrics.brier(flat),
        constant=rate * (1 - rate),
        ece=ranking_metrics.calibration_error(bins),
        bins=bins,
        best=best,
        headline=_headline([curve[-1] for curve in curves["vote"]], [curve[-1] for curve in curves["value"]]),
        infra=read.infra,
        seen=read.seen,
        uneven=len(groups) - len(even),
        repeated=read.repeated,
    )


def _best(n: int, chances: Mapping[str, Sequence[float]]) -> Best:
    difference, low, high = statistics.paired_bootstrap(chances["vote"], chances["value"]) if n > 1 else (0.0, 0.0, 0.0)
    means = {name: sum(each) / len(each) for name, each in chances.items()}
    return Best(n, **means, difference=difference, interval=(low, high))


def _headline(vote: Sequence[float], value: Sequence[float]) -> Comparison:
    differences = [round(b - a, 12) for a, b in zip(vote, value, strict=True)]
    difference, low, high = statistics.paired_bootstrap(vote, value)
    return Comparison(
        before="majority vote",
        after="value ranking",
        measure="sampled",
        problems=len(vote),
        rate_before=sum(vote) / len(vote),
        rate_after=sum(value) / len(value),
        difference=difference,
        interval=(low, high),
        p=statistics.sign_flip(differences),
        test="sign-flip",
        gained=sum(one > 0 for one in differences),
        lost=sum(one < 0 for one in differences),
        minimum_detectable=statistics.minimum_detectable_paired(differences),
    )


def table(found: Ranking, every: bool = False) -> tuple[str, list[str], list[list[str]]]:
    """Title, columns and rows: best of N for powers of two and the largest N, or `every` N."""
    title = f"{found.value.name}: best of N samples of {found.model.name}, {found.headline.problems:,} problems"
    columns = ["N", *CHOOSERS, "value - vote", "95 % interval"]
    rows = [
        [
            str(one.n),
            *(percent(getattr(one, name)) for name in CHOOSERS),
            points(one.difference),
            f"{points(one.interval[0])} to {points(one.interval[1])}",
        ]
        for one in found.best
        if every or one.n & (one.n - 1) == 0 or one is found.best[-1]
    ]
    return title, columns, rows


def facts(found: Ranking) -> Iterator[str]:
    """The figures that stand beside the table, a line each."""
    yield (
        f"AUROC {_figure(found.auroc)} over all {found.samples:,} samples, {_figure(found.within)} within problems; "
        f"{percent(found.rate)} pass"
    )
    yield f"calibration error {found.ece:.3f}; Brier {found.brier:.3f}, of the pass rate alone {found.constant:.3f}"
    ahead = ", ".join(str(one.n) for one in found.best if one.interval[0] > 0)
    if ahead:
        yield f"the interval of value - vote, each for itself, lies above zero at N = {ahead}"
    if found.left_out:
        yield found.left_out


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def reliability_table(found: Ranking) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the reliability bins."""
    rows = [
        [f"{one.low:.1f} to {one.high:.1f}", f"{one.n:,}", f"{one.predicted:.3f}", f"{one.passed:.3f}"]
        for one in found.bins
    ]
    return ["value", "samples", "mean value", "passed"], rows


def _flat(one: Best) -> dict[str, Any]:
    row = asdict(one)
    low, high = row.pop("interval")
    return {**row, "low": low, "high": high}


def render(found: Ranking, form: str) -> str:
    """The ranking as `json`, `csv` (a row an N) or `md` text, ending in a newline."""
    if form == "json":
        return orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    if form == "csv":
        return csv_text([_flat(one) for one in found.best])
    if form == "md":
        title, columns, rows = table(found, every=True)
        parts = [f"## {title}", markdown_table(columns, rows), *(f"{line}." for line in facts(found))]
        return "\n\n".join([*parts, markdown_table(*reliability_table(found)), found.sentence]) + "\n"
    raise UsageError(f"unknown format {form!r}", f"one of {', '.join(FORMATS)}")

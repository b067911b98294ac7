"""Coverage: how many problems are solved by at least one of k samples, by the start and by the selected model, how many
different things the samples say, and how widely they spread over them.

pass@k is Chen et al.'s unbiased estimate (2107.03374, eq. 1), averaged over the problems that both models were judged
on. All intervals are 95 % ones from one bootstrap that draws problems, so that the values of one row belong together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from axiom_cli.evaluation.experiment_folder import HELD_OUT, Experiment
from axiom_cli.evaluation.metrics import Tally, temperature, temperature_of
from axiom_cli.learning.rejection_sampling import solution_key
from axiom_cli.problems import answer_types, answers, paths, written_programs
from axiom_cli.records import Metrics, Sample, Verdict
from axiom_cli.statistics import (
    CONFIDENCE,
    ELEMENTS_PER_BATCH,
    RESAMPLES,
    entropy,
    mean_interval,
    newcombe_if_few_change,
    paired_bootstrap,
    pass_at_k,
    wilson_of_rate,
)

DISTINCT = ("answers", "paths", "solutions", "right solutions")
OF_ANSWERS = DISTINCT[:2]
"""What only problems with an answer have."""
ENTROPY = "entropy"


class Estimate(NamedTuple):
    """A value with its interval; without bounds where verdicts were not kept."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Pair:
    """One measure of the start and of the selected model; `change` is selected - start."""

    start: Estimate
    selected: Estimate
    change: Estimate


@dataclass(frozen=True)
class Coverage:
    """`pass_at[k - 1]` is pass@k, a share of 1. `distinct` counts different things a problem among `samples` samples:
    answers that could be read, paths of reasoning, solutions (programs by their syntax tree, else texts), and those of
    them that pass; it is empty where verdicts were not kept, and has neither answers nor paths where the problems ask
    for programs. `entropy` is that of a problem's answers or programs, in bits by `statistics.entropy`, where samples
    from which none can be read count as one more outcome; None where verdicts were not kept."""

    split: str
    temperature: float
    problems: int
    samples: int
    start: int
    selected: int
    pass_at: list[Pair]
    distinct: dict[str, Pair]
    entropy: Pair | None = None

    @property
    def crossing(self) -> int | None:
        """The smallest k at which the model leads that does not lead at k = 1, or at the first k that tells the two
        apart; None where the curves do not cross."""
        changes = [(k, round(pair.change.value, 9)) for k, pair in enumerate(self.pass_at, 1)]
        led = next((change for _, change in changes if change), 0.0)
        return next((k for k, change in changes if change * led < 0), None)


def coverage(experiment: Experiment, selected: int) -> Coverage | None:
    """The coverage on the first of test and validation on which the start and the selected model drew several samples a
    problem, at their highest common temperature. None where they did not. Without verdicts, pass@k is that of the
    metrics rows and has no intervals."""
    start = experiment.iterations()[0]
    for split in HELD_OUT:
        before, after = experiment.tallies(split, start), experiment.tallies(split, selected)
        for heat in sorted(before.keys() & after.keys(), reverse=True):
            judged = {tally.problem: tally for tally in after[heat] if tally.judged}
            counted = [tally for tally in before[heat] if tally.judged and tally.problem in judged]
            pairs = [(tally, judged[tally.problem]) for tally in counted]
            counts = [tally.judged for pair in pairs for tally in pair]
            if min(counts, default=0) > 1:
                curve, problems = _curve(pairs, min(counts)), {tally.problem: None for tally in counted}
                drawn = [_drawn(experiment, split, iteration, heat) for iteration in (start, selected)]
                spread = _diversity(drawn[0], drawn[1], problems)
                entropy = spread.pop(ENTROPY, None)
                return Coverage(split, heat, len(pairs), max(counts), start, selected, curve, spread, entropy)
    return _from_metrics(experiment, start, selected)


def _drawn(experiment: Experiment, split: str, iteration: int, heat: float) -> Iterator[Verdict]:
    return (verdict for verdict in experiment.verdicts(split, iteration) if temperature_of(verdict) == heat)


def _curve(pairs: Sequence[tuple[Tally, Tally]], top: int) -> list[Pair]:
    """pass@1 to pass@`top`. Problems with the same counts have the same values, so a resample is how many problems of
    each kind it drew."""
    import numpy

    counts = numpy.array([(start.passed, start.judged, now.passed, now.judged) for start, now in pairs])
    kinds, kind_P = numpy.unique(counts, axis=0, return_inverse=True)
    kind_P = kind_P.reshape(-1)
    start_CK, selected_CK = (
        numpy.array([[pass_at_k(int(n), int(c), k) for k in range(1, top + 1)] for c, n in kinds[:, columns]])
        for columns in ([0, 1], [2, 3])
    )
    values_CX = numpy.concatenate([start_CK, selected_CK, selected_CK - start_CK], axis=1)
    exact_X = numpy.bincount(kind_P) @ values_CX / len(pairs)
    tail = 100 * (1 - CONFIDENCE) / 2
    low_X, high_X = numpy.percentile(_resampled(values_CX, kind_P), [tail, 100 - tail], axis=0)

    def rate(x: int) -> Estimate:
        if numpy.ptp(values_CX[:, x]) == 0:
            return Estimate(float(exact_X[x]), *wilson_of_rate(float(exact_X[x]), len(pairs)))
        return Estimate(float(exact_X[x]), float(low_X[x]), float(high_X[x]))

    def change(k: int) -> Estimate:
        value, low, high = (float(of[2 * top + k]) for of in (exact_X, low_X, high_X))
        few = newcombe_if_few_change(start_CK[kind_P, k], selected_CK[kind_P, k])
        return Estimate(value, *(few or (min(low, value), max(high, value))))

    return [Pair(rate(k), rate(top + k), change(k)) for k in range(top)]


def _resampled(values_CX: Any, kind_P: Any) -> Any:
    """The means over problems P in each resample R, where problem i has the values of kind kind_P[i]. Problems are
    drawn as `cluster_bootstrap` draws them, so that pass@1 gets the interval of the sampled pass rate."""
    import numpy

    kinds, count, means = len(values_CX), len(kind_P), []
    random, batch = numpy.random.default_rng(0), max(1, ELEMENTS_PER_BATCH // len(kind_P))
    for done in range(0, RESAMPLES, batch):
        rows = min(batch, RESAMPLES - done)
        drawn_RP = kind_P[random.integers(0, count, (rows, count))] + kinds * numpy.arange(rows)[:, None]
        drawn_RC = numpy.bincount(drawn_RP.reshape(-1), minlength=rows * kinds).reshape(rows, kinds)
        means.append(drawn_RC @ values_CX / count)
    return numpy.concatenate(means)


def _diversity(before: Iterable[Verdict], after: Iterable[Verdict], problems: Collection[str]) -> dict[str, Pair]:
    """A pair for each of DISTINCT and for ENTROPY, over those of the problems that have it."""
    start, selected = _spreads(before, problems), _spreads(after, problems)
    pairs = {}
    for name in (*DISTINCT, ENTROPY):
        a, b = ([of[problem][name] for problem in problems if name in of[problem]] for of in (start, selected))
        most = max([*a, *b, 1])
        if a:
            difference, low, high = paired_bootstrap([x / most for x in a], [x / most for x in b])
            change = Estimate(most * difference, most * low, most * high)
            pairs[name] = Pair(_mean(a), _mean(b), change)
    return pairs


def _mean(values: Sequence[float]) -> Estimate:
    return Estimate(sum(values) / len(values), *mean_interval(values))


def _spreads(verdicts: Iterable[Verdict], problems: Collection[str]) -> dict[str, dict[str, float]]:
    """DISTINCT and ENTROPY of the judged samples of each problem."""
    seen: dict[str, _Written] = {}
    for verdict in verdicts:
        if verdict.status != "infra" and (problem := verdict.sample.problem.id) in problems:
            seen.setdefault(problem, _Written()).add(verdict)
    return {problem: samples.spread() for problem, samples in seen.items()}


@dataclass
class _Written:
    """What the judged samples of one problem say."""

    solutions: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """What each different solution comes to, the way that it ended beside it: its answer, or its program."""
    right: set[str] = field(default_factory=set)
    steps: set[tuple[str, ...]] = field(default_factory=set)
    outcomes: Counter[str | None] = field(default_factory=Counter)
    has_answer: bool = False

    def add(self, verdict: Verdict) -> None:
        sample = verdict.sample
        key = solution_key(sample)
        self.has_answer = sample.problem.answer is not None
        if (key, sample.finish) not in self.solutions:  # a repeated text says the same
            self.solutions[key, sample.finish] = _outcome(sample, key)
            if self.has_answer and sample.finish == "stop" and (steps := paths.path(sample.text)):
                self.steps.add(steps)
        if verdict.passed:
            self.right.add(key)
        self.outcomes[self.solutions[key, sample.finish]] += 1

    def spread(self) -> dict[str, float]:
        counts: tuple[int, ...] = (len({key for key, _ in self.solutions}), len(self.right))
        if self.has_answer:
            counts = (len(self.outcomes.keys() - {None}), len(self.steps), *counts)
        names = DISTINCT if self.has_answer else DISTINCT[len(OF_ANSWERS) :]
        return {**dict(zip(names, counts, strict=True)), ENTROPY: entropy(list(self.outcomes.values()))}


def _outcome(sample: Sample, key: str) -> str | None:
    """What the sample answers, however it is written, or its program's `key`; None where neither can be read, or an
    answer was cut off."""
    if sample.problem.answer is None:
        return key if written_programs.written_program(sample) else None
    answer = answers.read_answer(sample.text) if sample.finish == "stop" else None
    return answer_types.ballot(sample.problem, answer) if answer else None


def _from_metrics(experiment: Experiment, start: int, selected: int) -> Coverage | None:
    for split in HELD_OUT:
        rows = [row for row in experiment.evaluations(split=split) if len(row.pass_at) > 1]
        before, after = ({temperature(r): r for r in rows if r.iteration == model} for model in (start, selected))
        if shared := before.keys() & after.keys():
            return _of_rows(split, before[max(shared)], after[max(shared)])
    return None


def _of_rows(split: str, before: Metrics, after: Metrics) -> Coverage:
    """What two metrics rows say of pass@k, as far as both go."""
    ks = sorted(map(int, before.pass_at.keys() & after.pass_at.keys()))
    values = [(before.pass_at[str(k)], after.pass_at[str(k)]) for k in ks]
    curve = [Pair(Estimate(start), Estimate(now), Estimate(now - start)) for start, now in values]
    problems = int(min(row.extra.get("problems", row.n) for row in (before, after)))
    return Coverage(split, temperature(before), problems, ks[-1], before.iteration, after.iteration, curve, {})

"""What an experiment came to: pass rates per model with intervals, steps from N to N+1, and the final sentence.

The round is selected on validation; the final comparison is start against selected on the test split, made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from axiom_cli.evaluation.comparison import Comparison, compare_tallies, percent, points, points_range, spoken
from axiom_cli.evaluation.comparison_sources import EvaluatedModel, compare_models
from axiom_cli.evaluation.coverage import Coverage, coverage
from axiom_cli.evaluation.experiment_folder import HELD_OUT, UNJUDGED, Experiment
from axiom_cli.evaluation.frontier import Evaluation, Frontier, frontiers
from axiom_cli.evaluation.gain import GainSplit
from axiom_cli.evaluation.metrics import ALL, HARD, temperature
from axiom_cli.evaluation.selection import SelectionGap, selection_gap
from axiom_cli.records import Metrics
from axiom_cli.report.outcome.climb import Climb, climbs
from axiom_cli.report.outcome.dose_response import Dose, doses, planted_sentence
from axiom_cli.report.outcome.examples import Examples, examples
from axiom_cli.report.outcome.gain import gain_of, gain_sentence
from axiom_cli.report.outcome.repeats import Repeats, repeats

NOTABLE_CHANGE = 0.02
"""A smaller change in the share of answers with reasoning is not mentioned in the sentence."""


@dataclass(frozen=True)
class ExperimentSummary:
    """All that is printed or drawn. `steps` hold N against N+1; `final` start against selected, greedy first."""

    experiment: Experiment
    selected: int
    rows: list[Metrics]
    steps: list[Comparison]
    final: list[Comparison]
    controls: dict[str, Comparison]
    frontiers: dict[Evaluation, dict[str, Frontier]]
    climbs: list[Climb]
    gain: GainSplit | None = None
    gap: SelectionGap | None = None
    coverage: Coverage | None = None
    examples: Examples | None = None
    doses: Sequence[Dose] = ()
    repeats: Repeats | None = None

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `inconclusive`, of the headline comparison."""
        return self.final[0].verdict if self.final else "inconclusive"

    @property
    def sentence(self) -> str:
        """The one honest sentence, with what the control arms add to it."""
        return " ".join(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """The verdict, then a sentence for each thing that belongs beside it."""
        if not self.final:
            parts = [f"Inconclusive: {self._nothing_to_compare()}", planted_sentence(self.experiment), *self._gap()]
            return [part for part in parts if part]
        headline = self.final[0]
        parts = [headline.sentence]
        if planted := planted_sentence(self.experiment):
            parts.append(planted)
        if headline.split == "val":
            parts.append("The same problems chose the round, so this is optimistic.")
        parts += self._gap()
        for arm, comparison in self.controls.items():
            where = "" if comparison.split == "test" else f" on {spoken(comparison.split)} problems"
            where += f" where the start model solves at most {100 * HARD:.0f} %" if arm in UNJUDGED else ""
            difference = f"{points(comparison.difference)} points ({points_range(comparison.interval)})"
            parts.append(f"Against the control {arm}{where}: {difference}, {comparison.verdict}.")
        shares = self.reasoned()
        if shares and abs(shares[1] - shares[0]) >= NOTABLE_CHANGE:
            start, selected = map(percent, shares)
            parts.append(f"It reasons in {selected} of its answers, the start model in {start}.")
        if self.gain and self.verdict != "inconclusive":
            parts.append(gain_sentence(self.gain))
        return parts

    def _gap(self) -> list[str]:
        if not self.gap:
            return []
        rates = f"Validation chose it at {percent(self.gap.validation)}, test says {percent(self.gap.test)}"
        return [f"{rates}: {points(self.gap.difference)} points ({points_range(self.gap.interval)})."]

    def _nothing_to_compare(self) -> str:
        evaluated = self.experiment.iterations()
        if len(evaluated) < 2:
            return "only one model was evaluated, so there is nothing to compare."
        if self.selected == evaluated[0]:
            return "no round passed more validation problems than the start model, which stays selected."
        return "the start and the selected model were not evaluated on a common split."

    def reasoned(self) -> tuple[float, float] | None:
        """The shares of answers with reasoning, of the start and of the selected model, on the headline's split; None
        where they are not known."""
        rows = self.experiment.evaluations(split=self.final[0].split) if self.final else []
        shares = []
        for iteration in (self.experiment.iterations()[0], self.selected):
            greediest = next((row for row in rows if row.iteration == iteration), None)
            if greediest is None or "reasoned" not in greediest.extra:
                return None
            shares.append(greediest.extra["reasoned"])
        return shares[0], shares[1]

    def families(self) -> list[str]:
        """The families that were evaluated."""
        return sorted({row.family for row in self.experiment.rows if row.family != ALL})


def summarize(experiment: Experiment) -> ExperimentSummary:
    """Reads an experiment's rows, and its verdicts where they were kept."""
    selected, start = experiment.best(), experiment.iterations()[0]
    chosen = EvaluatedModel(experiment, selected)
    rows = [
        row
        for arm in experiment.arms()
        for split in ("val", "test")
        for row in sorted(experiment.evaluations(arm, split), key=lambda row: (temperature(row), row.iteration))
    ]
    final: list[Comparison] = []
    gain = None
    if selected != start:
        gain = gain_of(EvaluatedModel(experiment, start), chosen)
        names = model_name(start, start), model_name(selected, start)
        final = compare_models(EvaluatedModel(experiment, start), chosen, names)
    steps: list[Comparison] = []  # each model against the one before it, at the lowest temperature
    for a, b in pairwise(experiment.iterations()):
        earlier, later = (EvaluatedModel(experiment, model, passes_only=True) for model in (a, b))
        steps += compare_models(earlier, later, (f"model {a}", f"model {b}"))[:1]
    reached = frontiers(experiment.rows)
    gap = selection_gap(experiment, selected) if len(experiment.iterations()) > 1 else None
    covered = coverage(experiment, selected)
    controls, climbed = _controls(experiment, chosen), climbs(experiment, selected, reached)
    shown = examples(experiment, selected)
    planted, repeated = doses(experiment), repeats(experiment)
    return ExperimentSummary(
        experiment,
        selected,
        rows,
        steps,
        final,
        controls,
        reached,
        climbed,
        gain,
        gap,
        covered,
        shown,
        planted,
        repeated,
    )


def model_name(iteration: int, start: int = 0) -> str:
    """What the model of an iteration is called in a sentence."""
    return "the start model" if iteration == start else f"model {iteration}"


def _controls(experiment: Experiment, chosen: EvaluatedModel) -> dict[str, Comparison]:
    """The selected model against each control's own best, on the first split that both met. Where nearly every sample
    is right, unfiltered ones do as well as filtered ones, so arms that are not judged are compared on hard cells."""
    controls = {}
    for arm in experiment.arms()[1:]:
        if not experiment.iterations(arm):
            continue
        rival = EvaluatedModel(experiment, experiment.best(arm), arm)
        names = f"the control {arm}", model_name(chosen.iteration)
        compared = _on_hard_cells if arm in UNJUDGED else compare_models
        comparisons = compared(rival, chosen, names)
        if comparisons:
            controls[arm] = comparisons[0]
    return controls


def _on_hard_cells(rival: EvaluatedModel, chosen: EvaluatedModel, names: tuple[str, str]) -> list[Comparison]:
    """As `compare_models`, greedy, on the problems of those families and levels of which the start model solves at most
    HARD. Nothing where there are none, or verdicts were not kept."""
    experiment = chosen.experiment
    start = experiment.iterations()[0]
    for split in HELD_OUT:
        rates = {
            (row.family, row.level): row.rate
            for row in experiment.rows
            if (row.experiment, row.iteration, row.split) == (experiment.name, start, split)
            and row.extra.get("phase") == "evaluate"
            and not temperature(row)
        }
        before, after = (
            [t for t in model.tallies(split).get(0.0, ()) if rates.get((t.family, t.level), 1.0) <= HARD]
            for model in (rival, chosen)
        )
        if {t.problem for t in before if t.judged} & {t.problem for t in after if t.judged}:
            return compare_tallies({0.0: before}, {0.0: after}, names, split)
    return []

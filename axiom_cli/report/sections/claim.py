"""The twelve questions that a claim of self-improvement owes, answered from the run's own data or marked open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from axiom_cli.evaluation.comparison import percent, points, points_range
from axiom_cli.evaluation.experiment_folder import experiment_names
from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.report.drawing.html import Section, card, checklist
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.rounds import rounds_of
from axiom_cli.report.outcome.summary import ExperimentSummary, model_name
from axiom_cli.wording import listed, plural

REPEATED = "Repeated runs"
ONE_RUN = "One run with one seed. axiom report A B C pools runs of other seeds."
LEAD = (
    "What a reader may ask before believing that a model improved itself. An open question is one of this run's limits."
)


@dataclass(frozen=True)
class Question:
    """A question with its answer in one line; an open one says what would answer it."""

    name: str
    answered: bool
    answer: str


def questions(summary: ExperimentSummary) -> list[Question]:
    """All twelve, in the order of the claim's card."""
    return [
        _control(summary),
        _compute(summary),
        _repeated(summary),
        _intervals(summary),
        _final(summary),
        _attempts(summary),
        _selection(summary),
        _regime(summary),
        _grader(summary),
        _hidden(summary),
        _contamination(summary),
        _harness(summary),
    ]


def _control(summary: ExperimentSummary) -> Question:
    against = [
        f"{arm} {points(of.difference)} points ({points_range(of.interval)}), {of.verdict}"
        for arm, of in summary.controls.items()
    ]
    none = "No control ran. --control shuffled adds one that learns from verdicts dealt out at random."
    if summary.experiment.config.get("wrong_labels"):
        none = "No control ran. Controls belong to the same run without --wrong-labels."
    return Question("Matched control", bool(against), f"Against {'; '.join(against)}." if against else none)


def _repeated(summary: ExperimentSummary) -> Question:
    repeats = summary.repeats
    if repeats is None:
        return Question(REPEATED, answered=False, answer=ONE_RUN)
    return Question(REPEATED, answered=True, answer=f"{repeats.sentence} {repeats.command} tests them together.")


def _compute(summary: ExperimentSummary) -> Question:
    run = summary.experiment

    def spent(arm: str) -> str:
        rounds = rounds_of(run, arm)
        drawn, learnt = sum(of.drawn or 0 for of in rounds), sum(of.loss_tokens or 0 for of in rounds)
        return f"{drawn:,} samples, {learnt:,} loss tokens"

    arms = run.arms()[1:]
    if not arms:
        return Question("Matched compute", answered=False, answer=f"The run used {spent('')}; no control to match it.")
    others = "; ".join(f"{arm} {spent(arm)}" for arm in arms)
    return Question("Matched compute", answered=True, answer=f"The run used {spent('')}; {others}.")


def _intervals(summary: ExperimentSummary) -> Question:
    if not summary.final:
        return Question("Intervals", answered=False, answer="Start and selected model were not compared.")
    of = summary.final[0]
    how = "independent rates" if of.measure == "unpaired" else "the same problems in pairs"
    answer = (
        f"95 % interval {points_range(of.interval)} points, from {of.problems:,} problems ({how}); less "
        f"than {100 * of.minimum_detectable:.1f} points cannot be detected."
    )
    return Question("Intervals", answered=True, answer=answer)


def _final(summary: ExperimentSummary) -> Question:
    name = "Held-out final evaluation"
    if summary.final and summary.final[0].split == "test":
        n = summary.final[0].problems
        answer = f"{n:,} test problems, which neither trained a round nor chose one."
        return Question(name, answered=True, answer=answer)
    return Question(name, answered=False, answer="Only validation was evaluated, which also chose the round.")


def _attempts(summary: ExperimentSummary) -> Question:
    run = summary.experiment
    models = len({(arm, i) for arm in run.arms() for i in run.iterations(arm)})
    others = len([name for name in experiment_names(run.folder.path.parent) if name != run.folder.path.name])
    beside = (
        f"{plural(others, 'other experiment')} lie beside this one"
        if others > 1
        else ("one other experiment lies beside this one" if others else "no other experiment lies beside this one")
    )
    answer = f"{plural(models, 'model')} evaluated, all on this page; {beside}."
    return Question("Attempts reported", answered=True, answer=answer)


def _selection(summary: ExperimentSummary) -> Question:
    run = summary.experiment
    chosen = model_name(summary.selected, run.iterations()[0])
    if not run.evaluations(split="val"):
        return Question("Selection stated", answered=True, answer=f"The last one, {chosen}: there was no validation.")
    answer = f"The best greedy rate on validation chose {chosen}; ties go to the earliest."
    if summary.gap:
        answer += f" Test minus validation: {points(summary.gap.difference)} points."
    return Question("Selection stated", answered=True, answer=answer)


def _regime(summary: ExperimentSummary) -> Question:
    run, start = summary.experiment, summary.experiment.iterations()[0]
    cells = [
        row
        for row in run.rows
        if (row.experiment, row.iteration, row.family != ALL, row.level > 0) == (run.name, start, True, True)
        and row.extra.get("phase") == "evaluate"
        and not temperature(row)
    ]
    if not cells:
        return Question("Regime covered", answered=False, answer="The rates by family and level were not kept.")
    levels, rates = [row.level for row in cells], [row.rate for row in cells]
    families = listed(sorted({row.family for row in cells}))
    answer = (
        f"{families}, levels {min(levels)} to {max(levels)}, where the start model solves {percent(min(rates))} to "
        f"{percent(max(rates))}. Nothing is claimed beyond."
    )
    return Question("Regime covered", answered=True, answer=answer)


def _grader(summary: ExperimentSummary) -> Question:
    rows = [
        row
        for arm in summary.experiment.arms()
        for row in summary.experiment.evaluations(arm)
        if isinstance(row.extra.get("infra"), int)
    ]
    if not rows:
        return Question("Failures of the grader", answered=False, answer="They were not counted.")
    lost, judged = sum(row.extra["infra"] for row in rows), sum(row.n for row in rows)
    answer = f"{lost:,} of {lost + judged:,} held-out samples could not be judged; they count in no rate."
    return Question("Failures of the grader", answered=True, answer=answer)


def _hidden(summary: ExperimentSummary) -> Question:
    form = summary.experiment.config.get("form")
    answers = "Answers are compared by value with one that the model never sees"
    programs = "Programs run against tests that the model never sees, in a sandbox"
    if form not in ("answer", "program"):
        return Question("Hidden grader", answered=False, answer="The settings of the run were not kept.")
    return Question("Hidden grader", answered=True, answer=f"{programs if form == 'program' else answers}.")


def _contamination(summary: ExperimentSummary) -> Question:
    shares = [
        row.extra["held_out_ngram_rate"]
        for row in summary.experiment.phases()
        if row.extra.get("held_out_ngram_rate") is not None
    ]
    if not shares:
        return Question("Contamination screen", answered=False, answer="No round kept what its screen found.")
    answer = (
        f"Splits share no problem; at most {percent(max(shares))} of the held-out problems have eight words in a row "
        "in common with a round's."
    )
    return Question("Contamination screen", answered=True, answer=answer)


def _harness(summary: ExperimentSummary) -> Question:
    run = summary.experiment
    version, model = run.config.get("axiom"), run.config.get("model")
    if not version or not isinstance(model, dict):
        return Question("Harness disclosed", answered=False, answer="The settings of the run were not kept.")
    how = sorted({f"T = {temperature(row):g}" if temperature(row) else "greedy" for row in run.evaluations()})
    answer = (
        f"axiom {version}, start model {model.get('name')} ({str(model.get('digest'))[:12]}), evaluated {listed(how)}; "
        "every setting, and the digests of weights and problems, are on this page."
    )
    return Question("Harness disclosed", answered=True, answer=answer)


def claim_section(summary: ExperimentSummary) -> Section:
    """The questions about a run as a list."""
    return checked(questions(summary))


def checked(answers: Sequence[Question], remark: str = "") -> Section:
    """Questions as a section of a page."""
    answered = sum(question.answered for question in answers)
    return Section(
        "Twelve questions",
        f"{answered} of {len(answers)} answered. {LEAD} {remark}".rstrip(),
        card("", checklist(answers)),
    )


def claim_table(name: str, answers: Sequence[Question]) -> Table:
    """The questions as a table."""
    rows = [[question.name, "answered" if question.answered else "open", question.answer] for question in answers]
    return Table(f"{name}: the twelve questions of a claim", ["question", "", "answer"], rows)


def claim_json(answers: Sequence[Question]) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(question) for question in answers]

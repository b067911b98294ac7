"""A few problems with what the start and the selected model wrote: newly solved, lost and still failing ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from typing import Any

from axiom_cli.evaluation.experiment_folder import HELD_OUT, Experiment
from axiom_cli.evaluation.metrics import Tally, temperature_of
from axiom_cli.problems import answers
from axiom_cli.problems.reasoning import without_reasoning
from axiom_cli.problems.written_programs import written_program
from axiom_cli.records import Verdict

GREEDY = 0.0
MOST = 6
"""Problems of a kind."""
LONGEST = 3000
"""Characters of a prompt, of a text of reasoning, and of an answer."""
KINDS = {
    "newly solved": (False, True),
    "lost": (True, False),
    "still failing": (False, False),
}
"""Whether the start and the selected model solve such a problem."""
UNREAD = "(none that could be read)"


@dataclass(frozen=True)
class Attempt:
    """What one model wrote for a problem, and why the verifier judged it so."""

    status: str
    reason: str
    reasoning: str
    answer: str


@dataclass(frozen=True)
class Example:
    """A problem, what is right, and the attempts of both models. Long texts are cut."""

    problem: str
    family: str
    level: int
    prompt: str
    right: str
    start: Attempt
    selected: Attempt


@dataclass(frozen=True)
class Examples:
    """Problems of the `split` by kind; `counts` says how many there are of each, and `shown` holds a few."""

    split: str
    start: int
    selected: int
    counts: Mapping[str, int]
    shown: Mapping[str, list[Example]]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def examples(experiment: Experiment, selected: int) -> Examples | None:
    """A few problems of each kind, of all families in turn; None where the verdicts of the two models were not kept, or
    there is one model alone."""
    start = experiment.iterations()[0]
    if start == selected:
        return None
    for split in HELD_OUT:
        before, after = (experiment.tallies(split, model).get(GREEDY, ()) for model in (start, selected))
        now = {tally.problem: _solved(tally) for tally in after if tally.judged}
        both = [tally for tally in before if tally.judged and tally.problem in now]
        pairs = [(tally, (_solved(tally), now[tally.problem])) for tally in both]
        if not pairs:
            continue
        kinds = {kind: [tally for tally, outcome in pairs if outcome == of] for kind, of in KINDS.items()}
        chosen = {kind: _varied(tallies, hardest=kind == "newly solved") for kind, tallies in kinds.items()}
        wanted = {problem for problems in chosen.values() for problem in problems}
        earlier, later = (_greedy(experiment, split, model, wanted) for model in (start, selected))
        shown = {
            kind: [_example(earlier[problem], later[problem]) for problem in problems]
            for kind, problems in chosen.items()
        }
        return Examples(split, start, selected, {kind: len(of) for kind, of in kinds.items()}, shown)
    return None


def _solved(tally: Tally) -> bool:
    return tally.passed == tally.judged


def _varied(tallies: list[Tally], *, hardest: bool) -> list[str]:
    """At most MOST problems, a family in turn, each family's by level."""
    families = sorted({tally.family for tally in tallies})
    ordered = sorted(tallies, key=lambda tally: tally.level, reverse=hardest)
    by_family = [[tally.problem for tally in ordered if tally.family == family] for family in families]
    return [problem for problem in chain.from_iterable(zip_longest(*by_family)) if problem][:MOST]


def _greedy(experiment: Experiment, split: str, iteration: int, wanted: Collection[str]) -> dict[str, Verdict]:
    """The judged greedy verdicts on these problems. The file is read no further than they are."""
    verdicts: dict[str, Verdict] = {}
    for verdict in experiment.verdicts(split, iteration):
        if len(verdicts) == len(wanted):
            break
        problem = verdict.sample.problem.id
        if problem in wanted and problem not in verdicts and temperature_of(verdict) == GREEDY:
            verdicts |= {} if verdict.status == "infra" else {problem: verdict}
    return verdicts


def _example(start: Verdict, selected: Verdict) -> Example:
    problem = selected.sample.problem
    right = problem.answer if problem.answer is not None else "a program that passes its tests"
    return Example(
        problem.id,
        problem.family,
        problem.level,
        _cut(problem.prompt),
        _cut(right),
        _attempt(start),
        _attempt(selected),
    )


def _attempt(verdict: Verdict) -> Attempt:
    sample = verdict.sample
    spoken_part = without_reasoning(sample.text)
    reasoning = sample.text[: sample.text.rindex(spoken_part)] if spoken_part.strip() else sample.text
    answer = written_program(sample) if sample.problem.program else answers.read_answer(sample.text)
    cut_off = " The text reached the longest length." * (sample.finish == "length")
    return Attempt(verdict.status, _cut(verdict.reason) + cut_off, _cut(reasoning.strip()), _cut(answer or UNREAD))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n... ({len(text) - LONGEST:,} more characters)"

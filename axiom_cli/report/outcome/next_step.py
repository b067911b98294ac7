"""What to type after a run, given what it came to."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from axiom_cli.report.outcome.command_line import command_line
from axiom_cli.report.outcome.siblings import seed_of
from axiom_cli.report.outcome.summary import ExperimentSummary


@dataclass(frozen=True)
class NextStep:
    """A sentence, and the command that it speaks of; empty where that is not known."""

    sentence: str
    command: str


def next_step(summary: ExperimentSummary) -> NextStep:
    """The one thing that would tell most next: a control for a gain without one, then another seed for a gain, more
    rounds or problems for what is inconclusive, the lost problems for a loss."""
    run, name = summary.experiment, summary.experiment.name
    if run.config.get("wrong_labels"):
        return _after_wrong_labels(summary)
    if summary.verdict == "worse":
        return NextStep("See which problems the selected model lost.", f"axiom report {name} --lost > lost.jsonl")
    if summary.verdict == "better":
        if not summary.controls:
            sentence = "Find out whether the verifier made the gain: the same run with shuffled verdicts beside it."
            return NextStep(sentence, command_line(run, control="shuffled"))
        if summary.repeats:
            return NextStep("Take the runs with other seeds together.", f"{summary.repeats.command} --html runs.html")
        seed = seed_of(run) + 1
        sentence = f"Repeat it with another seed, then pool the runs: axiom report {name} {name}_seed{seed}."
        return NextStep(sentence, command_line(run, seed=seed, experiment=f"{name}_seed{seed}"))
    rounds = _number(run.config.get("iterations"), 0)
    if summary.selected == run.iterations()[0] or not summary.final:
        sentence = "Give it more rounds: what was done is kept, and the run continues where it stopped."
        return NextStep(sentence, command_line(run, iterations=2 * rounds) if rounds else "")
    problems = 4 * _number(run.config.get("test_size"), summary.final[0].problems)
    sentence = (
        "Measure it on more test problems: four times as many halve the smallest difference that can be detected."
    )
    more = command_line(run, test_size=problems, experiment=f"{name}_test{problems}")
    return NextStep(sentence, more)


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _after_wrong_labels(summary: ExperimentSummary) -> NextStep:
    """The run without wrong verdicts, or a comparison with it where it lies beside this one."""
    run = summary.experiment
    clean = next((dose.runs[0] for dose in summary.doses if not dose.share), None)
    if clean is None:
        right = {"wrong_labels": 0.0, "wrong_labels_kind": "random", "experiment": f"{run.name}_right"}
        sentence = "Make the same run without wrong verdicts: it is what this one is compared with."
        return NextStep(sentence, command_line(run, **right))
    compared = shlex.join(["axiom", "report", "--compare", clean, f"{run.folder.path.name}@last"])
    return NextStep("Compare it with the same run without wrong verdicts.", compared)

"""What the selected model's gain consists of, as a sentence and a table."""

from __future__ import annotations

from axiom_cli.evaluation.comparison import points, points_range
from axiom_cli.evaluation.comparison_sources import EvaluatedModel
from axiom_cli.evaluation.experiment_folder import HELD_OUT
from axiom_cli.evaluation.gain import GainSplit, split_gain
from axiom_cli.report.formats import Table

MEANING = {
    "form": "more answers are well-formed",
    "habit": "more answers reason",
    "skill": "answers are right more often where both models reason, or both do not",
    "total": "the difference of the pass rates",
}


def gain_of(start: EvaluatedModel, selected: EvaluatedModel) -> GainSplit | None:
    """The split on the first of test and validation whose greedy verdicts were kept for both."""
    for split in HELD_OUT:
        before, after = (model.tallies(split).get(0.0, ()) for model in (start, selected))
        if gain := split_gain(before, after):
            return gain
    return None


def gain_sentence(gain: GainSplit) -> str:
    """The three parts with their intervals."""
    form, habit, skill = (
        f"{points(part.value)}{unit} ({points_range((part.low, part.high))})"
        for part, unit in ((gain.form, " points"), (gain.habit, ""), (gain.skill, ""))
    )
    return f"Of the change, form is {form}, habit {habit} and skill {skill}."


def gain_table(name: str, gain: GainSplit) -> Table:
    """A row a part, and one for their sum."""
    parts = {"form": gain.form, "habit": gain.habit, "skill": gain.skill, "total": gain.total}
    rows = [[part, points(of.value), points_range((of.low, of.high)), MEANING[part]] for part, of in parts.items()]
    title = f"{name}: what the change from the start to the selected model consists of, in points"
    return Table(title, ["part", "points", "95 % interval", "meaning"], rows)

"""What a run cost, on the page: seconds and tokens by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from markupsafe import Markup

from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.report.charts import Caption, bar_plot
from axiom_cli.report.formats import Table
from axiom_cli.report.html import Section, card, grid, numbers
from axiom_cli.report.page_training import thinned
from axiom_cli.report.rounds import Round, rounds_of
from axiom_cli.wording import duration

PHASES = {"evaluate": "c0", "collect": "c1", "train": "c2", "merge": "c3"}


def costs(experiment: Experiment) -> Section | None:
    """Seconds and tokens by round and phase."""
    rounds = rounds_of(experiment)
    cards = [*_cost_card("Seconds by phase", rounds, "s"), *_cost_card("Thousands of tokens by phase", rounds, "k")]
    if not cards:
        return None
    every = [of for arm in experiment.arms() for of in rounds_of(experiment, arm)]
    seconds, tokens = sum(sum(of.seconds.values()) for of in every), sum(sum(of.tokens.values()) for of in every)
    controls = ", controls included" * (len(experiment.arms()) > 1)
    lead = (
        f"{duration(seconds)} of work and {tokens:,} tokens{controls}. Round N collects, trains and merges, and then "
        "evaluates model N, which it made. A run that resumed shows what its steps took when they were made."
    )
    return Section("Time, tokens and cost", lead, grid(cards))


def _cost_card(title: str, rounds: Sequence[Round], unit: Literal["s", "k"]) -> list[Markup]:
    totals: list[tuple[str, Mapping[str, float]]] = [
        (of.label, of.seconds if unit == "s" else {phase: n / 1000 for phase, n in of.tokens.items()}) for of in rounds
    ]
    if not any(value for _, parts in totals for value in parts.values()):
        return []
    colours = {**PHASES, **{phase: "c5" for _, parts in totals for phase in parts if phase not in PHASES}}
    used = {phase: colour for phase, colour in colours.items() if any(parts.get(phase) for _, parts in totals)}
    desc = "; ".join(f"{label}: {sum(parts.values()):,.0f} {unit}" for label, parts in totals)
    rows = [[label, *(f"{parts.get(phase, 0):,.1f}" for phase in used)] for label, parts in totals]
    caption = Caption("tokens" if unit == "k" else "seconds", title, desc)
    return [card(title, bar_plot(caption, thinned(totals), used, unit), numbers(Table(title, ("round", *used), rows)))]

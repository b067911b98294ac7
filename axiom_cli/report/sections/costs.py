"""What a run cost, on the page: seconds and tokens by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from markupsafe import Markup

from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.report.drawing.charts import Caption, bar_plot
from axiom_cli.report.drawing.html import Section, card, grid, numbers
from axiom_cli.report.drawing.plots import thinned
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.rounds import Round, rounds_of
from axiom_cli.wording import duration

LEAD = (
    "Round N collects, trains and merges, and then evaluates model N, which it made. A run that resumed shows what its "
    "steps took when they were made."
)
PHASES = {"evaluate": "c0", "collect": "c1", "train": "c2", "merge": "c3"}


def costs(experiment: Experiment) -> Section | None:
    """Seconds and tokens by round and phase."""
    rounds = rounds_of(experiment)
    cards = [*_cost_card("Seconds by phase", rounds, "s"), *_cost_card("Thousands of tokens by phase", rounds, "k")]
    if not cards:
        return None
    return Section("Time, tokens and cost", f"{cost_sentence(experiment)} {LEAD}", grid(cards))


def cost_sentence(experiment: Experiment) -> str:
    """What the run and its controls took altogether."""
    seconds, tokens = _totals(experiment)
    controls = ", controls included" * (len(experiment.arms()) > 1)
    return f"{duration(seconds)} of work and {tokens:,} tokens{controls}."


def cost_json(experiment: Experiment) -> dict[str, float]:
    """For JSON; the rounds have their own."""
    seconds, tokens = _totals(experiment)
    return {"seconds": round(seconds, 3), "tokens": tokens}


def cost_table(experiment: Experiment) -> Table | None:
    """Seconds and thousands of tokens by round and phase."""
    rounds = rounds_of(experiment)
    phases = list(dict.fromkeys([*PHASES, *(phase for of in rounds for phase in of.seconds)]))
    rows = [
        [
            of.label,
            *(f"{of.seconds[phase]:,.1f}" if of.seconds.get(phase) else "" for phase in phases),
            *(f"{of.tokens[phase] / 1000:,.1f}" if of.tokens.get(phase) else "" for phase in phases),
        ]
        for of in rounds
    ]
    columns = ["round", *(f"{phase}, {unit}" for unit in ("s", "k tokens") for phase in phases)]
    return Table(f"{experiment.name}: seconds and tokens by phase", columns, rows, keys=1).filled() if rows else None


def _totals(experiment: Experiment) -> tuple[float, int]:
    every = [of for arm in experiment.arms() for of in rounds_of(experiment, arm)]
    return sum(sum(of.seconds.values()) for of in every), sum(sum(of.tokens.values()) for of in every)


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

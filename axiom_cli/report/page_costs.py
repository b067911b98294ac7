"""How the run was made, on the page: replay mix, cost, configuration, digests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import orjson

from axiom_cli.evaluation.comparison import percent
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.report.charts import Caption, bar_plot
from axiom_cli.report.cold_start import PHASE
from axiom_cli.report.formats import Table
from axiom_cli.report.html import card, code, html_table, numbers, section
from axiom_cli.report.page_curves import for_both_widths

T = TypeVar("T")
PHASES = {"evaluate": "c0", "collect": "c1", "train": "c2", "merge": "c3"}
MOST_BARS = 12
SLICES = {"new": "c0", "history": "c1", "cold": "c2"}


def replay(experiment: Experiment) -> str:
    """What each round trained on."""
    mixes = [(_round(row.iteration + 1), row.extra["replay"]) for row in experiment.phases() if row.extra.get("replay")]
    mixes = [(label, {part: float(mix.get(part, 0)) for part in SLICES}) for label, mix in mixes]
    if not mixes:
        return ""
    title = "Realised shares of the loss tokens"
    desc = "; ".join(f"{label}: {', '.join(f'{part} {percent(v)}' for part, v in mix.items())}" for label, mix in mixes)
    plots = for_both_widths(
        Caption("replay", title, desc), lambda caption, size: bar_plot(caption, thinned(mixes), SLICES, "%", size[0])
    )
    rows = [[label, *(percent(mix[part]) for part in SLICES)] for label, mix in mixes]
    lead = "What each round trained on: its own accepted solutions, those of earlier rounds, and cold-start traces."
    return section("Replay mix", lead, card("", plots, numbers(Table(title, ("round", *SLICES), rows))))


def thinned(bars: Sequence[T]) -> Sequence[T]:
    """At most twelve of a long run's rounds, evenly spaced; the table behind the plot has them all."""
    return bars[:: math.ceil(len(bars) / MOST_BARS) or 1]


def costs(experiment: Experiment) -> str:
    """Seconds and tokens by round and phase. A round ends with the evaluation of the model that it made."""
    seconds: dict[int, dict[str, float]] = {}
    tokens: dict[int, dict[str, float]] = {}
    for row in (*experiment.evaluations(), *experiment.phases()):
        phase = str(row.extra["phase"])
        for totals, value in ((seconds, row.seconds), (tokens, row.tokens)):
            of_round = totals.setdefault(row.iteration + (phase not in ("evaluate", PHASE)), {})
            of_round[phase] = of_round.get(phase, 0.0) + value
    phases = {phase: PHASES.get(phase, "c5") for phase in {**PHASES, **{p: "" for v in seconds.values() for p in v}}}
    cards = [
        _cost_card("Seconds by phase", seconds, phases, "s"),
        _cost_card("Thousands of tokens by phase", tokens, phases, "k"),
    ]
    lead = "Time and tokens spent. Round N collects, trains and merges, and then evaluates model N, which it made."
    return section("Cost", lead, f'<div class="grid2">{"".join(cards)}</div>') if any(cards) else ""


def _round(number: int) -> str:
    """What a round is called; before the first one, the start model is evaluated."""
    return f"round {number}" if number else "start"


def _cost_card(
    title: str, totals: Mapping[int, Mapping[str, float]], colours: Mapping[str, str], unit: Literal["s", "k"]
) -> str:
    if not any(value for parts in totals.values() for value in parts.values()):
        return ""
    scale = 1000.0 if unit == "k" else 1.0
    bars = [(_round(i), {p: v / scale for p, v in totals[i].items()}) for i in sorted(totals)]
    used = {phase: colour for phase, colour in colours.items() if any(parts.get(phase) for _, parts in bars)}
    desc = "; ".join(f"{label}: {sum(parts.values()):,.0f} {unit}" for label, parts in bars)
    rows = [[label, *(f"{parts.get(phase, 0):,.1f}" for phase in used)] for label, parts in bars]
    caption = Caption("tokens" if unit == "k" else "seconds", title, desc)
    table = Table(title, ("round", *used), rows)
    return card(title, bar_plot(caption, thinned(bars), used, unit), numbers(table))


def config(experiment: Experiment) -> str:
    """The settings of the run."""
    settings: dict[str, Any] = {}
    for key, value in experiment.config.items():
        settings |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    rows = [[code(key), _value(value)] for key, value in sorted(settings.items())]
    return section("Configuration", "", card("", html_table(Table("", ("setting", "value"), rows)))) if rows else ""


def _value(value: Any) -> str:
    return code(value if isinstance(value, str) else orjson.dumps(value).decode())


def _short(digest: str) -> str:
    """The first twelve digits; the whole digest is the tooltip."""
    return code(digest.removeprefix("sha256:")[:12], digest) if digest else ""


def digests(experiment: Experiment) -> str:
    """The weights and the problems behind the numbers."""
    rows: dict[tuple[str, ...], None] = {}
    for arm in experiment.arms():
        for row in experiment.evaluations(arm):
            model, weights, problems = (str(row.extra.get(key, "")) for key in ("model", "digest", "set"))
            place = row.experiment, str(row.iteration), row.split
            rows.setdefault((*place, model, _short(weights), _short(problems)))
    certificates = [
        [row.experiment, str(row.iteration + 1), _value(row.extra["certificate"])]
        for row in experiment.phases()
        if row.extra.get("certificate")
    ]
    columns = ("run", "model", "split", "name", "weights", "problems")
    parts = [card("", html_table(Table("Weights and problem sets", columns, list(rows))))]
    if certificates:
        parts.append(card("", numbers(Table("Merge certificates", ("run", "round", "certificate"), certificates))))
    return section("Digests", "The weights and the problem sets behind the numbers.", "".join(parts))

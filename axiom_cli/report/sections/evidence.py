"""What a run says over its rounds: the e-value, which may be looked at after any of them, why the run stopped, and
whether it grokked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from axiom_cli.evaluation.changepoint import Grokking
from axiom_cli.evaluation.evalue import ENOUGH
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.records import Metrics
from axiom_cli.report.drawing.charts import Caption, Point, Series, line_plot
from axiom_cli.report.drawing.html import Section, card, joined, numbers
from axiom_cli.report.drawing.plots import for_both_widths, round_axis
from axiom_cli.report.formats import Table

LEAD = (
    "A p-value holds for one look. The e-value is a bet against the rounds' models on fresh problems after each round: "
    f"it reaches {ENOUGH:g} at most once in 20 runs that do not get better, whenever one stops to look."
)


def _rows(experiment: Experiment, phase: str) -> list[Metrics]:
    return [row for row in experiment.phases() if row.extra["phase"] == phase]


def evidence_sentences(experiment: Experiment) -> list[str]:
    """What the e-value allows to be said, why the run stopped, and what its test for grokking found; each where the run
    has it."""
    sentences = []
    if rows := _rows(experiment, "evidence"):
        values = [float(row.extra["e_value"]) for row in rows]
        enough = next((row.iteration + 1 for row, value in zip(rows, values, strict=True) if value >= ENOUGH), None)
        says = "too little to say that the run's models are better" if enough is None else f"enough from round {enough}"
        sentences.append(f"The e-value after round {rows[-1].iteration + 1} is {values[-1]:.3g}, {says}.")
    sentences += [f"The run stopped: {row.extra.get('reason', '')}." for row in _rows(experiment, "stop")]
    if rows := _rows(experiment, "grokking"):
        said = _grokking(rows[-1]).sentence()
        sentences.append(f"{said[:1].upper()}{said[1:]}.")
    return sentences


def _grokking(row: Metrics) -> Grokking:
    places = {field.name: row.extra.get(field.name, 0) for field in fields(Grokking) if field.name != "rounds"}
    return Grokking(rounds=row.iteration + 1, **places)


def evidence_table(experiment: Experiment) -> Table | None:
    """A row a round; None where no e-value was added up."""
    rows = [
        [
            str(row.iteration + 1),
            f"{row.n:,}",
            f"{row.extra['wins']:,}",
            f"{row.extra['losses']:,}",
            f"{row.extra['e_value']:.3g}",
        ]
        for row in _rows(experiment, "evidence")
    ]
    columns = ["round", "fresh problems", "only its model", "only the start", "e-value so far"]
    return Table(f"{experiment.name}: the e-value, round by round", columns, rows, keys=1) if rows else None


def evidence_json(experiment: Experiment) -> dict[str, Any]:
    """For JSON: the e-value by round, and the sentences."""
    values = {str(row.iteration + 1): row.extra["e_value"] for row in _rows(experiment, "evidence")}
    return {"e_values": values, "sentences": evidence_sentences(experiment)}


def evidence_section(experiment: Experiment) -> Section | None:
    """The e-value as a curve, and the sentences; None where the run has none of it."""
    sentences, table = evidence_sentences(experiment), evidence_table(experiment)
    if not sentences:
        return None
    plots = card("", _curve(_rows(experiment, "evidence")), numbers(table)) if table else joined([])
    return Section("Evidence over the rounds", " ".join([*sentences, *[LEAD] * bool(table)]), plots)


def _curve(rows: Sequence[Metrics]) -> Any:
    """The e-value on a logarithmic axis, with the height from which on "better" may be said."""
    logs = [math.log10(max(float(row.extra["e_value"]), 1e-300)) for row in rows]
    low, high = math.floor(min([*logs, 0.0])), math.ceil(max([*logs, math.log10(ENOUGH)]))
    step = max(1, math.ceil((high - low) / 6))

    def height(log: float) -> float:
        return (log - low) / (high - low)

    notes = [f"round {row.iteration + 1}: {row.extra['e_value']:.3g}" for row in rows]
    points = [
        Point(row.iteration + 1, height(log), note=note) for row, log, note in zip(rows, logs, notes, strict=True)
    ]
    ends = [Point(point.x, height(math.log10(ENOUGH))) for point in (points[0], points[-1])]
    series = [Series(f"{ENOUGH:g}: enough", ends, "muted", dashed=True), Series("e-value", points, "c0")]
    heights = [
        (height(power), f"1e{power}" if abs(power) > 3 else f"{10.0**power:g}") for power in range(low, high + 1, step)
    ]
    caption = Caption("evidence", "The e-value, round by round", "; ".join(notes))
    return for_both_widths(
        caption, lambda caption, size: line_plot(caption, series, round_axis(points), size, heights=heights)
    )

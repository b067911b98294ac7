"""A report as one HTML page that needs nothing else: no network, no script, styles and plots inside.

Every plot has its numbers in a table behind it. What models wrote and what people named is text in it, by the
templates' escaping. The page holds no date of its own, so the same run gives the same bytes.
"""

from __future__ import annotations

from markupsafe import Markup

from axiom_cli.evaluation.comparison import percent, points, points_range, spoken
from axiom_cli.report.drawing.html import tiles
from axiom_cli.report.outcome.next_step import next_step
from axiom_cli.report.outcome.summary import ExperimentSummary, model_name
from axiom_cli.report.pages.frame import FOOTER, fill_template
from axiom_cli.report.sections.claim import claim_section
from axiom_cli.report.sections.controls import controls, dose_response
from axiom_cli.report.sections.costs import costs
from axiom_cli.report.sections.coverage import coverage_section
from axiom_cli.report.sections.curves import curve, families, levels
from axiom_cli.report.sections.evidence import evidence_section
from axiom_cli.report.sections.frontier import frontier
from axiom_cli.report.sections.origin import origin
from axiom_cli.report.sections.samples import samples_section
from axiom_cli.report.sections.steps import gain_section, steps
from axiom_cli.report.sections.training import training
from axiom_cli.report.sections.transfer import transfer_section


def page(summary: ExperimentSummary) -> str:
    """The page of an experiment."""
    run = summary.experiment
    sections = [
        curve(summary),
        evidence_section(run),
        steps(summary),
        families(summary),
        levels(summary),
        samples_section(run.name, summary.examples),
        coverage_section(run.name, summary.coverage),
        training(summary),
        controls(summary),
        dose_response(run.name, summary.doses),
        gain_section(run.name, summary.gain),
        transfer_section(run),
        frontier(summary),
        costs(run),
        origin(run),
        claim_section(summary),
    ]
    return fill_template(
        kicker="axiom experiment",
        name=run.name,
        verdict=summary.verdict,
        headline=summary.verdict.capitalize(),
        sentences=summary.sentences,
        next_step=next_step(summary),
        tiles=_tiles(summary),
        sections=[section for section in sections if section],
        footer=FOOTER,
    )


def _tiles(summary: ExperimentSummary) -> Markup:
    experiment, selected = summary.experiment, summary.selected
    cells = [("Selected", model_name(selected, experiment.iterations()[0]), "chosen on validation")]
    if summary.final:
        headline = summary.final[0]
        change = f"{100 * headline.rate_before:.1f} → {percent(headline.rate_after)}"
        cells = [
            ("Pass rate", change, f"start to selected, {spoken(headline.split)}"),
            ("Difference", points(headline.difference), f"points, {points_range(headline.interval)}"),
            ("Problems", f"{headline.problems:,}", f"{headline.gained:,} gained, {headline.lost:,} lost"),
            *cells,
        ]
    rows = (row for row in experiment.evaluations() if row.iteration == selected and "parsed" in row.extra)
    if row := next(rows, None):
        cells.append(("Well-formed", percent(row.extra["parsed"]), "answers that parse, selected model"))
    if shares := summary.reasoned():
        cells.append(("Reasoned", f"{100 * shares[0]:.1f} → {percent(shares[1])}", "answers with reasoning"))
    return tiles(cells)

"""A report as one HTML page that needs nothing else: no network, no script, styles and plots inside.

Every plot has its numbers in a table behind it. What models wrote and what people named is text in it, by the
templates' escaping. The page holds no date of its own, so the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from axiom_cli.evaluation.comparison import percent, points, points_range, spoken
from axiom_cli.report.claim import claim_section
from axiom_cli.report.comparison_tables import COLUMNS, comparison_cells
from axiom_cli.report.coverage import coverage_section
from axiom_cli.report.evidence import evidence_section
from axiom_cli.report.formats import Table
from axiom_cli.report.frontier import frontier
from axiom_cli.report.gain import gain_section
from axiom_cli.report.html import Section, environment, joined, table_card, tiles
from axiom_cli.report.next_step import NextStep, next_step
from axiom_cli.report.origin import origin
from axiom_cli.report.page_controls import controls, dose_response
from axiom_cli.report.page_costs import costs
from axiom_cli.report.page_curves import curve, families, levels
from axiom_cli.report.page_training import training
from axiom_cli.report.page_transfer import transfer_section
from axiom_cli.report.samples import samples_section
from axiom_cli.report.summary import ExperimentSummary, model_name

FOOTER = """\
Shaded bands and ranges are 95 % intervals. A model is called better only if the paired interval lies above zero,
the exact test gives p under 0.05, and the difference is at least the smallest that this many problems can detect with
80 % power. The round is chosen on the validation problems; the test problems play no part in that choice.
Samples that the machine failed to judge (infra) are counted, but not included in any rate."""


def page(summary: ExperimentSummary) -> str:
    """The page of an experiment."""
    run = summary.experiment
    sections = [
        curve(summary),
        evidence_section(run),
        _steps(summary),
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


def fill_template(  # noqa: PLR0913 - the parts of a page, given by name
    *,
    kicker: str,
    name: str,
    verdict: str,
    headline: str,
    sentences: Sequence[str],
    tiles: Markup,
    sections: Sequence[Section],
    footer: str,
    next_step: NextStep | None = None,
) -> str:
    """The page of `name`. The first sentence loses what stands before its colon, since `headline` says it."""
    rest = sentences[0].partition(": ")[2]
    return (
        environment()
        .get_template("page.html")
        .render(
            kicker=kicker,
            name=name,
            badge=verdict if verdict in ("better", "worse") else "unsure",
            headline=headline,
            sentence=rest[:1].upper() + rest[1:],
            remarks=sentences[1:],
            next_step=next_step,
            tiles=tiles,
            sections=sections,
            footer=footer,
        )
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


def _steps(summary: ExperimentSummary) -> Section | None:
    final, steps = (
        Table(title, COLUMNS, list(map(comparison_cells, of)))
        for title, of in (("Start and selected, in points", summary.final), ("Step by step, in points", summary.steps))
    )
    tables = [table_card(table) for table in (final, steps) if table.rows]
    lead = (
        "The selected model against the start model, then each model against the one before it, on the same problems. "
        "Gained and lost count problems; a difference below the detectable one is inconclusive."
    )
    return Section("Model N against Model N+1", lead, joined(tables)) if tables else None

"""A report as one HTML page that needs nothing else: no network, no script, styles and plots inside.

Every plot has its numbers in a table behind it. The page holds no date, so the same run gives the same bytes.
"""

from __future__ import annotations

from importlib.resources import files
from string import Template

from axiom_cli.evaluation.comparison import percent, points, points_range, spoken
from axiom_cli.report.cold_start import cold_start
from axiom_cli.report.comparison_tables import COLUMNS, comparison_cells
from axiom_cli.report.coverage import coverage_section
from axiom_cli.report.formats import Table
from axiom_cli.report.frontier import frontier
from axiom_cli.report.gain import gain_section
from axiom_cli.report.html import card, escape, html_table, section, tiles
from axiom_cli.report.page_costs import config, costs, digests, replay
from axiom_cli.report.page_curves import curve, families, levels
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
        frontier(summary),
        gain_section(run.name, summary.gain),
        families(summary),
        coverage_section(run.name, summary.coverage),
        levels(summary),
        _comparisons(summary),
    ]
    sections += [cold_start(run), replay(run), costs(run), config(run), digests(run)]
    return fill_template(
        kicker="axiom experiment",
        name=run.name,
        verdict=summary.verdict,
        headline=summary.verdict.capitalize(),
        sentence=summary.sentence,
        tiles=_tiles(summary),
        sections="\n".join(part for part in sections if part),
        footer=FOOTER,
    )


def fill_template(*, name: str, verdict: str, headline: str, sentence: str, footer: str, **markup: str) -> str:
    """The page of `name`. The sentence loses what stands before its colon, since `headline` says it. `kicker`, `tiles`
    and `sections` are markup."""
    template = Template(files("axiom_cli.report").joinpath("report.html").read_text("utf-8"))
    rest = sentence.partition(": ")[2]
    return template.substitute(
        title=escape(f"{name}: axiom report"),
        name=escape(name),
        badge=verdict if verdict in ("better", "worse") else "unsure",
        verdict=headline,
        sentence=escape(rest[:1].upper() + rest[1:]),
        footer=escape(footer),
        **markup,
    )


def _tiles(summary: ExperimentSummary) -> str:
    experiment, selected = summary.experiment, summary.selected
    cells = [("Selected", model_name(selected, experiment.iterations()[0]), "chosen on validation")]
    if summary.final:
        headline = summary.final[0]
        change = f"{100 * headline.rate_before:.1f} → {percent(headline.rate_after)}"
        cells = [
            ("Pass rate", change, f"start to selected, {spoken(headline.split)}"),
            ("Difference", points(headline.difference), f"points, {points_range(headline.interval)}"),
            ("Problems", f"{headline.problems:,}", f"{headline.gained} gained, {headline.lost} lost"),
            *cells,
        ]
    rows = (row for row in experiment.evaluations() if row.iteration == selected and "parsed" in row.extra)
    if row := next(rows, None):
        cells.append(("Well-formed", percent(row.extra["parsed"]), "answers that parse, selected model"))
    if shares := summary.reasoned():
        cells.append(("Reasoned", f"{100 * shares[0]:.1f} → {percent(shares[1])}", "answers with reasoning"))
    return tiles(cells)


def _comparisons(summary: ExperimentSummary) -> str:
    rows = list(map(comparison_cells, (*summary.steps, *summary.final, *summary.controls.values())))
    lead = (
        "Each model against the one before it on the same problems, then the selected one against the start model and "
        "the controls. Gained and lost count problems; a difference below the detectable one is inconclusive."
    )
    table = html_table(Table("Differences in points", COLUMNS, rows))
    return section("Model N against Model N+1", lead, card("", table)) if rows else ""

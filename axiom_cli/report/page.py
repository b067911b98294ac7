"""A report as one HTML page that needs nothing else: no network, no script, styles and plots inside.

Every plot has its numbers in a table behind it. The page holds no date, so the same run gives the same bytes.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template

from axiom_cli.evaluation.comparison import percent, points, spoken
from axiom_cli.evaluation.comparison_sources import COLUMNS, comparison_cells
from axiom_cli.report.html import card, numbers, section, tiles
from axiom_cli.report.page_costs import config, costs, digests, replay
from axiom_cli.report.page_curves import curve, families, levels, pass_at
from axiom_cli.report.summary import Report, name

FOOTER = """\
Shaded bands and ranges are 95 % intervals. A model is called better only if the paired interval lies above zero,
the exact test gives p under 0.05, and the difference is at least the smallest that this many problems can show with
80 % power. The round is chosen on the validation problems; the test problems have no part in that choice.
Samples that the machine failed to judge (infra) are counted, and belong to no rate."""


def page(found: Report) -> str:
    """The whole page."""
    template = Template(files("axiom_cli.report").joinpath("report.html").read_text("utf-8"))
    run = found.experiment
    sections = [curve(found), families(found), pass_at(found), levels(found), _comparisons(found)]
    sections += [replay(run), costs(run), config(run), digests(run)]
    return template.substitute(
        kicker="axiom experiment",
        title=escape(f"{found.experiment.name}: axiom report"),
        name=escape(found.experiment.name),
        badge={"better": "better", "worse": "worse"}.get(found.verdict, "unsure"),
        verdict={"better": "Better", "worse": "Worse", "inconclusive": "Inconclusive"}[found.verdict],
        sentence=escape(_after_colon(found.sentence)),
        tiles=_tiles(found),
        sections="\n".join(part for part in sections if part),
        footer=FOOTER,
    )


def _after_colon(sentence: str) -> str:
    """The sentence without its first word, which stands above it."""
    rest = sentence.partition(": ")[2]
    return rest[:1].upper() + rest[1:]


def _tiles(found: Report) -> str:
    cells = [("Selected", name(found.selected, found.experiment.iterations()[0]), "chosen on validation")]
    if found.final:
        headline = found.final[0]
        low, high = headline.interval
        change = f"{100 * headline.rate_before:.1f} → {percent(headline.rate_after)}"
        cells = [
            ("Pass rate", change, f"start to selected, {spoken(headline.split)}"),
            ("Difference", points(headline.difference), f"points, {points(low)} to {points(high)}"),
            ("Problems", f"{headline.problems:,}", f"{headline.gained} gained, {headline.lost} lost"),
            *cells,
        ]
    rows = [row for row in found.experiment.evaluations() if row.iteration == found.selected]
    parsed = [row for row in rows if "parsed" in row.extra]
    if parsed:
        cells.append(("Well-formed", percent(parsed[0].extra["parsed"]), "answers that parse, selected model"))
    if shares := found.reasoned():
        cells.append(("Reasoned", f"{100 * shares[0]:.1f} → {percent(shares[1])}", "answers with reasoning"))
    return tiles(cells)


def _comparisons(found: Report) -> str:
    rows = [comparison_cells(step) for step in found.steps]
    rows += [comparison_cells(comparison) for comparison in (*found.final, *found.controls.values())]
    table = numbers("Differences in points", COLUMNS, rows, folded=False)
    lead = (
        "Each model against the one before it on the same problems, then the selected one against the start model and "
        "the controls. Gained and lost count problems; a difference below the detectable one is inconclusive."
    )
    return section("Model N against Model N+1", lead, card("", table)) if rows else ""

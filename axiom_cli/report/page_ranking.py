"""A ranking as one HTML page: best of N by value, vote, chance and oracle, and what the values promised."""

from __future__ import annotations

import math
from html import escape
from importlib.resources import files
from string import Template

from axiom_cli.evaluation.comparison import percent, points
from axiom_cli.evaluation.value_ranking import CHOOSERS, HEADS, Ranking, reliability_table, table
from axiom_cli.report.charts import Point, Series, line_plot
from axiom_cli.report.html import card, numbers, section, tiles
from axiom_cli.report.page_curves import both
from axiom_cli.statistics import wilson

COLOURS = {"value": "c0", "vote": "c1", "random": "muted", "oracle": "c2"}
FOOTER = (
    "Best of N is the mean over all ways to draw N of a problem's samples. Value ranking is said to beat the vote only "
    "if the paired interval at the largest N lies above zero, the test gives p under 0.05, and the difference is at "
    "least the smallest that this many problems can show with 80 % power. Samples that could not be judged, and "
    "problems that the value function was fitted on, have no part in any figure."
)


def page(found: Ranking) -> str:
    """The whole page."""
    template = Template(files("axiom_cli.report").joinpath("report.html").read_text("utf-8"))
    verdict = HEADS[found.headline.verdict]
    rest = found.sentence.partition(": ")[2]
    return template.substitute(
        kicker="axiom value function",
        title=escape(f"{found.value.name}: axiom report"),
        name=escape(found.value.name),
        badge={"better": "better", "worse": "worse"}.get(found.headline.verdict, "unsure"),
        verdict=verdict,
        sentence=escape(rest[:1].upper() + rest[1:]),
        tiles=_tiles(found),
        sections="\n".join([best_of_n(found), calibration(found)]),
        footer=escape(FOOTER),
    )


def _tiles(found: Ranking) -> str:
    last = found.best[-1]
    low, high = last.interval
    return tiles(
        [
            (f"Best of {last.n}", percent(last.value), f"vote {percent(last.vote)}, oracle {percent(last.oracle)}"),
            ("Value - vote", points(last.difference), f"points, {points(low)} to {points(high)}"),
            ("AUROC within problems", _figure(found.within), f"{_figure(found.auroc)} over all samples"),
            ("Calibration error", f"{found.ece:.3f}", f"Brier {found.brier:.3f}, constant {found.constant:.3f}"),
            ("Problems", f"{found.problems:,}", f"{found.samples:,} samples by {found.model.name}"),
        ]
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def best_of_n(found: Ranking) -> str:
    """Share of problems of which a right sample is chosen, by N."""
    series = [
        Series(name, [Point(math.log2(one.n), getattr(one, name), note=_note(name, one.n, getattr(one, name)))
                      for one in found.best], COLOURS[name], dashed=name in ("random", "oracle"))
        for name in CHOOSERS
    ]  # fmt: skip
    ticks = [(float(power), str(2**power)) for power in range(int(math.log2(found.best[-1].n)) + 1)]
    title, columns, rows = table(found, every=True)
    desc = "; ".join(f"{one.name} from {percent(one.points[0].y)} to {percent(one.points[-1].y)}" for one in series)
    plots = both(lambda key, size: line_plot(key, title, desc, series, ticks, "N, samples a problem", size), "bestn")
    lead = (
        "How often a right sample is chosen from N of a problem: by value, by majority vote, at random, and by an "
        f"oracle that knows which are right. {found.headline.problems:,} problems."
    )
    return section("Best of N", lead, card("", plots, numbers(title, columns, rows)))


def _note(name: str, n: int, share: float) -> str:
    return f"{name}, best of {n}: {percent(share)}"


def calibration(found: Ranking) -> str:
    """Share of passes among samples of about the same value."""
    points_ = [
        Point(one.predicted, one.passed, *wilson(round(one.passed * one.n), one.n), note=f"{one.n:,} samples")
        for one in found.bins
    ]
    diagonal = Series("as promised", [Point(0.0, 0.0), Point(1.0, 1.0)], "muted", dashed=True)
    series = [diagonal, Series("passed", points_, "c0")]
    ticks = [(share / 4, f"{25 * share} %") for share in range(5)]
    title = f"Calibration of {found.value.name}"
    desc = "; ".join(f"{percent(p.x)} promised, {percent(p.y)} passed" for p in points_)
    plots = both(lambda key, size: line_plot(key, title, desc, series, ticks, "value", size), "calibration")
    lead = f"What values promise, and what comes of it ({found.samples:,} samples). On the dashed line they keep it."
    return section("Calibration", lead, card("", plots, numbers(title, *reliability_table(found))))

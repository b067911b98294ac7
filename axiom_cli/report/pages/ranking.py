"""A ranking as one HTML page: best of N by value, vote, chance and oracle, and what the values promised."""

from __future__ import annotations

import math

from axiom_cli.evaluation.comparison import percent, points, points_range
from axiom_cli.evaluation.value_ranking import CHOOSERS, HEADS, Ranking
from axiom_cli.report.drawing.charts import Axis, Caption, Point, Series
from axiom_cli.report.drawing.html import Section, card, numbers, tiles
from axiom_cli.report.drawing.plots import curves, from_first_to_last
from axiom_cli.report.pages.frame import fill_template
from axiom_cli.report.tables.ranking import best_of_n_table, figure, reliability_table
from axiom_cli.statistics import wilson

COLOURS = {"value": "c0", "vote": "c1", "random": "muted", "oracle": "c2"}
FOOTER = (
    "Best of N is the mean over all ways to draw N of a problem's samples. Value ranking is said to beat the vote only "
    "if the paired interval at the largest N lies above zero, the test gives p under 0.05, and the difference is at "
    "least the smallest that this many problems can detect with 80 % power. Samples that could not be judged, and "
    "problems that the value function was fitted on, are not included in any figure."
)


def ranking_page(ranking: Ranking) -> str:
    """The page of a value function."""
    last, every = ranking.best[-1], [ranking, *(rival.ranking for rival in ranking.rivals)]
    figures = tiles(
        [
            (f"Best of {last.n}", percent(last.value), f"vote {percent(last.vote)}, oracle {percent(last.oracle)}"),
            ("Value - vote", points(last.difference), f"points, {points_range(last.interval)}"),
            ("AUROC within problems", figure(ranking.within), f"{figure(ranking.auroc)} over all samples"),
            ("Calibration error", f"{ranking.ece:.3f}", f"Brier {ranking.brier:.3f}, constant {ranking.constant:.3f}"),
            ("Problems", f"{ranking.problems:,}", f"{ranking.samples:,} samples by {ranking.model.name}"),
        ]
    )
    return fill_template(
        kicker="axiom value function",
        name=ranking.value.name,
        verdict=ranking.headline.verdict,
        headline=HEADS[ranking.headline.verdict],
        sentences=ranking.sentences,
        tiles=figures,
        sections=[make(each, number) for number, each in enumerate(every) for make in (best_of_n, calibration)],
        footer=FOOTER,
    )


def best_of_n(ranking: Ranking, number: int = 0) -> Section:
    """The share of problems for which a correct sample is chosen, by N."""
    series = []
    for name in CHOOSERS:
        shares = [(best.n, getattr(best, name)) for best in ranking.best]
        line = [Point(math.log2(n), share, note=f"{name}, best of {n}: {percent(share)}") for n, share in shares]
        series.append(Series(name, line, COLOURS[name], dashed=name in ("random", "oracle")))
    ticks = [(float(power), str(2**power)) for power in range(int(math.log2(ranking.best[-1].n)) + 1)]
    axis = Axis("N, samples a problem", ticks)
    table = best_of_n_table(ranking)
    plots = curves(Caption(f"bestn{number or ''}", table.title, from_first_to_last(series)), series, axis)
    lead = (
        "How often a correct sample is chosen from N of a problem: by value, by majority vote, at random, and by an "
        f"oracle that knows which are correct. {ranking.headline.problems:,} problems."
    )
    return Section(_title("Best of N", ranking, number), lead, card("", plots, numbers(table)))


def calibration(ranking: Ranking, number: int = 0) -> Section:
    """The share of passes among samples of about the same value."""
    passed = [
        Point(bin.predicted, bin.passed, *wilson(round(bin.passed * bin.n), bin.n), note=f"{bin.n:,} samples")
        for bin in ranking.bins
    ]
    diagonal = Series("as promised", [Point(0.0, 0.0), Point(1.0, 1.0)], "muted", dashed=True)
    series = [diagonal, Series("passed", passed, "c0")]
    axis = Axis("value", [(share / 4, f"{25 * share} %") for share in range(5)])
    desc = "; ".join(f"{percent(p.x)} promised, {percent(p.y)} passed" for p in passed)
    plots = curves(Caption(f"calibration{number or ''}", f"Calibration of {ranking.value.name}", desc), series, axis)
    lead = (
        f"What the values promise, and how many samples pass ({ranking.samples:,} samples). On the dashed line, the "
        "values keep their promise."
    )
    table = card("", plots, numbers(reliability_table(ranking)))
    return Section(_title("Calibration", ranking, number), lead, table)


def _title(what: str, ranking: Ranking, number: int) -> str:
    """The title of a section, with the name of every function but the first one."""
    return f"{what}, {ranking.value.name}" if number else what

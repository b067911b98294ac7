"""How well a value function ranks, in every format."""

from __future__ import annotations

from dataclasses import asdict

from axiom_cli.evaluation.comparison import percent, points, points_range
from axiom_cli.evaluation.value_ranking import CHOOSERS, Ranking
from axiom_cli.report.formats import Findings, Table
from axiom_cli.report.tables.comparison import with_bounds


def ranking_findings(ranking: Ranking) -> Findings:
    """One ranking, and those of its rivals. A terminal gets best of N for powers of two and the largest N only."""
    every = [ranking, *(rival.ranking for rival in ranking.rivals)]
    records = [each.to_dict() for each in every]
    markdown: list[Table | str] = []
    terminal: list[Table | str] = []
    csv_rows = []
    for each in every:
        lines, whole = facts(each), best_of_n_table(each)
        rows = [row for best, row in zip(each.best, whole.rows, strict=True)
                if best.n & (best.n - 1) == 0 or best is each.best[-1]]  # fmt: skip
        named = {"value_function": each.value.name} if ranking.rivals else {}
        csv_rows += [{**named, **with_bounds(asdict(best))} for best in each.best]
        markdown += [whole, *(f"{line}." for line in lines), reliability_table(each)]
        terminal += [Table(whole.title, whole.columns, rows), *lines]
    return Findings(
        json_value=records if ranking.rivals else records[0],
        csv_rows=csv_rows,
        markdown=[*markdown, *ranking.sentences],
        terminal=[*terminal, *ranking.sentences],
        records=records,
    )


def best_of_n_table(ranking: Ranking) -> Table:
    """Best of N for every N, differences in points."""
    rows = [
        [
            str(best.n),
            *(percent(getattr(best, name)) for name in CHOOSERS),
            points(best.difference),
            points_range(best.interval),
        ]
        for best in ranking.best
    ]
    title = f"{ranking.value.name}: best of N samples of {ranking.model.name}, {ranking.headline.problems:,} problems"
    return Table(title, ["N", *CHOOSERS, "value - vote", "95 % interval"], rows)


def reliability_table(ranking: Ranking) -> Table:
    """The reliability bins."""
    rows = [
        [f"{bin.low:.1f} to {bin.high:.1f}", f"{bin.n:,}", f"{bin.predicted:.3f}", f"{bin.passed:.3f}"]
        for bin in ranking.bins
    ]
    return Table("", ["value", "samples", "mean value", "passed"], rows)


def facts(ranking: Ranking) -> list[str]:
    """The figures that stand beside the table, a line each."""
    lines = [
        f"AUROC {figure(ranking.auroc)} over all {ranking.samples:,} samples, {figure(ranking.within)} within problems"
        f"; {percent(ranking.rate)} pass",
        f"calibration error {ranking.ece:.3f}; Brier score {ranking.brier:.3f}, against {ranking.constant:.3f} for "
        "predicting the pass rate",
    ]
    ahead = ", ".join(str(best.n) for best in ranking.best if best.interval[0] > 0)
    if ahead:
        lines.append(f"the interval of value - vote, taken for each N on its own, lies above zero at N = {ahead}")
    return [*lines, ranking.left_out] if ranking.left_out else lines


def figure(value: float | None) -> str:
    """Three digits, or `unknown`."""
    return "unknown" if value is None else f"{value:.3f}"

"""Several runs on one page: their curves, a row a run, and what they come to together."""

from __future__ import annotations

from collections.abc import Sequence

from axiom_cli.evaluation.comparison import percent, points, points_range, spoken
from axiom_cli.evaluation.pooled import Pooled
from axiom_cli.report.drawing.charts import Caption, Point, Series
from axiom_cli.report.drawing.html import Section, card, command, joined, numbers, table_card, tiles
from axiom_cli.report.drawing.plots import curves, from_first_to_last, model_axis
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.command_line import command_line
from axiom_cli.report.outcome.summary import ExperimentSummary
from axiom_cli.report.pages.frame import FOOTER, fill_template
from axiom_cli.report.sections.claim import ONE_RUN, REPEATED, Question, checked, questions
from axiom_cli.report.sections.curves import coolest
from axiom_cli.report.tables.pooled import pooled_sentences, pooled_table

COLOURS = ("c0", "c1", "c2", "c3", "c4", "c5")


def pooled_page(summaries: Sequence[ExperimentSummary], pooled: Pooled) -> str:
    """The page of several runs."""
    verdict = pooled.tested.verdict if pooled.tested else "inconclusive"
    sentences = pooled_sentences(pooled)
    gain = pooled.gain
    cells = [
        ("Runs", str(gain.runs), ", ".join(pooled.names)),
        (
            "Pass rate",
            f"{100 * pooled.start.mean:.1f} → {percent(pooled.selected.mean)}",
            f"means, {spoken(pooled.split)}",
        ),
        ("Gain", points(gain.mean), f"points; over runs {points_range(gain.interval)}" if gain.interval else "points"),
    ]
    return fill_template(
        kicker="axiom experiments",
        name=", ".join(pooled.names),
        verdict=verdict,
        headline=verdict.capitalize(),
        sentences=[f"{verdict}: {sentences[0]}", *sentences[1:]],
        tiles=tiles(cells),
        sections=[
            _curves(summaries, pooled),
            _runs(summaries, pooled),
            _commands(summaries),
            _questions(summaries, pooled),
        ],
        footer=FOOTER,
    )


def _curves(summaries: Sequence[ExperimentSummary], pooled: Pooled) -> Section:
    series = []
    for number, summary in enumerate(summaries):
        rows = coolest(summary.experiment.evaluations(split=pooled.split))
        name = summary.experiment.name
        line = [
            Point(row.iteration, row.rate, row.interval[0], row.interval[1], f"{name}, model {row.iteration}")
            for row in rows
        ]
        series.append(Series(name, line, COLOURS[number % len(COLOURS)]))
    title = f"Pass rate per model on the {spoken(pooled.split)} problems"
    cells = [[line.name, f"{point.x:g}", percent(point.y)] for line in series for point in line.points]
    plots = curves(Caption("runs", title, from_first_to_last(series)), series, model_axis(series))
    lead = "A line for each run. No round trained on these problems."
    return Section("Held-out pass rate", lead, card("", plots, numbers(Table(title, ("run", "model", "rate"), cells))))


def _runs(summaries: Sequence[ExperimentSummary], pooled: Pooled) -> Section:
    lead = (
        "The interval over runs says what another seed would do; the pooled test, over the problems of all runs, says "
        "whether these got better."
    )
    return Section("The runs", lead, table_card(pooled_table(summaries, pooled)))


def _commands(summaries: Sequence[ExperimentSummary]) -> Section:
    lines = [line for summary in summaries if (line := command_line(summary.experiment))]
    lead = "" if lines else "The settings of the runs were not kept."
    return Section("The commands that repeat them", lead, card("", joined(list(map(command, lines)))))


def _questions(summaries: Sequence[ExperimentSummary], pooled: Pooled) -> Section:
    seeds = {summary.experiment.config.get("seed") for summary in summaries}
    answer = f"{pooled.gain.runs} runs with {len(seeds)} seeds: {pooled_sentences(pooled)[0]}"
    answers = [
        Question(REPEATED, answered=len(seeds) > 1, answer=answer if len(seeds) > 1 else ONE_RUN)
        if question.name == REPEATED
        else question
        for question in questions(summaries[0])
    ]
    return checked(answers, f"All but the repeated runs are answered for {summaries[0].experiment.name}.")

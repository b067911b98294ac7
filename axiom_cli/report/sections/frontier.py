"""The frontier of each family: start and selected model as a table, and every model on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from markupsafe import Markup

from axiom_cli.evaluation.comparison import spoken
from axiom_cli.evaluation.experiment_folder import arm_name
from axiom_cli.evaluation.frontier import HALF_SOLVED, SOLVED, Frontier
from axiom_cli.report.drawing.charts import Caption, Point, Series, line_plot
from axiom_cli.report.drawing.html import Section, card, grid, joined, numbers, table_card
from axiom_cli.report.drawing.plots import SMALL, model_axis
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.climb import Climb, climb_sentence, climbed_levels
from axiom_cli.report.outcome.summary import ExperimentSummary

LEAD = (
    "The highest level that a model solves with all levels below it: 9 in 10 of its problems (the solid line), or half "
    "of them (the dashed one). A grey line is the highest level that the start model was taught."
)
CLIMB = " In a climb, diamonds are the highest level that a model was trained on."


def frontier_table(summary: ExperimentSummary) -> Table | None:
    """A row a family: what the start model was taught, and the frontiers of start, selected model and controls."""
    if not summary.climbs:
        return None
    split, arms = summary.climbs[0].split, summary.experiment.arms()[1:]
    controls = [(arm, _selected_of(summary, arm, split)) for arm in arms]
    controls = [(arm, reached) for arm, reached in controls if reached]
    trained = {
        family: by_model[summary.selected]
        for family, by_model in climbed_levels(summary.experiment).items()
        if summary.selected in by_model
    }
    rows = [
        [
            climb.family,
            "" if climb.taught is None else _level(climb, climb.taught) if climb.taught else "none",
            *(f"{_level(climb, of.solved, of)} / {of.spelled(of.half_solved)}" for of in (climb.start, climb.now)),
            *[_level(climb, trained[climb.family]) if climb.family in trained else ""] * bool(trained),
            *(of[climb.family].text if climb.family in of else "" for _, of in controls),
            f"{min(climb.start.problems, climb.now.problems):,}",
        ]
        for climb in summary.climbs
    ]
    title = f"{summary.experiment.name}: frontier, the highest level solved {SOLVED:g} / {HALF_SOLVED:g} of the time"
    climbed = ["trained up to"] * bool(trained)
    columns = ["family", "taught", "start", "selected", *climbed, *(arm for arm, _ in controls), "problems a level"]
    return Table(f"{title} ({spoken(split)})", columns, rows, keys=1).filled()


def _selected_of(summary: ExperimentSummary, arm: str, split: str) -> dict[str, Frontier]:
    """The frontiers of a control's own selected model."""
    experiment = summary.experiment
    if not experiment.iterations(arm):
        return {}
    return summary.frontiers.get((arm_name(experiment.name, arm), experiment.best(arm), split), {})


def _level(climb: Climb, level: int, of: Frontier | None = None) -> str:
    """A level and how large it is: `8 (42 lines)`."""
    words = climb.words(level) if level else ""
    text = of.spelled(level) if of else str(level)
    return text if not words or words == f"level {level}" else f"{text} ({words})"


def frontier(summary: ExperimentSummary) -> Section | None:
    """A section of the page: one small plot a family, level by model."""
    if not summary.climbs:
        return None
    experiment, split = summary.experiment, summary.climbs[0].split
    by_model = {
        iteration: reached
        for (name, iteration, where), reached in sorted(summary.frontiers.items())
        if (name, where) == (experiment.name, split)
    }
    trained = climbed_levels(experiment)
    cards = [
        _card(climb, number, by_model, trained.get(climb.family, {})) for number, climb in enumerate(summary.climbs)
    ]
    table = frontier_table(summary)
    assert table
    lead = f"{climb_sentence(summary.climbs)} {LEAD}{CLIMB * bool(trained)}"
    return Section("Frontier", lead, joined([table_card(table), grid(cards)]))


def _card(
    climb: Climb, number: int, by_model: Mapping[int, Mapping[str, Frontier]], trained: Mapping[int, int]
) -> Markup:
    frontiers = {iteration: reached[climb.family] for iteration, reached in by_model.items() if climb.family in reached}
    top = max(of.highest for of in frontiers.values())

    def line(name: str, levels: Sequence[int], **how: bool) -> Series:
        points = [
            Point(i, level / top, note=f"model {i}: {name} up to level {level}")
            for i, level in zip(frontiers, levels, strict=True)
        ]
        return Series(name, points, f"c{number % 6}", **how)

    series = [
        line("half of them", [of.half_solved for of in frontiers.values()], dashed=True),
        line("9 in 10", [of.solved for of in frontiers.values()]),
    ]
    if climb.taught:
        ends = [Point(i, min(1.0, climb.taught / top)) for i in (min(frontiers), max(frontiers))]
        series.insert(0, Series("taught", ends, "muted", dashed=True))
    if trained:
        points = [
            Point(i, trained[i] / top, note=f"model {i}: trained up to level {trained[i]}")
            for i in frontiers
            if i in trained
        ]
        series.insert(0, Series("trained up to", points, "muted", dots=True))
    title = f"{climb.family}: {climb.start.text} → {climb.now.text}"
    desc = ", ".join(f"model {i}: level {of.text}" for i, of in frontiers.items())
    caption = Caption(f"frontier-{number}", f"{climb.family}, frontier on {spoken(climb.split)}", desc)
    heights = [(level / top, str(level)) for level in range(0, top + 1, max(1, ceil(top / 10)))]
    plot = line_plot(caption, series, model_axis(series), SMALL, labels=False, heights=heights)
    rows = [[str(i), of.text, of.spelled(of.half_solved), f"{of.problems:,}"] for i, of in frontiers.items()]
    table = Table(caption.title, ["model", f"solved {SOLVED:g}", f"solved {HALF_SOLVED:g}", "problems a level"], rows)
    return card(title, plot, numbers(table))

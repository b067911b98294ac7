"""The frontier: how far up a family's levels a model solves everything, and what a report says of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from axiom_cli import jsonl, models
from axiom_cli.evaluation.experiment_folder import Experiment, read_experiment
from axiom_cli.evaluation.frontier import Frontier, frontiers
from axiom_cli.evaluation.metrics import evaluate, phase_row
from axiom_cli.report.formats import render
from axiom_cli.report.outcome.climb import climb_sentence
from axiom_cli.report.outcome.last_screen import last_screen
from axiom_cli.report.outcome.summary import summarize
from axiom_cli.report.pages.experiment import page
from axiom_cli.report.tables.experiment import experiment_findings
from axiom_cli.sampling import nano_cold_start
from made_experiment import problem, verdict

Solved = Mapping[str, Sequence[int]]
"""By family, how many of 20 problems are solved at each level, from level 1."""


def made(folder: Path, *by_model: Solved, each: int = 20, verdicts: bool = True) -> Experiment:
    """An experiment whose models solve so many problems; both splits are solved alike."""
    rows = []
    for iteration, solved in enumerate(by_model):
        for split in ("val", "test"):
            judged = [
                verdict(problem(family, level, number, split), number < count)
                for family, counts in solved.items()
                for level, count in enumerate(counts, 1)
                for number in range(each)
            ]
            rows += evaluate(judged, folder.name, iteration, split)
            if verdicts:
                jsonl.save(folder / "evaluations" / f"{split}_{iteration}.jsonl", judged)
    jsonl.save(folder / "metrics.jsonl", rows)
    return read_experiment(str(folder))


def test_it_is_the_highest_level_with_all_below_it(tmp_path: Path) -> None:
    run = made(tmp_path / "run", {"rpn": [20, 18, 17, 20, 9], "modular": [17, 20, 20]})
    assert frontiers(run.rows)["run", 0, "test"] == {
        "rpn": Frontier(solved=2, half_solved=4, problems=20, lowest=1, highest=5),
        "modular": Frontier(solved=0, half_solved=3, problems=20, lowest=1, highest=3),
    }


def test_levels_that_lack_problems_end_the_count(tmp_path: Path) -> None:
    rows = made(tmp_path / "run", {"rpn": [20] * 5}, {"rpn": [20] * 5}).rows
    lacking = [row for row in rows if (row.iteration, row.level) != (1, 3)]
    assert frontiers(lacking)["run", 1, "val"]["rpn"].solved == 2
    assert frontiers(lacking)["run", 0, "val"]["rpn"].solved == 5
    assert ("run", 1, "val") not in frontiers(row for row in rows if (row.iteration, row.level) != (1, 1))
    assert frontiers(row for row in rows if row.level != 3)["run", 1, "val"]["rpn"].solved == 5, "never asked"
    assert not frontiers(made(tmp_path / "few", {"rpn": [9] * 5}, each=9).rows)
    assert not frontiers(made(tmp_path / "one", {"rpn": [20]}).rows)


def test_the_report_has_it_in_every_format_and_on_the_page(tmp_path: Path) -> None:
    summary = summarize(made(tmp_path / "run", {"rpn": [20, 20, 3, 0]}, {"rpn": [20, 20, 20, 11]}))
    found = experiment_findings([summary])
    (*_, row) = csv.DictReader(io.StringIO(render(found, "csv")))
    assert (row["iteration"], row["rpn frontier 0.9"], row["rpn frontier 0.5"]) == ("1", "3", "4")
    assert json.loads(render(found, "json"))["rows"][-1]["frontier"]["rpn"]["problems"] == 20
    written = render(found, "md")
    assert "| infra | frontier |" in written and "| rpn | 2 / 2 | 3 / 4 | 20 |" in written
    text = page(summary)
    assert "<h2>Frontier</h2>" in text and "model 1: 9 in 10 up to level 3" in text


def told(experiment: Experiment) -> str:
    return climb_sentence(summarize(experiment).climbs)


def test_the_last_screen_says_how_far_it_climbed_beyond_what_it_was_taught(tmp_path: Path) -> None:
    run = made(
        tmp_path / "run", {"rpn": [20, 20, 3, 0, 0], "modular": [20] * 5}, {"rpn": [20] * 5, "modular": [20] * 5}
    )
    taught = {"taught": {"rpn": {"1": 30, "2": 30}}, "teacher": "solver", "rows": 60, "traces": ""}
    jsonl.save(run.folder.metrics, [*run.rows, phase_row("run", 0, "coldstart", 1.0, extra=taught)])
    run = read_experiment(str(run.folder.path))
    said = (
        "Taught rpn problems up to level 2, it now solves those up to level 5, at least 9 in 10 right "
        "(level 2 at the start). It did not move in modular (level 5)."
    )
    assert told(run) == said
    assert said in last_screen(summarize(run), ["axiom report run"])


def test_a_level_is_said_as_its_family_says_it(tmp_path: Path) -> None:
    run = made(tmp_path / "run", {"stack_listing": [20] * 4 + [2, 0]}, {"stack_listing": [20] * 6})
    taught = {"taught": {"stack_listing": {"1": 30, "3": 30}}, "teacher": "solver", "rows": 60, "traces": ""}
    jsonl.save(run.folder.metrics, [*run.rows, phase_row("run", 0, "coldstart", 1.0, extra=taught)])
    assert told(read_experiment(str(run.folder.path))) == (
        "Taught stack listing problems of at most 9 lines, it now solves those of 27 lines, at least 9 in 10 right "
        "(14 lines at the start)."
    )


def test_what_did_not_climb_is_said_plainly(tmp_path: Path) -> None:
    flat = made(tmp_path / "flat", {"rpn": [20, 16, 0]}, {"rpn": [20, 17, 9]})
    assert told(flat) == "The frontier, up to which 9 in 10 are solved, did not move: rpn (level 1)."
    luck = made(tmp_path / "luck", {"rpn": [20, 17, 0]}, {"rpn": [20, 18, 9]})
    assert "did not clearly move: rpn (level 1 to level 2)" in told(luck), "one problem more is no climb"
    lost = made(tmp_path / "lost", {"rpn": [20, 20, 0]}, {"rpn": [20, 2, 19]})
    assert told(lost) == "The frontier fell in rpn (level 2 to level 1)."
    bare = made(tmp_path / "bare", {"rpn": [20, 2, 0]}, {"rpn": [20, 20, 0]}, verdicts=False)
    assert told(bare).startswith("Of the rpn problems, it now solves those up to level 2"), "rates alone will do"
    assert told(made(tmp_path / "few", {"rpn": [0]}, {"rpn": [20]})) == ""


def test_what_nano_was_taught_is_known_by_its_weights(tmp_path: Path) -> None:
    run = made(tmp_path / "run", {"rpn": [20, 0]}, {"rpn": [20, 20]})
    nano = {"model": {"name": "nano", "digest": models.resolve("nano").digest}}
    known = summarize(Experiment(run.name, run.folder, nano, run.rows)).climbs
    assert [climb.taught for climb in known] == [max(nano_cold_start.held()["rpn"])]
    others = {"model": {"name": "nano", "digest": "0" * 64}}
    assert [climb.taught for climb in summarize(Experiment(run.name, run.folder, others, run.rows)).climbs] == [None]


def test_a_model_below_the_lowest_level_is_nowhere(tmp_path: Path) -> None:
    run = made(tmp_path / "run", {"rpn": [0, 0]}, {"rpn": [3, 0]})
    assert told(run) == "The frontier, up to which 9 in 10 are solved, did not move: rpn (not even level 1)."
    assert Frontier(0, 0, 20, 1, 5).text == "0" and Frontier(0, 4, 20, 3, 5).text == "<3"

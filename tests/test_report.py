"""What an experiment's report says: whole outputs against tests/golden/ (GOLDEN=write pytest makes them anew)."""

from __future__ import annotations

import csv
import io
import json
import os
from itertools import zip_longest
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import InputError, MissingError
from axiom_cli.evaluation.experiment_folder import Experiment, read_experiment
from axiom_cli.evaluation.metrics import evaluate
from axiom_cli.report.formats import render
from axiom_cli.report.outcome.summary import summarize
from axiom_cli.report.pages.experiment import page
from axiom_cli.report.tables.experiment import experiment_findings, experiment_table
from command_line import axiom, failed
from made_experiment import FAMILIES, make, problem, verdict, verdicts

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Three iterations, two controls, 60 validation and 120 test problems."""
    return read_experiment(str(make(tmp_path_factory.mktemp("experiments") / "small", 3, 4, 3)))


def golden(name: str, text: str) -> None:
    """Compares with the kept output, or keeps it when GOLDEN=write."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    kept, lines = path.read_text("utf-8").splitlines(), text.splitlines()
    for number, (old, new) in enumerate(zip_longest(kept, lines, fillvalue=""), 1):
        at = len(os.path.commonprefix([old, new]))
        if old != new:  # a message of our own: the page's lines are too long for pytest to lay side by side
            pytest.fail(f"{name}, line {number}: {new[at : at + 80]!r} where {old[at : at + 80]!r} was kept")


def test_markdown_is_the_kept_one(small: Experiment):
    golden("report.md", render(experiment_findings([summarize(small)]), "md"))


def test_csv_is_the_kept_one_and_loads(small: Experiment):
    text = render(experiment_findings([summarize(small)]), "csv")
    golden("report.csv", text)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["split"] for row in rows} == {"val", "test"} and set(FAMILIES) <= rows[0].keys()


def test_page_is_the_kept_one(small: Experiment):
    golden("report.html", page(summarize(small)))


def test_json_says_the_same(small: Experiment):
    found = summarize(small)
    data = json.loads(render(experiment_findings([found]), "json"))
    assert data["sentence"] == found.sentence and data["selected"] == 2
    assert [step["after"] for step in data["steps"]] == ["model 1", "model 2"]
    assert data["final"][0]["split"] == "test" and data["controls"].keys() == {"shuffled", "cold-only"}
    assert isinstance(json.loads(render(experiment_findings([found, found]), "json")), list)


def test_the_table_has_a_row_an_evaluation_and_marks_the_selected_one(small: Experiment):
    table = experiment_table(summarize(small))
    assert table.title == "small: pass rates per model"
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert {row[1] for row in table.rows if row[0] == "run"} == {"0", "1", "2 *"}
    assert not any("*" in row[1] for row in table.rows if row[0] != "run")


def written(folder: Path, rates: dict[str, list[float]]) -> Experiment:
    """An experiment with these greedy rates by split and iteration."""
    rows = []
    for split, by_iteration in rates.items():
        for iteration, rate in enumerate(by_iteration):
            judged = [verdict(problem("rpn", 3, i, split), i < 100 * rate) for i in range(100)]
            jsonl.save(folder / "evaluations" / f"{split}_{iteration}.jsonl", judged)
            rows += evaluate(judged, folder.name, iteration, split)
    jsonl.save(folder / "metrics.jsonl", rows)
    return read_experiment(str(folder))


def test_the_round_is_chosen_on_validation_not_on_test(tmp_path: Path):
    found = summarize(written(tmp_path / "run", {"val": [0.3, 0.7, 0.5], "test": [0.3, 0.6, 0.9]}))
    assert found.selected == 1
    assert "model 1 solves 60.0 %" in found.sentence and found.verdict == "better"


def test_no_better_round_is_said_plainly(tmp_path: Path):
    found = summarize(written(tmp_path / "run", {"val": [0.5, 0.4], "test": [0.5, 0.9]}))
    assert found.sentence.startswith("Inconclusive: no round passed more validation problems")
    assert "Inconclusive" in page(found)


def test_validation_alone_is_called_optimistic(tmp_path: Path):
    found = summarize(written(tmp_path / "run", {"val": [0.3, 0.7]}))
    assert "The same problems chose the round, so this is optimistic." in found.sentence


@pytest.mark.slow
def test_a_change_of_habit_is_told_beside_the_gain(tmp_path: Path):
    found = summarize(written(tmp_path / "run", {"val": [0.3, 0.7], "test": [0.3, 0.7]}))
    assert "It reasons in 70.0 % of its answers, the start model in 30.0 %." in found.sentence
    assert "form is +0.0 points (+0.0 to +0.0), habit +40.0 (+31.0 to +50.0) and skill +0.0" in found.sentence
    assert found.rows[0].extra["rate_bare"] == 0.0, "the made answers are right where they reasoned"


def test_worse_on_test_is_said_even_if_validation_rose(tmp_path: Path):
    found = summarize(written(tmp_path / "run", {"val": [0.3, 0.7], "test": [0.7, 0.3]}))
    assert found.verdict == "worse" and found.sentence.startswith("Worse: ")


def test_one_round_is_compared_with_the_start_model_once(tmp_path: Path):
    once, twice = (
        experiment_findings([summarize(written(tmp_path / name, {"val": rates, "test": rates}))]).terminal
        for name, rates in (("once", [0.3, 0.7]), ("twice", [0.3, 0.5, 0.7]))
    )
    assert [len([part for part in parts if "McNemar" in str(part)]) for parts in (once, twice)] == [1, 3]


def test_one_model_alone_has_nothing_to_compare(tmp_path: Path):
    found = summarize(written(tmp_path / "run", {"test": [0.4]}))
    assert "only one model" in found.sentence
    assert "<svg" in page(found)


def test_rows_written_twice_by_a_resumed_run_count_once(tmp_path: Path):
    experiment = written(tmp_path / "run", {"val": [0.3, 0.7]})
    file = experiment.folder.metrics
    file.write_bytes(file.read_bytes() * 2)
    assert read_experiment(str(experiment.folder.path)).rows == experiment.rows


def test_a_hundred_rounds_still_make_a_page(tmp_path: Path):
    rows = []
    for i in range(100):
        rows += evaluate(verdicts("val", 0.3 + i / 250, i, 1, 0), "grok", i, "val", 3.0)
    jsonl.save(tmp_path / "grok" / "metrics.jsonl", rows)
    text = page(summarize(read_experiment("grok", tmp_path)))
    assert ">90</text>" in text and ">91</text>" not in text, "the axis is thinned"


def test_a_missing_or_empty_experiment_is_explained(tmp_path: Path):
    with pytest.raises(MissingError) as error:
        read_experiment("nowhere", tmp_path)
    assert "axiom loop --experiment NAME" in error.value.hint
    jsonl.save(tmp_path / "empty" / "metrics.jsonl", [])
    with pytest.raises(InputError, match="no evaluation yet"):
        summarize(read_experiment("empty", tmp_path))
    (tmp_path / "empty" / "config.json").write_text("[1]")
    with pytest.raises(InputError, match="expected an object"):
        read_experiment("empty", tmp_path)


def test_unfiltered_samples_are_a_rival_only_where_the_start_model_fails(tmp_path: Path):
    rows = []
    for arm, iteration, hard in (("", 0, 6), ("", 1, 16), ("+unfiltered", 1, 8)):
        judged = [
            verdict(problem("rpn", level, number, "test"), number < (hard if level == 2 else 20))
            for level in (1, 2)
            for number in range(20)
        ]
        jsonl.save(tmp_path / "run" / "evaluations" / f"test_{iteration}{arm}.jsonl", judged)
        rows += evaluate(judged, f"run{arm}", iteration, "test")
    jsonl.save(tmp_path / "run" / "metrics.jsonl", rows)
    found = summarize(read_experiment("run", tmp_path))
    rival = found.controls["unfiltered"]
    assert (rival.problems, rival.rate_before, rival.rate_after) == (20, 0.4, 0.8), "level 1 says nothing"
    assert "control unfiltered where the start model solves at most 60 %: +40.0 points" in found.sentence


def test_each_section_of_the_page_is_in_markdown_and_json_too(small: Experiment):
    findings = experiment_findings([summarize(small)])
    markdown, data = render(findings, "md"), json.loads(render(findings, "json"))
    held = {
        "pass rates per model": data["rows"],
        "differences in points": data["steps"],
        "families by level": data["families"],
        "newly solved": data["samples"],
        "pass@k": data["coverage"],
        "what each round drew": data["rounds"],
        "against the controls": data["controls"],
        "what the change": data["gain"],
        "seconds and tokens by phase": data["cost"],
        "weights, what training wrote": data["origin"]["lineage"],
        "merge certificates": data["origin"]["certificates"],
        "all settings": data["config"],
        "the twelve questions": data["questions"],
    }
    assert all(held.values())
    places = [markdown.index(f"## small: {title}") for title in held]
    assert places == sorted(places), "in the page's order"
    assert data["origin"]["lineage"][0]["weights"] in page(summarize(small))


def test_csv_says_what_each_model_is_compared_with(small: Experiment):
    found = summarize(small)
    rows = list(csv.DictReader(io.StringIO(render(experiment_findings([found]), "csv"))))
    by_place = {(row["experiment"], row["iteration"], row["split"], float(row["temperature"])): row for row in rows}
    chosen = by_place["small", "2", "test", 0.0]
    assert float(chosen["start_difference"]) == found.final[0].difference and chosen["start_finding"] == "better"
    assert float(by_place["small", "1", "val", 0.0]["step_low"]) == found.steps[0].interval[0]
    control = found.controls["shuffled"]
    assert [
        float(row["control_difference"]) for row in rows if "+shuffled" in row["experiment"] and row["control_p"]
    ] == [control.difference]
    assert float(chosen["rpn level 7"]) <= 1 and by_place["small", "0", "test", 0.7]["pass@4"]


def test_one_model_or_one_control_has_no_report_of_its_own(tmp_path: Path):
    make(tmp_path / "experiments" / "small", 1, 1, 2)
    failed(axiom("report", "small@1", cwd=tmp_path), 2, "axiom report --compare small@0 small@1")
    failed(axiom("report", "small+shuffled", cwd=tmp_path), 2, "axiom report --compare small small+shuffled")
    failed(axiom("report", "small", "--compare", "small@0", "small@1", cwd=tmp_path), 2, "leave out the other names")

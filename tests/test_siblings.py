"""What a report says of the runs beside a run: other seeds, and other shares of wrong verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

from axiom_cli import jsonl
from axiom_cli.evaluation.experiment_folder import Experiment, read_experiment
from axiom_cli.evaluation.metrics import evaluate, phase_row
from axiom_cli.report.formats import render
from axiom_cli.report.outcome.next_step import next_step
from axiom_cli.report.outcome.summary import summarize
from axiom_cli.report.pages.experiment import page
from axiom_cli.report.tables.experiment import experiment_findings
from command_line import axiom
from made_experiment import problem, verdict

SETTINGS = {"iterations": 1, "replay": "50/40/10", "solve": {"samples": 1, "seed": 0}, "train": {"lr": 0.002}}


def written(root: Path, name: str, after: float, seed: int = 0, **settings: object) -> Experiment:
    """A run whose model 1 solves this share of 100 test problems, of which the start model solves 40 %: all of level 3,
    and none of level 4."""
    folder, rows = root / name, []
    for split in ("val", "test"):
        for iteration, share in ((0, 0.4), (1, after)):
            judged = [
                verdict(problem("rpn", 3 if n < 40 else 4, n, f"{split}{seed}"), n < round(100 * share))
                for n in range(100)
            ]
            jsonl.save(folder / "evaluations" / f"{split}_{iteration}.jsonl", judged)
            rows += evaluate(judged, name, iteration, split)
    planted = {"planted": {"pass": 30, "fail": 10}} if settings.get("wrong_labels") else {}
    rows.append(phase_row(name, 0, "collect", 1.0, 10, 100, 40, planted))
    jsonl.save(folder / "metrics.jsonl", rows)
    (folder / "config.json").write_bytes(orjson.dumps({**SETTINGS, "experiment": name, "seed": seed, **settings}))
    return read_experiment(str(folder))


def answer_of(run: Experiment) -> dict[str, object]:
    """What the page's question about repeated runs says."""
    found = json.loads(render(experiment_findings([summarize(run)]), "json"))["questions"]
    return next(one for one in found if one["name"] == "Repeated runs")


def test_runs_of_other_seeds_beside_a_run_answer_whether_it_was_repeated(tmp_path: Path):
    run = written(tmp_path, "a", 0.6)
    assert not answer_of(run)["answered"]
    written(tmp_path, "b", 0.5, seed=1)
    written(tmp_path, "copy-of-a", 0.6)
    written(tmp_path, "another-recipe", 0.9, seed=2, replay="100/0/0")
    written(tmp_path, "longer", 0.9, seed=3, iterations=9)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "metrics.jsonl").write_text("{")
    (tmp_path / "damaged" / "config.json").write_bytes((tmp_path / "b" / "config.json").read_bytes())
    answer = answer_of(run)
    assert answer["answered"]
    assert str(answer["answer"]).startswith(
        "2 runs differ in the seed alone: a (seed 0) and b (seed 1). On test problems they gain +15.0 points on average"
    )
    assert "standard deviation 7.1), from +10.0 to +20.0" in str(answer["answer"])


def test_an_option_that_is_newer_than_a_run_makes_no_other_recipe(tmp_path: Path):
    run = written(tmp_path, "old", 0.6)
    written(tmp_path, "new", 0.6, seed=1, transfer=False, wrong_labels=0.0)
    assert answer_of(run)["answered"]


@pytest.fixture(scope="module")
def dosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without wrong verdicts, with two seeds, and three with them."""
    root = tmp_path_factory.mktemp("dosed") / "experiments"
    written(root, "right", 0.8)
    written(root, "right1", 0.7, seed=1)
    written(root, "half", 0.6, wrong_labels=0.5)
    written(root, "most", 0.42, wrong_labels=0.9)
    written(root, "near", 0.5, wrong_labels=0.5, wrong_labels_kind="near")
    written(root, "other", 0.5, wrong_labels=0.5, replay="100/0/0")
    return root


def test_the_gain_is_shown_against_the_wrong_verdicts_of_the_runs_beside_it(dosed: Path):
    found = summarize(read_experiment("right", dosed))
    told = {(of.kind, of.share): of for of in found.doses}
    assert [*told] == [("none", 0.0), ("random", 0.5), ("random", 0.9), ("near", 0.5)]
    none, half = told["none", 0.0], told["random", 0.5]
    assert none.runs == ["right", "right1"] and none.gain.problems == 200
    assert none.gain.difference == pytest.approx(0.35) and none.hard and none.hard.problems == 120
    assert half.gain.difference == pytest.approx(0.2) and half.gain.interval[0] > 0.1
    assert half.hard and half.hard.difference == pytest.approx(20 / 60), "level 3 was solved at the start"
    text = page(found)
    assert "<h2>Dose-response</h2>" in text and text.index("Dose-response</h2>") < text.index("Form, habit, skill</h2>")
    assert "The last model gains +35.0 points" in text and "(random failures)" in text
    assert "| 50 % | near misses | +10.0 |" in render(experiment_findings([found]), "md")
    assert json.loads(render(experiment_findings([found]), "json"))["dose_response"][1]["runs"] == ["half"]


def test_a_run_that_learnt_from_wrong_verdicts_says_so_beside_its_verdict(dosed: Path):
    found = summarize(read_experiment("half", dosed))
    said = (
        "This run learnt from wrong verdicts: where the start model solves at most 60 %, 50 % of them were turned "
        "round: 30 failures counted as passes (random failures) and 10 passes as failures."
    )
    assert said in found.sentence and said in page(found).replace("\u00a0%", " %")
    assert next_step(found).command == "axiom report --compare right half@last"
    assert "without --wrong-labels" in page(found), "a control would be refused beside wrong verdicts"
    alone = summarize(read_experiment("other", dosed))
    assert "--wrong-labels" not in next_step(alone).command and len(alone.doses) == 1
    assert "No run without wrong verdicts lies beside this one." in page(alone)


@pytest.mark.slow
def test_the_terminal_has_the_table_and_the_remark(dosed: Path):
    found = axiom("report", "most", cwd=dosed.parent).stderr.decode()
    assert "gain against wrong verdicts" in found and "learnt from wrong verdicts" in found

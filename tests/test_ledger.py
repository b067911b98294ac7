"""The coverage ledger: which problems a run newly solved or lost, as `axiom report` lists them and counts them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.evaluation.ledger import ledger
from axiom_cli.evaluation.metrics import evaluate
from axiom_cli.records import Problem, Program, Verdict
from axiom_cli.report.outcome.summary import summarize
from command_line import axiom
from made_experiment import problem, verdict

START, NOW = {0, 1, 2, 3}, {2, 3, 4, 5, 6, 7, 8}
"""Of 40 problems, those that the start model solves and those that model 1 solves."""


def evaluated(folder: Path, split: str, iteration: int, verdicts: Iterable[Verdict]) -> None:
    """Keeps an evaluation as the loop does."""
    verdicts = list(verdicts)
    jsonl.save(folder / "evaluations" / f"{split}_{iteration}.jsonl", verdicts)
    path = folder / "metrics.jsonl"
    earlier = path.read_bytes() if path.exists() else b""
    jsonl.save(path, evaluate(verdicts, folder.name, iteration, split))
    path.write_bytes(earlier + path.read_bytes())


def greedy(split: str, solved: set[int], infra: int = -1) -> list[Verdict]:
    """Verdicts on 40 problems; every sampled one beside them fails, and counts in none of the lists."""
    of = [problem("rpn", 3 + number % 2, number, split) for number in range(40)]
    status = {infra: "infra"}
    judged = [verdict(each, number in solved, status=status.get(number, "")) for number, each in enumerate(of)]
    return judged + [verdict(each, False, 0.7, index) for each in of for index in range(2)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "experiments" / "run"
    for iteration, solved in enumerate((START, NOW)):
        evaluated(folder, "val", iteration, greedy("val", solved))
        evaluated(folder, "test", iteration, greedy("test", solved, infra=8))
    return tmp_path


def numbers(lines: Iterable[dict]) -> list[int]:
    return [int(line["sample"]["problem"]["answer"]) for line in lines]


def test_newly_solved_and_lost_are_the_selected_models_verdicts_with_the_starts_beside(run: Path):
    said = axiom("report", "run", "--newly-solved", cwd=run)
    lines = [json.loads(line) for line in said.stdout.decode().splitlines()]
    assert numbers(lines) == [4, 5, 6, 7], "the eighth could not be judged"
    assert {line["status"] for line in lines} == {"pass"} and {line["start"]["status"] for line in lines} == {"fail"}
    assert all(line["start"]["sample"]["problem"] == line["sample"]["problem"] for line in lines)
    assert "of 39 test problems: 4 that the start model failed and model 1 solves" in said.stderr.decode()
    lines = [json.loads(line) for line in axiom("report", "run", "--lost", cwd=run).stdout.decode().splitlines()]
    assert numbers(lines) == [0, 1]
    assert {line["status"] for line in lines} == {"fail"} and {line["start"]["status"] for line in lines} == {"pass"}


@pytest.mark.slow
def test_the_lists_are_as_long_as_mcnemars_cells_and_the_sentence_counts_them(run: Path):
    experiment = read_experiment("run", run / "experiments")
    found = summarize(experiment)
    assert (found.final[0].gained, found.final[0].lost) == (4, 2)
    assert [len(ledger(experiment, change).verdicts) for change in ("newly solved", "lost")] == [4, 2]
    assert "; 4 newly solved, 2 lost" in found.sentence


@pytest.mark.slow
def test_a_list_has_every_format_and_can_be_read_back(run: Path):
    rows = list(
        csv.DictReader(io.StringIO(axiom("report", "run", "--lost", "--format", "csv", cwd=run).stdout.decode()))
    )
    assert rows[0] == {"problem": "test-rpn-3-0", "family": "rpn", "level": "3", "answer": "0", "said": "no"}
    value = json.loads(axiom("report", "run", "--lost", "--format", "json", cwd=run).stdout.decode())
    assert (value["count"], value["split"], value["paired"]) == (2, "test", 39)
    assert (
        "| test-rpn-4-1 | rpn | 4 | 1 | no |"
        in axiom("report", "run", "--lost", "--format", "md", cwd=run).stdout.decode()
    )
    (run / "lost.jsonl").write_bytes(axiom("report", "run", "--lost", cwd=run).stdout)
    assert axiom("report", "lost.jsonl", cwd=run).returncode == 0, "they are verdicts"


@pytest.mark.slow
def test_of_a_program_the_list_says_why_it_failed(tmp_path: Path):
    program = Program("f", "f(x)", tests=[{"args": [1], "expected": 1}])
    asks = Problem("p", "f", "f", "Write f.", 3, "test", program=program)
    for iteration, good in enumerate((False, True)):
        made = replace(verdict(asks, good), reason="" if good else "f(1) gave 2, expected 1")
        evaluated(tmp_path / "experiments" / "run", "test", iteration, [made])
    said = axiom("report", "run", "--newly-solved", "--format", "csv", cwd=tmp_path)
    assert said.stdout.decode().splitlines()[1] == 'p,f,3,,"f(1) gave 2, expected 1"'


@pytest.mark.slow
def test_without_the_verdicts_one_line_says_how_to_get_them(run: Path):
    (run / "experiments/run/evaluations/test_0.jsonl").unlink()
    said = axiom("report", "run", "--lost", cwd=run)
    assert numbers(map(json.loads, said.stdout.decode().splitlines())) == [0, 1], "validation is what is left"
    assert "validation problems" in said.stderr.decode()
    (run / "experiments/run/evaluations/val_1.jsonl").unlink()
    said = axiom("report", "run", "--lost", cwd=run)
    assert (said.returncode, said.stdout.decode()) == (3, "")
    assert (
        "error: experiment run holds no greedy verdicts of models 0 and 1 on the same problems" in said.stderr.decode()
    )
    assert "hint: " in said.stderr.decode() and "Traceback" not in said.stderr.decode()


@pytest.mark.slow
def test_a_start_model_that_stays_selected_lost_nothing(tmp_path: Path):
    for iteration, solved in enumerate((NOW, START)):
        evaluated(tmp_path / "experiments" / "run", "val", iteration, greedy("val", solved))
    said = axiom("report", "run", "--lost", cwd=tmp_path)
    assert (said.returncode, said.stdout.decode()) == (
        0,
        "",
    ) and "the start model stays selected" in said.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    "also",
    [["--newly-solved"], ["--html", "page.html"], ["--compare", "run", "run"], ["other"], ["--open"], ["lost.jsonl"]],
)
def test_a_list_stands_alone(run: Path, also: list[str]):
    (run / "lost.jsonl").touch()
    said = axiom("report", "run", "--lost", *also, cwd=run)
    assert said.returncode == 2 and "hint: " in said.stderr.decode() and not said.stdout.decode()


def test_each_problem_has_its_solve_rate_after_each_round(run: Path):
    said = axiom("report", "run", "--solve-rates", cwd=run)
    lines = [json.loads(line) for line in said.stdout.decode().splitlines()]
    assert [(line["split"], line["temperature"]) for line in lines[::40]] == [
        ("val", 0),
        ("val", 0.7),
        ("test", 0),
        ("test", 0.7),
    ]
    greedy_test = {line["problem"]: line for line in lines if (line["split"], line["temperature"]) == ("test", 0)}
    newly = greedy_test["test-rpn-3-4"]
    assert [(count["iteration"], count["passed"], count["rate"]) for count in newly["rounds"]] == [
        (0, 0, 0.25),
        (1, 1, 0.75),
    ]
    low, high = newly["rounds"][1]["interval"]
    assert low < 0.2 and high > 0.99 and newly["prior"] == [0.5, 0.5], "one sample says little"
    assert newly["kind"] == "solve_rate"
    assert len(greedy_test) == 39 and "test-rpn-3-8" not in greedy_test, "what could not be judged says nothing"
    assert "run: solve rates of 80 held-out problems under 2 models" in said.stderr.decode()
    listed = axiom("report", "run", "--newly-solved", cwd=run).stdout.decode().splitlines()
    assert json.loads(listed[0])["rounds"] == newly["rounds"], "a newly solved problem brings its history"


@pytest.mark.slow
def test_solve_rates_have_every_format(run: Path):
    def written(form: str) -> str:
        return axiom("report", "run", "--solve-rates", "--format", form, cwd=run).stdout.decode()

    value = json.loads(written("json"))
    rounds = [of for of in value["rounds"] if (of["split"], of["temperature"]) == ("val", 0)]
    counts = {"problems": 40, "solved": 7, "newly_solved": 5, "lost": 2, "ever_solved": 9}
    assert rounds[1] == {"split": "val", "temperature": 0, "iteration": 1, **counts}
    assert rounds[0]["newly_solved"] is rounds[0]["lost"] is None, "nothing comes before the start model"
    rows = list(csv.DictReader(io.StringIO(written("csv"))))
    assert len(rows) == sum(len(of["rounds"]) for of in value["problems"])
    assert {"problem", "iteration", "n", "passed", "rate", "low", "high"} <= rows[0].keys()
    assert "| 0 | 40 | 4 |  |  | 4 |" in written("md") and "| 1 | 40 | 7 | 5 | 2 | 9 |" in written("md")


def test_the_gap_between_validation_and_test_is_said_with_the_verdict(tmp_path: Path):
    folder = tmp_path / "run"
    for iteration, (val, test) in enumerate([(4, 6), (20, 12)]):
        evaluated(folder, "val", iteration, greedy("val", set(range(val))))
        evaluated(folder, "test", iteration, greedy("test", set(range(test))))
    found = summarize(read_experiment("run", tmp_path))
    assert "Validation chose it at 50.0 %, test says 30.0 %: -20.0 points (" in found.sentence
    assert found.gap and found.gap.interval[0] < -0.2 < found.gap.interval[1]

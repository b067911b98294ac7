"""A loop over what people have: a file, hand-written programs, a mix; the same as the pipeline by hand; and refused."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import orjson
import pytest

from axiom_cli import jsonl
from axiom_cli.problems.families import draw
from axiom_cli.records import Metrics, Problem
from axiom_cli.workspace.store import Workspace
from command_line import axiom, failed, rows, talk

SMALL = [
    "--samples", "4", "--max-tokens", "200", "--epochs", "1", "--iterations", "2", "--method", "lora",
    "--optimizer", "adamw", "--lr", "1e-3", "--uninformative", "0.1",
]  # fmt: skip
COACH = '''
from axiom_cli import models
from axiom_cli.records import ModelRef
from axiom_cli.sampling.engines.scripted import ScriptedEngine


class Coach(ScriptedEngine):
    """Writes right programs and a few wrong ones, in the name of a model that writes none."""

    name = "coach"

    def __init__(self, model_name="nano", config=None, workspace=None):
        super().__init__("solver:0.3")
        base = models.resolve(model_name, workspace)
        self.model = ModelRef(base.name, base.digest)
'''


def sums(path: Path, count: int = 120, first: int = 0, **more: object) -> None:
    """A file of questions that nano answers now and then, in nano's own words."""
    drawn = list(draw.problems(["bracket_listing"], first + count, [4, 5], "train", 9))[first:]
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["question", "answer", *more])
        writer.writerows([problem.prompt, problem.answer, *more.values()] for problem in drawn)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    sums(folder / "sums.csv")
    done = axiom("loop", "--problems", "sums.csv", "--experiment", "sums", *SMALL, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    said = "\n".join(talk(done))
    assert "sums.csv: reading the column 'question' as the prompt" in said
    assert "0 % new, 100 % seen in earlier rounds" in said
    return folder


@pytest.mark.slow
def test_a_file_of_questions_ends_in_a_model_and_a_report(finished: Path) -> None:
    run = finished / "experiments" / "sums"
    train, val, test = (jsonl.load(run / f"{split}.jsonl", Problem) for split in ("train", "val", "test"))
    assert len({p.id for p in train}) * 2 == len(train), "each once in each of two rounds"
    assert {p.split for p in val} == {"val"} and {p.split for p in test} == {"test"}
    assert not {p.prompt for p in train} & {p.prompt for p in [*val, *test]}
    metrics = jsonl.load(run / "metrics.jsonl", Metrics)
    collected = [row.extra for row in metrics if row.extra["phase"] == "collect"]
    assert [(row["new"], row["seen"]) for row in collected] == [(len(train) // 2, 0), (0, len(train) // 2)]
    assert {row.family for row in metrics if row.extra["phase"] == "evaluate"} == {"all", "sums"}
    assert (run / "report.html").is_file() and "sums@best" in Workspace.open(finished / ".axiom").refs()


@pytest.mark.slow
def test_a_file_that_has_changed_ends_the_experiment(finished: Path) -> None:
    before = (finished / "sums.csv").read_bytes()
    sums(finished / "sums.csv", 150)
    words = ["loop", "--problems", "sums.csv", *SMALL]
    for more in (["--plan"], []):
        done = axiom(*words, "--experiment", "sums", *more, cwd=finished)
        failed(done, 2, "sums.csv has changed since the experiment sums was begun", "another --experiment")
    held_out = {p.prompt for p in jsonl.load(finished / "experiments" / "sums" / "test.jsonl", Problem)}
    planned = axiom(*words, "--experiment", "more", "--plan", cwd=finished)
    assert planned.returncode == 0, talk(planned)
    one = axiom(*words, "--experiment", "more", "--iterations", "1", cwd=finished)
    assert one.returncode == 0, talk(one)
    run = finished / "experiments" / "more"
    assert held_out <= {p.prompt for p in jsonl.load(run / "test.jsonl", Problem)}
    (finished / "sums.csv").write_bytes(before)


def by_hand(folder: Path, experiment: str, *engine: str, env: dict[str, str] | None = None) -> str:
    """The digest of the model that one round gives, made of its training problems by one command after the other, in a
    workspace of its own."""
    run = folder / "experiments" / experiment
    config = orjson.loads((run / "config.json").read_bytes())
    solve, train = config["solve"], config["train"]
    words = ["--workspace", "by-hand"]
    sampling = [f"--{name.replace('_', '-')}={solve[name]}" for name in ("samples", "temperature", "max_tokens")]
    names = ("lora_r", "lora_alpha", "lr", "epochs", "batch_size", "grad_accum")
    training = [f"--{name.replace('_', '-')}={train[name]}" for name in names]
    (folder / "held_out.jsonl").write_bytes((run / "val.jsonl").read_bytes() + (run / "test.jsonl").read_bytes())
    piped = (run / "train.jsonl").read_bytes()
    for command in (
        ["solve", "--model", "nano", *engine, *sampling],
        ["verify"],
        ["train", "--model", "nano", "--decontaminate", "held_out.jsonl", *training],
        ["merge"],
    ):
        done = axiom(*command, *words, cwd=folder, stdin=piped, env=env)
        assert done.returncode == 0, talk(done)
        piped = done.stdout
    return rows(piped)[0]["digest"]


@pytest.mark.slow
@pytest.mark.parametrize("problems", ["sums.csv", "stack_listing:3-5", "stack_listing:4*2,sums.csv"])
def test_one_round_is_the_pipeline_by_hand(problems: str, tmp_path: Path) -> None:
    sums(tmp_path / "sums.csv")
    words = ["--replay", "100/0/0", "--train-size", "90", "--val-size", "10", "--test-size", "10"]
    done = axiom(
        "loop", "--problems", problems, "--experiment", "one", *SMALL, "--iterations", "1", *words, cwd=tmp_path
    )
    assert done.returncode == 0, talk(done)
    assert Workspace.open(tmp_path / ".axiom").refs()["one@1"] == by_hand(tmp_path, "one")


@pytest.mark.slow
def test_programs_go_through_the_whole_loop_as_by_hand(tmp_path: Path) -> None:
    facts = tmp_path / "coach-1.dist-info"
    facts.mkdir()
    (tmp_path / "coach.py").write_text(COACH)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: coach\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[axiom.engines]\ncoach = coach:Coach\n")
    env = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    words = ["--problems", "handwritten,list_ops:2-3,rpn:1", "--form", "program", "--engine", "coach", *SMALL]
    sizes = ["--train-size", "60", "--val-size", "12", "--test-size", "12", "--iterations", "1", "--replay", "100/0/0"]
    done = axiom("loop", "--experiment", "code", *words, *sizes, cwd=tmp_path, env=env)
    assert done.returncode == 0, talk(done)
    run = tmp_path / "experiments" / "code"
    train = jsonl.load(run / "train.jsonl", Problem)
    assert {p.family for p in train} == {"handwritten", "list_ops", "rpn"} and all(p.program for p in train)
    solutions = [orjson.loads(line) for line in (run / "solutions" / "iter_0.jsonl").open("rb")]
    assert solutions and all("def " in row["solution_code"] for row in solutions)
    row = next(r for r in jsonl.load(run / "metrics.jsonl", Metrics) if r.extra["phase"] == "collect")
    assert 0.5 < row.rate < 0.9
    assert Workspace.open(tmp_path / ".axiom").refs()["code@1"] == by_hand(
        tmp_path, "code", "--engine", "coach", env=env
    )


def test_bad_input_is_refused_by_the_plan(tmp_path: Path) -> None:
    sums(tmp_path / "sums.csv", 40)
    (tmp_path / "three.csv").write_text("question,answer\nWhat is 2 + 2?,4\nAnd 3 * 3?,9\nIs 5 odd?,yes\n")
    (tmp_path / "same.csv").write_text("question,answer\n" + "What is 2 + 2?,4\n" * 50)
    (tmp_path / "open.csv").write_text("question,topic\nWhy?,life\nHow?,death\n")
    done = axiom("loop", "--problems", "three.csv", "--plan", cwd=tmp_path)
    failed(done, 5, "three.csv: ", "add rows")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("same.csv", 5, "49 of 50 rows refused; first: row 2: the same problem as row 1"),
        ("open.csv", 3, "row 1: it has neither 'answer' nor 'entry_point'"),
        ("sums.csv --test sums.csv", 5, "training rows are held out too"),
        ("rpn,,sums.csv", 2, "has an empty name in it"),
        ("sums.csv*0", 2, "the weight '0' is not a number above 0"),
        ("rpn:8-4", 2, "levels 8-4: the lower one comes first"),
        ("sums.csv --split 90/10", 2, "--split needs three shares"),
        ("sums.csv --column prompt=questoin", 3, "did you mean question?"),
        ("sums.csv --column prompt=question,prompt=answer", 2, "twice"),
        ("sums.csv --as math_sets", 2, "there is no format called 'math_sets'"),
        ("rpn --column prompt=question", 2, "--column has no effect here"),
        ("nothing", 3, "nothing is a folder without a file of problems"),
        ("hub:no/such", 4, "hint:"),
        ("sums.csv --experiment sums --val nothing.csv", 3, "cannot read nothing.csv"),
    ],
)  # fmt: skip
def test_each_is_one_line_a_hint_and_a_code(tmp_path: Path, words: str, code: int, said: str) -> None:
    sums(tmp_path / "sums.csv", 40)
    (tmp_path / "nothing").mkdir()
    (tmp_path / "same.csv").write_text("question,answer\n" + "What is 2 + 2?,4\n" * 50)
    (tmp_path / "open.csv").write_text("question,topic\nWhy?,life\nHow?,death\n")
    for more in (["--plan"], []):
        done = axiom("loop", "--problems", *words.split(), *more, cwd=tmp_path, env={"HF_HUB_OFFLINE": "1"})
        failed(done, code, said, "hint: ")
        assert not (tmp_path / "experiments").exists()

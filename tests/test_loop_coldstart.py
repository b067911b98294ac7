"""Round 0 of the loop: a teacher solves some training problems, and the model that learns from them is model 0."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.experiment.loop import Loop
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.teacher import teach
from axiom_cli.records import Adapter, Metrics, Problem
from axiom_cli.records import Model as Merged
from axiom_cli.settings.configs import ColdstartConfig, LoopConfig
from axiom_cli.workspace.store import Workspace
from chat_server import chat_server, completion
from command_line import axiom, failed
from tiny import write_model

SIZES = ["--train-size", "40", "--val-size", "8", "--test-size", "8", "--samples", "4", "--max-tokens", "300"]
TRAINING = [
    "--epochs", "1", "--method", "lora", "--optimizer", "adamw", "--uninformative", "0.1", "--lora-r", "8",
    "--lora-alpha", "16", "--batch-size", "8", "--grad-accum", "1", "--lr", "1e-3",
]  # fmt: skip
LEVELS = [
    "--curriculum", "fixed", "--min-difficulty", "4", "--max-difficulty", "6",
    "--problems", "bracket_listing,queue_listing",
]  # fmt: skip
LOOP = ["loop", "--experiment", "run", "--iterations", "1", *SIZES, *TRAINING, *LEVELS]
COLD = [*LOOP, "--coldstart", "30"]
DRAWN = list(draw.problems(["bracket_listing", "queue_listing"], 30, [4, 5, 6], "train", 0))
BY_PROMPT = {problem.prompt: problem for problem in DRAWN}


def right(body):
    data = completion(teach(BY_PROMPT[body["messages"][-1]["content"]]))
    return data | {"usage": {"prompt_tokens": 60, "completion_tokens": 40}}


def rows_of(folder: Path, phase: str) -> list[Metrics]:
    rows = jsonl.load(folder / "experiments" / "run" / "metrics.jsonl", Metrics)
    return [row for row in rows if row.extra["phase"] == phase]


@pytest.mark.slow
def test_it_is_the_pipeline_by_hand_and_its_rows_are_the_replay_buffer_s(tmp_path: Path) -> None:
    done = axiom(*COLD, "--control", "cold-only", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    [row] = rows_of(tmp_path, "coldstart")
    assert row.n == row.passed == row.extra["traces"]["passed"] == 30 and 20 <= row.extra["rows"] <= 30
    assert {*row.extra["before"]} == {*row.extra["after"]} == {"n", "parsed", "rate", "interval"}
    said = done.stderr.decode()
    assert "well-formed   pass rate" in said and "before the cold start" in said and "after the cold start" in said

    table = axiom("report", "run", "--format", "md", cwd=tmp_path).stdout.decode()
    assert "well-formed" in table and "| before" in table and "| after" in table
    assert b"the cold start on" in (tmp_path / "experiments" / "run" / "report.html").read_bytes()

    run = tmp_path / "experiments" / "run"
    gen = ("problems", "gen", "bracket_listing", "queue_listing", "--difficulty", "4-6", "--count", "30")
    axiom(*gen, "-o", "cold.jsonl", cwd=tmp_path)
    axiom("coldstart", "cold.jsonl", "-o", "traces.jsonl", cwd=tmp_path)
    held_out = f"{run / 'val.jsonl'},{run / 'test.jsonl'}"
    axiom("train", "traces.jsonl", *TRAINING, "--decontaminate", held_out, "-o", "adapter.jsonl", cwd=tmp_path)
    axiom("merge", "adapter.jsonl", "-o", "model.jsonl", cwd=tmp_path)
    [merged] = jsonl.load(tmp_path / "model.jsonl", Merged)
    [adapter] = jsonl.load(tmp_path / "adapter.jsonl", Adapter)
    assert merged.digest == row.extra["digest"] == Workspace.open(tmp_path / ".axiom").refs()["run@0"]
    assert adapter.rows == row.extra["rows"]

    taught = {problem.id for problem in jsonl.load(tmp_path / "cold.jsonl", Problem)}
    drawn = {problem.id for problem in jsonl.load(run / "train.jsonl", Problem)}
    assert taught == {problem.id for problem in DRAWN} and not taught & drawn
    trained = {row.experiment: row for row in rows_of(tmp_path, "train")}
    assert trained["run"].extra["replay"]["cold"] > 0
    assert trained["run+cold-only"].extra["replay"] == {"new": 0, "history": 0, "cold": 1}

    again = axiom(*COLD, "--control", "cold-only", cwd=tmp_path)
    assert again.returncode == 0 and [r.seconds for r in rows_of(tmp_path, "coldstart")] == [row.seconds]


@pytest.mark.slow
def test_a_teacher_that_dies_in_the_middle_is_asked_for_the_rest(tmp_path: Path) -> None:
    alive = threading.Event()

    def until_dead(body):
        return right(body) if alive.is_set() or len(server.requests) <= 20 else (401, {"error": "the key is gone"})

    with chat_server(until_dead) as server:
        words = (*COLD, "--teacher", f"{server.address}#toy", "--traces", "1")
        failed(axiom(*words, cwd=tmp_path), 4, "the key is gone")
        bought = len([body for body in server.requests]) - 8
        alive.set()
        done = axiom(*words, cwd=tmp_path)
        asked = len(server.requests)
        assert done.returncode == 0, done.stderr.decode()
        assert "bought before" in done.stderr.decode() and asked <= 30 + 2 * 8 and bought > 0
        assert axiom(*words, cwd=tmp_path).returncode == 0 and len(server.requests) == asked


@pytest.mark.slow
def test_a_budget_stops_the_loop_before_it_trains_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    with chat_server(right) as server:
        words = (*COLD, "--teacher", f"{server.address}#toy", "--traces", "1", "--teacher-max-tokens", "300")
        for more in ((), ("--plan",)):
            failed(axiom(*words, "--budget", "100", *more, cwd=tmp_path), 5, "does not pay for one trace")
        assert server.requests == []
        failed(axiom(*words, "--budget", "900", cwd=tmp_path), 5, "the same command with a larger --budget")
        bought = len(server.requests)
        assert 0 < bought < 30 and not (tmp_path / "experiments").exists()
        plan = axiom(*words, "--plan", cwd=tmp_path)
        assert plan.returncode == 0 and f"{bought} of them bought before" in plan.stderr.decode()
        assert axiom(*words, "--budget", "90000", cwd=tmp_path).returncode == 0
        assert len(server.requests) == 30


@pytest.mark.slow
def test_what_nano_was_taught_is_not_given_to_another_model(tmp_path: Path) -> None:
    write_model(tmp_path / "other")
    words = (*LOOP, "--model", "other", "--plan", "--ignore-gates")
    plan = axiom(*words, cwd=tmp_path)
    assert plan.returncode == 0 and "other has no cold start (--coldstart N makes one)" in plan.stderr.decode()
    failed(axiom(*words, "--control", "cold-only", cwd=tmp_path), 2, "--coldstart 300")
    plan = axiom(*words, "--control", "cold-only", "--coldstart", "30", cwd=tmp_path)
    assert plan.returncode == 0 and "round 0: 30 problems solved by solver, to learn from first" in plan.stderr.decode()


@pytest.mark.slow
def test_a_solver_that_knows_nothing_of_a_file_is_told_before_anything_is_sampled(tmp_path: Path) -> None:
    lines = "".join(f"What is the name of number {n}?,name {n * 37 % 100}\n" for n in range(60))
    (tmp_path / "mine.csv").write_text("question,answer\n" + lines)
    words = ("loop", "--problems", "mine.csv", "--coldstart", "30", *SIZES, *TRAINING)
    for more in ((), ("--plan",)):
        failed(axiom(*words, *more, cwd=tmp_path), 5, "the solver knows none of the 30 problems", "--teacher")
    assert not (tmp_path / "experiments").exists()


@pytest.mark.slow
def test_too_few_traces_are_told(tmp_path: Path) -> None:
    failed(axiom(*LOOP, "--coldstart", "5", cwd=tmp_path), 5, "5 traces to train on; fewer than 20", "--coldstart")


@pytest.mark.slow
def test_the_solver_gives_away_no_problem_that_a_round_is_to_solve(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    sizes = {"train_size": 60, "val_size": 20, "test_size": 20, "coldstart": 60, "form": "program"}
    for teacher, families in (("solver", {"string_programs"}), ("nano", {"string_programs", "handwritten"})):
        teaching = ColdstartConfig(teacher)
        config = LoopConfig(problems="string_programs,handwritten", teaching=teaching, max_difficulty=4, **sizes)
        problems = Loop(config, "nano", workspace).cold_problems()
        assert len(problems) == 60 and {problem.family for problem in problems} == families

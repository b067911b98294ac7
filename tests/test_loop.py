"""The loop on the embedded model, small: what it leaves behind, killed and gone on with, run twice, and refused."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from axiom_cli import jsonl
from axiom_cli.records import Metrics, Problem, Verdict
from axiom_cli.workspace.store import Workspace
from axiom_cli.workspace.why import why
from command_line import AXIOM, axiom, environment, talk

SMALL = [
    "loop", "--experiment", "small", "--iterations", "2", "--train-size", "48", "--val-size", "10", "--test-size", "10",
    "--samples", "2", "--epochs", "1", "--problems", "register_machine,bracket_listing,arithmetic",
    "--min-difficulty", "2", "--max-difficulty", "5", "--max-tokens", "200", "--curriculum", "fixed",
]  # fmt: skip


def models_of(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in Workspace.open(folder / ".axiom").refs().items() if "@" in name}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    done = axiom(*SMALL, "--control", "shuffled", cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    assert any(line.startswith(("Better:", "Worse:", "Inconclusive:")) for line in talk(done))
    return folder


@pytest.fixture(scope="module")
def controlled(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with one more control, which costs seconds: it draws a fifth of all traces of the cold start."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("controls") / "loop", symlinks=True)
    done = axiom(*SMALL, "--control", "shuffled,cold-only", cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_the_folder_is_as_documented(finished: Path) -> None:
    run = finished / "experiments" / "small"
    config = orjson.loads((run / "config.json").read_bytes())
    assert config["iterations"] == 2 and config["model"]["name"] == "nano" and config["replay"] == "85/5/10"
    assert len(jsonl.load(run / "train.jsonl", Problem)) == 96
    splits = {name: {p.id for p in jsonl.load(run / f"{name}.jsonl", Problem)} for name in ("train", "val", "test")}
    assert len(splits["val"]) == len(splits["test"]) == 10
    assert not splits["train"] & splits["val"] and not splits["test"] & (splits["train"] | splits["val"])
    for number in (0, 1):
        rows = [orjson.loads(line) for line in (run / "solutions" / f"iter_{number}.jsonl").open("rb")]
        assert rows and {"problem_id", "solution_code", "passed_tests", "total_tests"} <= rows[0].keys()
    assert b"<svg" in (run / "report.html").read_bytes()


def test_why_leads_from_metrics_to_the_verdicts_behind_them(finished: Path) -> None:
    workspace = Workspace.open(finished / ".axiom")
    (made,) = [
        receipt
        for receipt in workspace.receipts()
        if receipt.stage == "evaluate"
        and receipt.recipe["config"] == {"experiment": "small", "iteration": 2, "split": "test"}
    ]
    told = [line.text for line in why(workspace, made["metrics"])]
    assert any("made by evaluate" in line for line in told) and any("made by attempt" in line for line in told)


def arm_is_covered(arm: str, rows: Sequence[Metrics]) -> None:
    mine = [row for row in rows if row.experiment == arm]
    for split in ("val", "test"):
        assert {row.iteration for row in mine if row.split == split} == {0, 1, 2}
    trained = [row for row in mine if row.extra["phase"] == "train"]
    assert len(trained) == 2
    for row in trained:
        assert sum(row.extra["replay"].values()) == pytest.approx(1)
        selection = row.extra["selection"]
        assert selection["verdicts"] == 96 > selection["kept"] > 0 if "cold" not in arm else selection is None
    assert all(row.extra["certificate"] for row in mine if row.extra["phase"] == "merge")


def test_metrics_cover_every_model_and_arm(finished: Path) -> None:
    rows = jsonl.load(finished / "experiments" / "small" / "metrics.jsonl", Metrics)
    for arm in ("small", "small+shuffled"):
        arm_is_covered(arm, rows)


@pytest.mark.slow
def test_the_cold_only_control_samples_nothing_and_trains_on_as_much(controlled: Path) -> None:
    rows = jsonl.load(controlled / "experiments" / "small" / "metrics.jsonl", Metrics)
    arm_is_covered("small+cold-only", rows)
    real = {r.iteration: r.tokens for r in rows if r.experiment == "small" and r.extra["phase"] == "train"}
    cold = {r.iteration: r.tokens for r in rows if r.experiment == "small+cold-only" and r.extra["phase"] == "train"}
    for iteration, tokens in real.items():
        assert cold[iteration] == pytest.approx(tokens, rel=0.05)
    collected = [row.experiment for row in rows if row.extra["phase"] == "collect"]
    assert sorted(collected) == ["small", "small", "small+shuffled", "small+shuffled"]


def test_every_phase_says_how_long_it_took(finished: Path) -> None:
    rows = jsonl.load(finished / "experiments" / "small" / "metrics.jsonl", Metrics)
    assert all(row.seconds > 0 for row in rows if row.extra["phase"] in ("collect", "train", "merge"))


@pytest.mark.slow
def test_a_run_without_its_controls_keeps_what_they_measured(controlled: Path) -> None:
    path = controlled / "experiments" / "small" / "metrics.jsonl"
    before = {(row.experiment, row.iteration, row.split): row.rate for row in jsonl.load(path, Metrics)}
    assert axiom(*SMALL, cwd=controlled).returncode == 0
    assert {(row.experiment, row.iteration, row.split): row.rate for row in jsonl.load(path, Metrics)} == before


def test_every_model_says_what_it_was_made_from(finished: Path) -> None:
    done = axiom("workspace", "why", "small@1", cwd=finished)
    told = (done.stdout + done.stderr).decode()
    assert done.returncode == 0
    for stage in ("merge", "train", "attempt", "solve"):
        assert stage in told


def test_samples_train_on_the_ids_that_were_sampled(finished: Path) -> None:
    verdicts = jsonl.load(finished / "experiments" / "small" / "evaluations" / "test_0.jsonl", Verdict)
    stopped = [v.sample for v in verdicts if v.sample.finish == "stop"]
    assert stopped and all(sample.token_ids[-1] == 0 and len(sample.token_ids) == sample.tokens for sample in stopped)


@pytest.mark.slow
def test_run_again_it_makes_nothing_and_says_the_same(finished: Path) -> None:
    before = models_of(finished), sorted((finished / ".axiom" / "receipts").iterdir())
    done = axiom(*SMALL, "--control", "shuffled", cwd=finished)
    assert done.returncode == 0
    assert (models_of(finished), sorted((finished / ".axiom" / "receipts").iterdir())) == before


@pytest.mark.slow
def test_other_settings_under_the_same_name_are_refused(finished: Path) -> None:
    done = axiom(*SMALL, "--samples", "3", cwd=finished)
    assert done.returncode == 2
    assert "samples 2, not 3" in talk(done)[-2] and talk(done)[-1].startswith("hint: choose another --experiment")


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_digests(finished: Path, tmp_path: Path) -> None:
    wanted = {name: digest for name, digest in models_of(finished).items() if "-" not in name}
    for seconds in (4, 8):
        process = subprocess.Popen(
            [*AXIOM, *SMALL], cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert axiom(*SMALL, cwd=tmp_path).returncode == 0
    assert models_of(tmp_path) == wanted


@pytest.mark.slow
def test_interrupted_it_says_so_and_goes_on(tmp_path: Path) -> None:
    process = subprocess.Popen([*AXIOM, *SMALL], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE)
    for line in process.stderr:
        if b"round 1: " in line:
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(
        rb"finished work is kept(, [\d,]+ samples? included)?\nhint: run the same command again to resume", said
    )
    assert b"Traceback" not in said
    again = axiom(*SMALL, cwd=tmp_path)
    assert again.returncode == 0 and "resuming: " in again.stderr.decode()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--model", "no/such-model"], 4, "no model"),
        (["--problem-types", "arithmetik"], 4, "arithmetic"),
        (["--preset", "fast"], 2, "nano"),
        (["--start", "middle"], 2, "previous"),
        (["--replay", "50/50"], 2, "50/40/10"),
        (["--min-difficulty", "8", "--max-difficulty", "7"], 2, "set both, the lower one first"),
        (["--problems", "rpn", "--max-difficulty", "20"], 2, "rpn has no level above 10"),
        (["--control", "random"], 2, "shuffled"),
        (["--control", "shufled"], 2, "hint: did you mean shuffled?"),
        (["--replay", "50/40"], 2, "--replay needs three shares, like 50/40/10"),
        (["--problem-types", "problems.jsonl"], 3, "cannot read problems.jsonl: there is no such file"),
        (["--experiment", "x@1"], 2, "error: 'x@1' is not a valid name for a run"),
        (["--experiment", "a b"], 2, "error: 'a b' is not a valid name for a run"),
    ],
)
def test_what_cannot_be_is_one_line_and_a_code(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    done = axiom("loop", *words, cwd=tmp_path, env={"HF_HUB_OFFLINE": "1"})
    assert done.returncode == code
    assert said in "\n".join(talk(done)) and "Traceback" not in "\n".join(talk(done))
    assert not (tmp_path / "experiments").exists()


@pytest.mark.slow
def test_a_plan_measures_and_leaves_nothing(tmp_path: Path) -> None:
    done = axiom(*SMALL, "--plan", cwd=tmp_path)
    assert done.returncode == 0, talk(done)
    assert "2 rounds of 48 problems x 2 samples, trained by sft" in talk(done)
    assert any(line.startswith("it takes about ") for line in talk(done)) and "of disk" in talk(done)[-1]
    measured = orjson.loads(done.stdout)
    assert measured["kind"] == "plan" and measured["seconds"] > 0 and measured["tokens"] > 1000
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_unjudged_controls_learn_from_wrong_samples_too_and_from_as_many_tokens(tmp_path: Path) -> None:
    done = axiom(*SMALL, "--control", "unfiltered,format-only", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    rows = jsonl.load(tmp_path / "experiments" / "small" / "metrics.jsonl", Metrics)
    for arm in ("small+unfiltered", "small+format-only"):
        for iteration in (0, 1):
            of = {
                (row.experiment, row.extra["phase"]): row
                for row in rows
                if row.iteration == iteration and row.split == "train"
            }
            collected, trained = of[arm, "collect"], of[arm, "train"]
            assert trained.extra["selection"]["kept"] > collected.passed, "wrong ones are kept"
            assert trained.tokens == pytest.approx(of["small", "train"].tokens, rel=0.05)


@pytest.mark.slow
def test_one_shot_samples_every_round_from_the_start_model_and_trains_once_on_as_much(tmp_path: Path) -> None:
    done = axiom(*SMALL, "--control", "one-shot", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    rows = jsonl.load(tmp_path / "experiments" / "small" / "metrics.jsonl", Metrics)
    mine = [row for row in rows if row.experiment == "small+one-shot"]
    phases = [(row.extra["phase"], row.iteration) for row in mine if row.split == "train"]
    assert phases == [("collect", 0), ("collect", 1), ("train", 1), ("merge", 1)]
    assert {(row.split, row.iteration) for row in mine} >= {("val", 0), ("val", 2), ("test", 0), ("test", 2)}
    assert not any(row.iteration == 1 and row.extra["phase"] == "evaluate" for row in mine)
    (trained,) = [row for row in mine if row.extra["phase"] == "train"]
    assert trained.extra["selection"]["verdicts"] == 192
    shown = axiom("report", "small", cwd=tmp_path)
    assert "Against the control one-shot: " in "\n".join(talk(shown))

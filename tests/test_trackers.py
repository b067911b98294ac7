"""A tracker is told of every step where it is asked for; none is there unasked, and one that is missing is named."""

from __future__ import annotations

import json
import re
import sqlite3
from importlib.util import find_spec
from pathlib import Path

import pytest

import tiny
from axiom_cli.learning.training.requirements import TRACKERS
from command_line import axiom, extra, failed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracked")
    (folder / "verdicts.jsonl").write_text(
        "".join(json.dumps(tiny.verdict(one).to_dict()) + "\n" for one in tiny.samples(24))
    )
    tiny.write_model(folder / "base")
    return folder


def _train(folder: Path, tracker: str, **env: str):
    words = ["train", "verdicts.jsonl", "--model", "base", "--epochs", "1", "--experiment", "tried"]
    home = {"HOME": str(folder), "HF_HOME": str(folder / "hf"), "TRACKIO_DIR": str(folder / "trackio"), **env}
    return axiom("--workspace", f"ws-{tracker}", *words, "--tracker", tracker, cwd=folder, env=home)


@pytest.mark.slow
def test_one_that_is_not_there_is_named_before_anything_is_trained(folder: Path) -> None:
    failed(_train(folder, "mlflow"), 2, "unknown tracker 'mlflow'", "tensorboard, wandb, trackio")
    for name in TRACKERS:
        if find_spec(name) is None:
            failed(_train(folder, name), 4, f"needs the package {name}", extra(name, folder))
    assert not list(folder.glob("*/receipts"))


@pytest.mark.parametrize("name", TRACKERS)
def test_it_is_told_of_every_step_and_stdout_holds_data_alone(folder: Path, name: str) -> None:
    if find_spec(name) is None:
        pytest.skip(f"pip install 'axiom-rl[{name}]'")
    done = _train(folder, name)
    assert not done.returncode, done.stderr.decode()
    adapter = json.loads(done.stdout)
    losses = READERS[name](folder)
    assert len(losses) == adapter["metrics"]["steps"] == 3
    assert losses[0] == pytest.approx(adapter["metrics"]["loss_first"], rel=1e-4)


def _tensorboard(folder: Path) -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "runs" / "tried"))
    events.Reload()
    return [event.value for event in events.Scalars("train/loss")]


def _wandb(folder: Path) -> list[float]:
    """The values beside the key in its log of protocol buffers, which has no public reader."""
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    found = re.findall(rb"train/loss.{1,4}?([0-9]+\.[0-9e-]+)", file.read_bytes(), re.DOTALL)
    return [float(value) for value in dict.fromkeys(found)]


def _trackio(folder: Path) -> list[float]:
    (file,) = (folder / "trackio").glob("axiom*.db")
    with sqlite3.connect(file) as database:
        rows = database.execute("SELECT CAST(metrics AS TEXT) FROM metrics ORDER BY step").fetchall()
    return [json.loads(row[0])["train/loss"] for row in rows]


READERS = {"tensorboard": _tensorboard, "wandb": _wandb, "trackio": _trackio}

"""A tracker is told of every step where it is asked for; none is there unasked, and one that is missing is named."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

import tiny
from axiom_cli.training.trackers import TRACKERS
from command_line import axiom, failed


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
    return axiom("--workspace", tracker or "ws", *words, "--tracker", tracker, cwd=folder, env=home)


def test_one_that_is_not_there_is_named_before_anything_is_trained(folder: Path) -> None:
    failed(_train(folder, "mlflow"), 2, "no tracker 'mlflow'", "tensorboard, wandb, trackio")
    for name in TRACKERS:
        if find_spec(name) is None:
            failed(_train(folder, name), 4, f"needs the package {name}", f"pip install 'axiom-rl[{name}]'")
    assert not list(folder.glob("*/receipts"))


@pytest.mark.parametrize("name", TRACKERS)
def test_it_is_told_of_every_step_and_stdout_holds_data_alone(folder: Path, name: str) -> None:
    if find_spec(name) is None:
        pytest.skip(f"pip install 'axiom-rl[{name}]'")
    before = set(folder.iterdir())
    done = _train(folder, name)
    assert not done.returncode, done.stderr.decode()
    adapter = json.loads(done.stdout)
    assert {path.name for path in set(folder.iterdir()) - before} >= {name}
    losses = READERS[name](folder)
    assert len(losses) == adapter["metrics"]["steps"] == 3
    assert losses[0] == pytest.approx(adapter["metrics"]["loss_first"], rel=1e-4)


def _tensorboard(folder: Path) -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "runs" / "tried"))
    events.Reload()
    return [event.value for event in events.Scalars("train/loss")]


def _wandb(folder: Path) -> list[float]:
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    store, found = DataStore(), []
    store.open_for_scan(str(file))
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        for item in record.history.item:
            if "train/loss" in (item.key, *item.nested_key):
                found.append(json.loads(item.value_json))
    return found


def _trackio(folder: Path) -> list[float]:
    import sqlite3

    (file,) = (folder / "trackio").glob("axiom*.db")
    with sqlite3.connect(file) as database:
        rows = database.execute("SELECT metrics FROM metrics ORDER BY step").fetchall()
    return [json.loads(row[0])["train/loss"] for row in rows if "train/loss" in row[0]]


READERS = {"tensorboard": _tensorboard, "wandb": _wandb, "trackio": _trackio}

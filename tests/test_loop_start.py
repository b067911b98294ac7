"""Where a round's training starts, and what it replays: the ablations of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from axiom_cli.workspace.store import Workspace
from command_line import axiom, failed, rows

SMALL = ("loop", "--problems", "register_machine:1-2,robot_walk:1-2", "--train-size", "60", "--iterations", "2")
SMALL = (*SMALL, "--val-size", "8", "--test-size", "40", "--max-tokens", "160", "--epochs", "1", "--ignore-gates")


def test_an_optimizer_goes_on_only_with_the_weights_that_it_was_for(tmp_path: Path) -> None:
    failed(axiom(*SMALL, "--start", "continue", "--method", "lora", cwd=tmp_path), 2, "--method full")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_round_goes_on_with_the_optimizer_of_the_one_before(tmp_path: Path) -> None:
    done = axiom(*SMALL, "--experiment", "on", "--start", "continue", "--replay", "50/50/0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    trained = [receipt for receipt in Workspace.open(tmp_path / ".axiom").receipts() if receipt.stage == "train"]
    assert len(trained) == 2
    first, second = sorted(trained, key=lambda receipt: len(receipt.inputs))
    assert "optimizer" not in dict(first.inputs)
    assert dict(second.inputs)["optimizer"] == first["optimizer"] != second["optimizer"]
    replayed = [
        row["replay"] for row in rows((tmp_path / "experiments/on/metrics.jsonl").read_bytes()) if "replay" in row
    ]
    assert [mix["cold"] for mix in replayed] == [0, 0] and replayed[0]["new"] == 1
    assert replayed[1]["history"] == pytest.approx(0.5, abs=0.1)

    before = axiom(*SMALL, "--experiment", "from", "--start", "previous", "--replay", "100/0/0", cwd=tmp_path)
    assert before.returncode == 0, before.stderr.decode()
    mixes = [
        row["replay"] for row in rows((tmp_path / "experiments/from/metrics.jsonl").read_bytes()) if "replay" in row
    ]
    assert mixes == [{"new": 1.0, "history": 0.0, "cold": 0.0}] * 2

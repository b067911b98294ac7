"""A run may stop before its last round: by a rule that it wrote down, and keeping the best model on validation."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from axiom_cli.experiment.patience import Patience
from command_line import axiom, failed, rows


def solved(count: int, of: int = 200, first: int = 0) -> dict[str, tuple[int, int]]:
    """The outcomes of a model that solves `count` problems, from the problem `first` on."""
    return {str(number): (int(first <= number < first + count), 1) for number in range(of)}


def test_a_run_stops_after_so_many_rounds_without_a_gain_or_at_a_paired_loss() -> None:
    patience = Patience(2)
    for model, count in enumerate((80, 100, 99, 101, 101)):
        assert not patience.reason_to_stop(model, solved(count))
    assert patience.reason_to_stop(5, solved(100)) == "2 rounds without a gain on validation; the best is model 3"

    patience = Patience(5)
    assert not patience.reason_to_stop(0, solved(100))
    assert not patience.reason_to_stop(1, solved(96, first=2)), "as noise goes, it is no loss"
    worse = patience.reason_to_stop(2, solved(60))
    assert worse.startswith("model 2 is worse than model 0 on the same validation problems: -20.0 points")

    endless = Patience(0)
    assert not any(endless.reason_to_stop(model, solved(100 - 20 * model)) for model in range(5))


SMALL = ("loop", "--experiment", "short", "--problems", "register_machine:1-2,robot_walk:1-2", "--train-size", "40")
SMALL = (*SMALL, "--val-size", "12", "--test-size", "40", "--max-tokens", "160", "--epochs", "1", "--ignore-gates")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_that_stops_is_tested_with_its_controls_and_stops_again_when_resumed(tmp_path: Path) -> None:
    """With a learning rate that changes next to nothing, no round gains."""
    small = (*SMALL, "--patience", "1", "--lr", "1e-9", "--control", "shuffled")
    done = axiom(*small, "--iterations", "4", cwd=tmp_path)
    said = "the run stops after 1 round of 4: 1 round without a gain on validation; the best is model 0"
    assert said in done.stderr.decode(), done.stderr.decode()
    folder = tmp_path / "experiments" / "short"
    assert "patience" in orjson.loads((folder / "config.json").read_bytes())["stopping"]
    metrics = rows((folder / "metrics.jsonl").read_bytes())
    assert [row["iteration"] for row in metrics if row["phase"] == "stop"] == [0]
    tested = {(row["experiment"], row["iteration"]) for row in metrics if row["split"] == "test"}
    assert tested == {("short", 0), ("short", 1), ("short+shuffled", 0), ("short+shuffled", 1)}

    again = axiom(*small, "--iterations", "6", cwd=tmp_path)
    assert "the run stops after 1 round of 6" in again.stderr.decode()
    assert rows((folder / "metrics.jsonl").read_bytes()) == [
        {**row, "seconds": found["seconds"]}
        for row, found in zip(metrics, rows((folder / "metrics.jsonl").read_bytes()), strict=True)
    ]
    failed(axiom(*small, "--patience", "3", "--iterations", "4", cwd=tmp_path), 2, "patience 1")

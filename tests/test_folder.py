"""The experiment's folder: what was measured stays, and damage to it is set aside."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from axiom_cli import jsonl
from axiom_cli.errors import InputError, UsageError
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.evaluation.metrics import phase_row
from axiom_cli.experiment.writer import ExperimentWriter
from axiom_cli.models import Resolved
from axiom_cli.records import Metrics
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.sources import resolve
from axiom_cli.verification.solution_rows import solution_rows
from made_experiment import make, problem, verdict

PROBLEMS = [problem("rpn", 3, number) for number in range(4)]


def opened(root: Path, warned: list[str] | None = None) -> ExperimentWriter:
    """The folder of the experiment `one`, as a run finds it."""
    base = Resolved("nano", "d" * 64, root)
    writer = ExperimentWriter(LoopConfig(experiment="one"), base, (warned if warned is not None else []).append, root)
    with writer.locked():
        return writer


def row(iteration: int, passed: int, experiment: str = "one") -> Metrics:
    return phase_row(experiment, iteration, "collect", 1.0, 10, 10, passed)


def test_rows_stay_until_they_are_measured_again(tmp_path: Path) -> None:
    opened(tmp_path).write_metrics([row(0, 1), row(1, 2), row(0, 3, "one+shuffled")])
    again = opened(tmp_path)
    again.write_metrics([row(0, 5)])
    kept = jsonl.load(again.folder.metrics, Metrics)
    assert [(r.experiment, r.iteration, r.passed) for r in kept] == [
        ("one", 0, 5), ("one", 1, 2), ("one+shuffled", 0, 3)
    ]  # fmt: skip


def test_fewer_rounds_leave_the_problems_of_later_ones(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.write_round(0, PROBLEMS[:2], [])
    first.write_round(1, PROBLEMS[2:], [])
    before = (first.folder.problems("train")).read_bytes()
    again = opened(tmp_path)
    again.write_round(0, PROBLEMS[:2], [])
    assert (again.folder.problems("train")).read_bytes() == before
    again.write_round(0, PROBLEMS[1:3], [])
    assert (again.folder.problems("train")).read_bytes() != before


def test_equal_solutions_keep_their_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = [verdict(of, good=True) for of in PROBLEMS]
    writer = opened(tmp_path)
    writer.write_round(0, PROBLEMS, verdicts)
    path = writer.folder.solutions(0)
    earlier = path.read_bytes().replace(b'"timestamp":"20', b'"timestamp":"19')
    path.write_bytes(earlier)
    writer.write_round(0, PROBLEMS, verdicts)
    assert path.read_bytes() == earlier
    for other in (earlier[:-9], earlier[: earlier.index(b"\n") + 1], b""):
        path.write_bytes(other)
        writer.write_round(0, PROBLEMS, verdicts)
        assert path.read_bytes().count(b"\n") == len(list(solution_rows(verdicts)))


@pytest.mark.parametrize("damage", [b'{"iterations": 2, "mod', b"[]", b"\xff\xfe"])
def test_a_damaged_config_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    path = opened(tmp_path).folder.config
    whole = path.read_bytes()
    path.write_bytes(damage)
    warned: list[str] = []
    opened(tmp_path, warned)
    assert path.read_bytes() == whole
    assert (path.parent / "config.json.damaged").read_bytes() == damage
    assert len(warned) == 1 and str(path) in warned[0] and "config.json.damaged" in warned[0]


FORMER_NANO = {
    "train_size": 8000, "val_size": 600, "test_size": 1000, "min_difficulty": 3, "max_difficulty": 7, "start": "base",
    "replay": "50/40/10", "max_tokens": 192, "method": "lora", "optimizer": "adamw", "lr": 1e-3, "epochs": 2.0,
    "batch_size": 32, "lora_r": 64, "lora_alpha": 128, "grad_accum": 1, "warmup": 0.1, "uninformative": 0.1,
    "temperature": 0.8, "climb_from": 0,
}  # fmt: skip
"""The preset of that version, which the preset nano is no longer."""


def test_the_folder_of_an_earlier_version_resumes_where_its_settings_mean_the_same(tmp_path: Path) -> None:
    earlier = {
        "experiment": "one", "preset": "quick", "problem_types": "rpn", "samples": 2, "temperature": 0.8,
        "max_tokens": 192, "lr": 1e-3, "epochs": 2.0, "batch_size": 32, "lora_r": 64, "lora_alpha": 128,
        "curriculum": True, "model": {"name": "nano", "digest": "d" * 64},
    }  # fmt: skip
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "config.json").write_bytes(orjson.dumps(earlier))

    def resumed(**flags: object) -> ExperimentWriter:
        asked = {"experiment": "one", "problems": "rpn", "samples": 2, **FORMER_NANO, **flags}
        config = resolve(LoopConfig, {**asked}).config
        writer = ExperimentWriter(config, Resolved("nano", "d" * 64, tmp_path), pytest.fail, tmp_path)
        with writer.locked():
            return writer

    for name, value in (("samples", 3), ("grad_accum", 8), ("curriculum", "fixed"), ("problems", "arithmetic")):
        with pytest.raises(UsageError, match=f"{name} .*, not {value!r}"):
            resumed(**{name: value})
    resumed(jobs=1)
    kept = orjson.loads((tmp_path / "one" / "config.json").read_bytes())
    assert kept["problems"] == "rpn" and kept["solve"]["samples"] == 2 and kept["train"]["lr"] == 1e-3
    assert "problem_types" not in kept and "force" not in kept["train"]
    with pytest.raises(UsageError, match="solve.samples 2, not 3"):
        resumed(samples=3)


def test_damaged_metrics_are_set_aside_and_their_whole_lines_kept(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.write_metrics([row(0, 1), row(1, 2)])
    path = first.folder.metrics
    path.write_bytes(path.read_bytes()[:-20])
    warned: list[str] = []
    again = opened(tmp_path, warned)
    assert [r.iteration for r in again.rows] == [r.iteration for r in jsonl.load(path, Metrics)] == [0]
    assert (path.parent / "metrics.jsonl.damaged").exists()
    assert len(warned) == 1 and f"{path}: line 2" in warned[0]


@pytest.mark.parametrize("name", ["metrics.jsonl", "evaluations/val_0.jsonl"])
def test_a_reader_of_a_damaged_folder_names_the_file(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / "one", each=1, samples=1) / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=f"{name}: line "):
        read_experiment("one", tmp_path).tallies("val", 0)

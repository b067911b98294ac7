"""Several runs reported together: the mean of their gains, how far they spread, and one test over all problems."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from statistics import mean, stdev

import orjson
import pytest

from axiom_cli import jsonl
from axiom_cli.evaluation.experiment_folder import Experiment, read_experiment
from axiom_cli.evaluation.metrics import evaluate
from axiom_cli.evaluation.pooled import spread
from axiom_cli.report.outcome.summary import summarize
from axiom_cli.report.tables.pooled import pool
from command_line import axiom
from made_experiment import problem, verdict


def written(root: Path, seed: int, after: float, prefix: str = "", **settings: object) -> Experiment:
    """A run whose model 1 solves the first `after` of 100 test problems, of which the start model solves 40."""
    folder, rows = root / f"run{seed}", []
    for iteration, share in ((0, 0.4), (1, after)):
        judged = [verdict(problem("rpn", 3, n, f"test{prefix}"), n < round(100 * share)) for n in range(100)]
        jsonl.save(folder / "evaluations" / f"test_{iteration}.jsonl", judged)
        rows += evaluate(judged, folder.name, iteration, "test")
    jsonl.save(folder / "metrics.jsonl", rows)
    (folder / "config.json").write_bytes(orjson.dumps({"experiment": folder.name, "seed": seed, **settings}))
    return read_experiment(str(folder))


def test_mean_spread_and_the_pooled_test_are_those_of_all_runs(tmp_path: Path):
    gains = (0.1, 0.12, 0.2)
    runs = [summarize(written(tmp_path, i, 0.4 + gain, prefix=str(i))) for i, gain in enumerate(gains)]
    found = pool(runs)
    assert (
        found and found.gain.mean == pytest.approx(mean(gains)) and found.gain.deviation == pytest.approx(stdev(gains))
    )
    low, high = found.gain.interval or (1, 0)
    assert low == pytest.approx(mean(gains) - 4.3027 * stdev(gains) / 3**0.5, abs=1e-4), "Student's t, 2 degrees"
    assert high - found.gain.mean == pytest.approx(found.gain.mean - low)
    tested = found.tested
    assert tested and (tested.problems, tested.gained, tested.lost, tested.test) == (300, 42, 0, "McNemar")
    assert not found.differ, "a seed alone makes no other recipe"


def test_a_problem_that_two_runs_met_counts_once(tmp_path: Path):
    runs = [summarize(written(tmp_path, i, after)) for i, after in enumerate((0.5, 0.6))]
    found = pool(runs)
    assert found and found.tested and found.tested.problems == 100
    assert found.tested.difference == pytest.approx(0.15) and found.tested.test == "sign-flip"


def test_the_interval_of_the_mean_covers_it_as_often_as_it_says():
    random, hits = Random(0), 0
    for _ in range(400):
        low, high = spread([random.gauss(0.1, 0.03) for _ in range(4)]).interval or (0, 0)
        hits += low <= 0.1 <= high
    assert 0.92 < hits / 400 < 0.98


@pytest.mark.slow
def test_every_format_has_the_runs_together(tmp_path: Path):
    root = tmp_path / "experiments"
    for i, after in enumerate((0.5, 0.55)):
        written(root, i, after, prefix=str(i), replay=f"{50 + i}/50/0")
    found = axiom("report", "run0", "run1", "--format", "json", "--html", "runs.html", cwd=tmp_path)
    *each, together = json.loads(found.stdout)
    assert [one["experiment"] for one in each] == ["run0", "run1"]
    assert together["pooled"]["gain"]["runs"] == 2 and together["pooled"]["tested"]["problems"] == 200
    text = (tmp_path / "runs.html").read_text()
    assert "run0, run1" in text and "differ in more than their seed: replay (50/50/0, 51/50/0)" in text
    markdown = axiom("report", "run0", "run1", "--format", "md", cwd=tmp_path).stdout.decode()
    assert "2 runs together (test)" in markdown and "standard deviation" in markdown
    alone = axiom("report", "run0", "--format", "json", cwd=tmp_path).stdout
    assert json.loads(alone)["experiment"] == "run0"

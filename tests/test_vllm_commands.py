"""Commands that sample with vLLM's engine, the real one: see test_vllm.py for what they need."""

from __future__ import annotations

import subprocess
from itertools import groupby

from axiom_cli import jsonl
from axiom_cli.experiment.loop import Loop
from axiom_cli.experiment.observer import LoopObserver
from axiom_cli.problems.families import draw
from axiom_cli.records import Metrics
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.sources import resolve
from axiom_cli.workspace.store import Workspace
from command_line import AXIOM, environment, rows
from test_vllm import CONFIG, folders, processes, pytestmark  # noqa: F401


def test_solve_writes_records_and_nothing_else(folders, tmp_path):  # noqa: F811
    problems = list(draw.problems(["arithmetic"], 3, [3], "train", 0))
    jsonl.save(tmp_path / "problems.jsonl", problems)
    words = ["solve", "problems.jsonl", "--engine", "vllm", "--model", str(folders / "a"), "--samples", "2"]
    done = subprocess.run(
        [*AXIOM, *words, "--max-tokens", "8"], cwd=tmp_path, env=environment(), capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    found = rows(done.stdout)
    assert [(row["problem"]["id"], row["index"]) for row in found] == [(p.id, i) for p in problems for i in (0, 1)]
    assert {row["engine"] for row in found} == {"vllm"} and "6 samples by" in done.stderr.decode()


def test_two_rounds_of_the_loop_on_one_engine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = {
        "experiment": "small", "iterations": 2, "problems": "arithmetic", "min_difficulty": 1, "max_difficulty": 2,
        "train_size": 40, "val_size": 8, "test_size": 8, "samples": 2, "epochs": 0.5, "max_tokens": 96,
    }  # fmt: skip
    config = resolve(LoopConfig, small).config
    workspace = Workspace.create(tmp_path / ".axiom")
    work = Loop(config, "nano", workspace)
    work.engine = EngineHandle(work.base, workspace, CONFIG)
    seen, others = [], set(processes())
    work.run(LoopObserver(judged=lambda _: seen.append(tuple(set(processes()) - others))))
    measured = jsonl.load(tmp_path / "experiments" / "small" / "metrics.jsonl", Metrics)
    assert {row.iteration for row in measured if row.split == "test"} == {0, 1, 2}
    assert any(row.rate > 0.5 for row in measured if row.split == "test")
    alive = [pids for pids, _ in groupby(pids for pids in seen if pids)]
    assert len(alive) == 1 and set(processes()) == others

"""`axiom train` by several processes under a launcher: one adapter, one line on stdout, the weights of one process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import sharded_run
import tiny
from axiom_cli import jsonl
from axiom_cli.learning.train import STATES, train
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace
from command_line import ROOT, axiom, environment, failed

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
ACCELERATE = ["-m", "accelerate.commands.launch", "--num_processes", "2", "--num_machines", "1"]
SPREAD, PARTED = [*ACCELERATE, "--multi_gpu", "-m"], [*ACCELERATE, "--use_fsdp", "-m"]
SHARD = ["--fsdp", "--gradient-checkpointing"]
OPTIONS = ["--epochs", "2", "--lr", "1e-3"]
CONFIG = TrainConfig(epochs=2.0, lr=1e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    lines = [json.dumps(tiny.verdict(one).to_dict()) + "\n" for one in tiny.samples(41)]
    (folder / "verdicts.jsonl").write_text("".join(lines))
    failing = [json.dumps(tiny.verdict(one, "fail").to_dict()) + "\n" for one in tiny.samples(19)]
    (folder / "judged.jsonl").write_text("".join(failing + lines[19:]))
    tiny.write_model(folder / "base", hidden=64)
    return folder


def _launch(
    launcher: list[str], folder: Path, workspace: str, *more: str, file: str = "verdicts.jsonl"
) -> subprocess.CompletedProcess[str]:
    words = ["axiom_cli", "--workspace", workspace, "train", file, "--model", "base", *OPTIONS, *more]
    command = [sys.executable, *launcher, *words]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=200)


def _one(folder: Path, workspace: str, config: TrainConfig, file: str = "verdicts.jsonl") -> dict[str, Any]:
    verdicts = jsonl.load(folder / file, Verdict)
    return train(verdicts, str(folder / "base"), config, Workspace.create(folder / workspace)).to_dict()


def _weights(adapter: dict[str, Any], folder: Path) -> dict[str, torch.Tensor]:
    files = (folder / adapter["path"]).glob("*.safetensors")
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


@pytest.mark.parametrize(
    ("launcher", "method", "objective", "more"),
    [
        pytest.param(TORCHRUN, "lora", "sft", [], id="torchrun-lora", marks=pytest.mark.slow),
        pytest.param(TORCHRUN, "lora", "value", [], id="torchrun-value", marks=pytest.mark.slow),
        pytest.param(TORCHRUN, "full", "sft", [], id="torchrun-full", marks=pytest.mark.slow),
        pytest.param(SPREAD, "dora", "sft", [], id="accelerate-dora", marks=pytest.mark.slow),
        pytest.param(PARTED, "lora", "sft", [], id="accelerate-fsdp", marks=pytest.mark.slow),
        pytest.param(TORCHRUN, "dora", "sft", SHARD, id="torchrun-fsdp-dora", marks=pytest.mark.slow),
    ],
)
def test_two_processes_come_to_the_weights_of_one(
    launcher: list[str],
    method: str,
    objective: str,
    more: list[str],
    folder: Path,
    request: pytest.FixtureRequest,
) -> None:
    if "accelerate.commands.launch" in launcher:
        pytest.importorskip("accelerate")
    file, workspace = ("judged.jsonl" if objective == "value" else "verdicts.jsonl"), request.node.callspec.id
    done = _launch(launcher, folder, workspace, "--method", method, "--objective", objective, *more, file=file)
    assert not done.returncode, done.stderr
    two = json.loads(done.stdout)  # one whole line, of the first process
    assert done.stderr.count("adapter sha256:") == 1 and done.stderr.count("only 41 rows") == 1
    assert len(list((folder / workspace / "receipts").iterdir())) == 1
    one = _one(folder, f"one-{method}-{objective}", replace(CONFIG, method=method, objective=objective), file)
    ours, theirs = _weights(one, folder), _weights(two, folder)
    assert ours.keys() == theirs.keys()
    assert all(torch.allclose(ours[name], theirs[name], rtol=0, atol=1e-5) for name in ours)
    assert two["metrics"]["loss_last"] == pytest.approx(one["metrics"]["loss_last"], rel=1e-5)


def _children(parent: int) -> list[int]:
    """The ids of the processes that a process has started, and that have not ended."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, ppid in map(str.split, listed.splitlines()) if int(ppid) == parent]


@pytest.mark.slow
def test_what_two_began_one_goes_on_with(folder: Path) -> None:
    more = ["--epochs", "40", "--checkpoint-seconds", "0", "--lora-dropout", "0.1"]
    words = ["axiom_cli", "--workspace", "stopped", "train", "verdicts.jsonl", "--model", "base", *OPTIONS, *more]
    talk = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen([sys.executable, *TORCHRUN, *words], cwd=folder, env=environment(), **talk) as process:
        while not list((folder / "stopped" / STATES).glob("*.pt")):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.02)
        for child in _children(process.pid):  # torchrun gives each a session of its own
            os.kill(child, signal.SIGKILL)
        os.killpg(process.pid, signal.SIGKILL)
    (state,) = (folder / "stopped" / STATES).glob("*.pt")
    assert 0 < torch.load(state, weights_only=True)["done"] < 200
    config = replace(CONFIG, epochs=40.0, lora_dropout=0.1)
    resumed = _weights(_one(folder, "stopped", config), folder)
    unbroken = _launch(TORCHRUN, folder, "unbroken", *more)
    whole = _weights(json.loads(unbroken.stdout), folder)
    assert all(torch.allclose(resumed[name], whole[name], rtol=0, atol=1e-5) for name in whole)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sharded_model_lies_in_parts_and_comes_to_the_same_weights(folder: Path) -> None:
    """Full weights, clipped at each step; broken off and gone on with, by two and by one; a row that is no number."""
    command = [sys.executable, *TORCHRUN, "sharded_run", str(folder)]
    env = environment(PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=500)
    assert not done.returncode, done.stderr
    ranks = [json.loads((folder / f"rank-{number}").read_text()) for number in range(2)]
    assert sum(rank["own"] for rank in ranks) == ranks[0]["all"], "every parameter lies in one process alone"
    assert all(rank["own"] < 0.55 * rank["all"] for rank in ranks)
    assert all(list(rank["resumed"]) == list(rank["unbroken"])[3:] for rank in ranks)
    assert all("on the rows of problem 0000000000000007" in rank["diverged"] for rank in ranks)

    trainer = Trainer(folder / "base")
    rows = tiny.rows(trainer, 41)
    for config, names in ((sharded_run.CONFIG, ("unbroken", "resumed")), (sharded_run.LONE, ("lone",))):
        norms = sharded_run.run(folder / "one", trainer, rows, config)
        assert list(norms.values()) == pytest.approx(list(ranks[1][names[0]].values()), rel=1e-4)
        assert all(_differ(folder / "one", folder / name) < 1e-5 for name in names)
    state = Checkpoint(folder / "state.pt", 1e9)
    assert len(sharded_run.run(folder / "gone-on", trainer, rows, sharded_run.CONFIG, state)) == 1
    assert _differ(folder / "gone-on", folder / "unbroken") < 1e-5


def _differ(one: Path, two: Path) -> float:
    """By how much the weights differ of two folders that have the same files, and say the same of their model."""
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    assert (one / "config.json").read_text() == (two / "config.json").read_text()
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (one, two))
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


LOOP = [
    "loop", "--experiment", "shared", "--problems", "register_machine", "--min-difficulty", "2", "--max-difficulty",
    "4", "--iterations", "2", "--train-size", "60", "--val-size", "8", "--test-size", "8", "--samples", "2",
    "--epochs", "0.5", "--max-tokens", "160", "--curriculum", "fixed",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_in_a_loop_one_process_samples_and_all_train(tmp_path: Path) -> None:
    for name, launcher in (("two", TORCHRUN), ("one", ["-m"])):
        command = [sys.executable, *launcher, "axiom_cli", "--workspace", f"ws-{name}", *LOOP]
        (tmp_path / name).mkdir()
        done = subprocess.run(
            command, cwd=tmp_path / name, env=environment(), capture_output=True, text=True, timeout=400
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("round 1: ") == len({line for line in done.stderr.splitlines() if "round 1: " in line})
    both = [tmp_path / name / f"ws-{name}" for name in ("two", "one")]
    models = [Workspace.open(workspace).refs() for workspace in both]
    assert models[0].keys() == models[1].keys() == {"shared@1", "shared@2", "shared@best"}
    ours, theirs = (
        load_file(Workspace.open(workspace).tree_path(refs["shared@1"]) / "model.safetensors")
        for workspace, refs in zip(both, models, strict=True)
    )
    assert all(torch.allclose(ours[name], theirs[name], rtol=0, atol=1e-4) for name in ours)
    again = subprocess.run(
        [sys.executable, *TORCHRUN, "axiom_cli", "--workspace", "ws-two", *LOOP],
        cwd=tmp_path / "two", env=environment(), capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert again.returncode == 0 and Workspace.open(both[0]).refs() == models[0], "made once, then remembered"
    refused = subprocess.run(
        [sys.executable, *TORCHRUN, "axiom_cli", *LOOP, "--samples", "0"],
        cwd=tmp_path / "two", env=environment(), capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert refused.returncode and "out of bounds" in refused.stderr


@pytest.mark.slow
def test_what_cannot_be_shared_is_refused(folder: Path) -> None:
    env = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    lines = (folder / "verdicts.jsonl").read_bytes()
    failed(axiom("train", "--model", "base", cwd=folder, stdin=lines, env=env), 2, "several processes", "to a file")
    failed(axiom("solve", cwd=folder, env=env), 2, "axiom solve runs in one process", "axiom train")
    train = ("train", "verdicts.jsonl", "--model", "base", "--fsdp")
    failed(axiom(*train, cwd=folder), 2, "--fsdp divides a model over several processes", "torchrun")
    env |= {"RANK": "0", "ACCELERATE_USE_FSDP": "true"}
    failed(axiom(*train, "--quantize", "4bit", cwd=folder, env=env), 2, "--quantize 4bit and --fsdp do not go together")
    failed(axiom(*train, "--objective", "value", cwd=folder, env=env), 2, "--objective value and --fsdp")
    failed(axiom(*train[:-1], "--optimizer", "muon", cwd=folder, env=env), 2, "--optimizer muon and --fsdp")


def test_one_process_needs_no_launcher_and_heeds_none(folder: Path) -> None:
    done = axiom("problems", "gen", "--count", "1", cwd=folder, env={"WORLD_SIZE": "8", "RANK": "3"})
    assert not done.returncode, "without an address there is no group"

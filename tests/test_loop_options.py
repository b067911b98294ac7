"""Every option of the stages in a loop: each combination works, or is refused in one line before anything is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tiny
from axiom_cli import jsonl, models
from axiom_cli.errors import AxiomError
from axiom_cli.evaluation.experiment_folder import ExperimentFolder
from axiom_cli.experiment.loop import Loop
from axiom_cli.experiment.tracking import RunTracking
from axiom_cli.records import Metrics
from axiom_cli.sampling.engines import open_engine
from axiom_cli.sampling.engines.protocol import requests
from axiom_cli.settings.configs import LoopConfig, SolveConfig, TrainConfig
from axiom_cli.workspace.store import Workspace
from command_line import axiom, failed
from lora_server import BASE, lora_server

SOLVE = SolveConfig(samples=2, temperature=0.8, max_tokens=160)
TRAIN = TrainConfig(epochs=0.25, batch_size=16, grad_accum=1, lr=1e-3, lora_r=4, lora_alpha=8, checkpoint_seconds=1e6)
CONFIG = LoopConfig(
    experiment="tried", iterations=1, problems="register_machine", min_difficulty=2, max_difficulty=4,
    curriculum="fixed", train_size=32, val_size=4, test_size=4, ignore_gates=True, solve=SOLVE, train=TRAIN,
)  # fmt: skip
TWICE = {"iterations": 2, "replay": "80/0/20"}
URL = "http://127.0.0.1:9/v1"
Options = dict[str, Any]


def configured(options: Options, **more: Any) -> LoopConfig:
    """The small run with these options: of a stage, as `solve.samples`, or the experiment's own."""
    stages: dict[str, dict[str, Any]] = {}
    own = dict(more)
    for name, value in options.items():
        stage, _, option = name.rpartition(".")
        (stages.setdefault(stage, {}) if stage else own)[option] = value
    held = {stage: replace(getattr(CONFIG, stage), **values) for stage, values in stages.items()}
    return replace(CONFIG, **own, **held)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One for all runs: what does not depend on the options is made once."""
    home = tmp_path_factory.mktemp("options")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        yield Workspace.create(home / ".axiom")


REFUSED: dict[str, tuple[Options, str, str]] = {
    "full and quantised": ({"train.method": "full", "train.quantize": "4bit"}, "--method full", "not trained"),
    "dora and 8 bit": ({"train.method": "dora", "train.quantize": "8bit"}, "--method dora", "--quantize 4bit"),
    "quantised chains": ({"train.quantize": "4bit", "start": "previous"}, "--start previous", "--start base"),
    "a tracker": ({"train.tracker": "mlflow"}, "unknown tracker", "tensorboard"),
    "full and unmerged": ({"train.method": "full", "unmerged": True}, "--unmerged", "--method lora"),
    "full and a server": ({"train.method": "full", "solve.server": URL}, "--server", "--method lora"),
    "dora and a server": ({"train.method": "dora", "solve.server": URL}, "--method dora", "--method lora"),
    "a chain and a server": ({"start": "previous", "solve.server": URL}, "--start previous", "--start base"),
    "round 0 and a server": ({"coldstart": 40, "solve.server": URL}, "--coldstart", "axiom coldstart --train"),
    "a server and vllm": ({"solve.engine": "vllm", "solve.server": URL}, "--engine vllm", "--server"),
    "remote without a server": ({"solve.engine": "remote"}, "--engine remote", "--server URL"),
    "server without a server": ({"solve.engine": "server"}, "--engine server", "--server URL"),
    "scripted": ({"solve.engine": "scripted"}, "--engine scripted", "transformers"),
    "an engine": ({"solve.engine": "transfomers"}, "no engine called", "transformers"),
    "thoughts by a server": ({"solve.max_think_tokens": 8, "solve.server": URL}, "--max-think-tokens", "own settings"),
    "a cluster and a server": (
        {"distribute.distribute": "ray", "solve.server": URL},
        "--distribute",
        "leave out --distribute",
    ),
    "early stop by agreement": (
        {"solve.strategy": "adaptive", "solve.early_stop": True, "solve.stop_on": "agreement"},
        "--early-stop",
        "verifier",
    ),
    "grpo from the base": ({"train.objective": "grpo", "iterations": 2, "replay": "100/0/0"}, "grpo", "previous"),
    "one sample to compare": ({"train.objective": "dpo", "solve.samples": 1, "replay": "60/40/0"}, "dpo", "choose 8"),
}


def test_what_does_not_go_together_is_refused_before_anything_is_made(workspace: Workspace) -> None:
    for name, (options, said, hint) in REFUSED.items():
        with pytest.raises(AxiomError) as caught:
            Loop(configured(options), "nano", workspace)
        assert said in str(caught.value) and "\n" not in str(caught.value), name
        assert hint in caught.value.hint, name
    with pytest.raises(AxiomError, match="is a server") as caught:
        Loop(CONFIG, f"{URL}#m", workspace)
    assert "--model BASE --server URL" in caught.value.hint and caught.value.exit_code == 4
    assert not list((workspace.root / "receipts").iterdir()) and not Path("experiments").exists()


WORKS: dict[str, Options] = {
    "as it is": {},
    "dora": {"train.method": "dora"},
    "full": {"train.method": "full", "train.lr": 1e-4},
    "full, from the round before": {"train.method": "full", "train.lr": 1e-4, "start": "previous", **TWICE},
    "rslora with dropout": {"train.rslora": True, "train.lora_dropout": 0.1},
    "4 bit": {"train.quantize": "4bit"},
    "8 bit": {"train.quantize": "8bit"},
    "4 bit and dora": {"train.quantize": "4bit", "train.method": "dora"},
    "adamw8bit": {"train.optimizer": "adamw8bit"},
    "muon": {"train.optimizer": "muon", "train.method": "full"},
    "checkpointing": {"train.gradient_checkpointing": True},
    "half precision": {"train.precision": "bfloat16"},
    "half everything": {
        "train.precision": "bfloat16", "solve.dtype": "bfloat16", "merge.dtype": "bfloat16", "train.lr": 4e-3,
    },
    "short rows": {"train.max_length": 160},
    "thoughts": {"solve.max_think_tokens": 120},
    "retry": {"solve.strategy": "retry", "solve.samples": 2},
    "adaptive": {"solve.strategy": "adaptive"},
    "early stop": {"solve.early_stop": True, "solve.samples": 3},
    "dpo": {"train.objective": "dpo", "train.lr": 2e-4, "replay": "60/40/0", "solve.samples": 4},
    "kto of retries": {
        "train.objective": "kto", "train.lr": 2e-4, "replay": "60/40/0", "solve.strategy": "retry", "solve.samples": 4,
    },
    "grpo": {"train.objective": "grpo", "train.lr": 2e-4, "replay": "100/0/0", "start": "previous", "solve.samples": 4},
    "unmerged": {"unmerged": True},
    "unmerged, from the round before": {"unmerged": True, "start": "previous", **TWICE},
    "unmerged dora": {"unmerged": True, "train.method": "dora"},
    "controls": {"control": "shuffled,cold-only", "unmerged": True, "train_size": 40},
}  # fmt: skip


def _run(name: str, options: Options, workspace: Workspace, **how: Any) -> list[Metrics]:
    config = configured(options, experiment="".join(c if c.isalnum() else "-" for c in name))
    folder = Loop(config, "nano", workspace, **how).run()
    assert isinstance(folder, ExperimentFolder)
    return list(jsonl.load(folder.metrics, Metrics))


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_every_combination_works(name: str, workspace: Workspace) -> None:
    if "bit" in name and not find_spec("bitsandbytes"):
        pytest.skip("pip install bitsandbytes")
    rows = _run(name, WORKS[name], workspace)
    config = configured(WORKS[name])
    evaluated = {(row.iteration, row.split) for row in rows if row.extra["phase"] == "evaluate"}
    assert evaluated == {(n, split) for n in range(config.iterations + 1) for split in ("val", "test")}
    digests = {row.extra["digest"] for row in rows if row.extra["phase"] == "merge"}
    assert digests and models.resolve("nano").digest not in digests


@pytest.mark.slow
def test_what_stays_an_adapter_is_the_model_that_would_have_been_merged(workspace: Workspace) -> None:
    merged, unmerged = (_run(name, options, workspace) for name, options in (("a", {}), ("b", {"unmerged": True})))

    def rates(rows: list[Metrics]) -> list[tuple[int, str, int, float]]:
        return [(r.iteration, r.split, r.level, r.rate) for r in rows if r.extra["phase"] == "evaluate"]

    assert rates(merged) == rates(unmerged)
    model = models.resolve("b@1", workspace)
    assert model.base == models.resolve("nano") and len(model.adapters) == 1
    assert not models.resolve("a@1", workspace).adapters


@pytest.mark.slow
def test_a_server_is_handed_each_round_s_adapter_and_its_samples_are_learnt_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.create(tmp_path / ".axiom")
    with lora_server("nano") as server:
        options = {"solve.server": server.address, "solve.concurrency": 32, **TWICE}
        rows = _run("served", options, workspace)
        first, second = (models.resolve(f"served@{n}", workspace) for n in (1, 2))
        handed = [f"axiom-{model.digest[:16]}" for model in (first, second)]
        assert list(dict.fromkeys(server.loads))[1:] == handed, "the trial, then each round's"
        assert set(server.asked) == {BASE, *handed, server.loads[0]}
        assert server.asked.count(handed[0]) >= 32 * SOLVE.samples, "round 2 samples from round 1's adapter"
        assert not server.adapters, "nothing is left there"
        del server.asked[:]
        assert _run("served", options, workspace) == rows
        assert len(server.asked) < 8, "what was sampled is remembered: the server is only checked"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "said"),
    [({"updates": False}, "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"), ({"max_rank": 2}, "--max-lora-rank 4")],
)
def test_a_server_that_takes_no_such_adapter_is_told_before_it_is_asked(
    how: Options, said: str, tmp_path: Path
) -> None:
    with lora_server("nano", **how) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        loop = Loop(configured({"solve.server": server.address}), "nano", Workspace.create(tmp_path / "ws"))
        with pytest.raises(AxiomError) as caught:
            loop.run()
        assert said in caught.value.hint and len(server.asked) <= 2, "nothing but the check of the base"


@pytest.mark.slow
def test_a_tracker_has_one_run_with_losses_rates_and_speeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace, heard = Workspace.create(tmp_path / ".axiom"), defaultdict(list)

    def log(figures: Mapping[str, float], step: int) -> None:
        for name, value in figures.items():
            heard[name].append((step, value))

    config = configured({"control": "shuffled", "train.epochs": 1.0, **TWICE}, experiment="told")
    Loop(config, "nano", workspace).run(RunTracking(log).observer())
    losses = heard["train/loss"]
    steps = [step for step, _ in losses]
    assert len(steps) > 2 and steps == list(range(1, len(steps) + 1)), "the rounds follow each other"
    rates = heard["val/pass_rate/all"]
    assert [step for step, _ in rates] == [0, heard["val/tokens_per_second"][1][0], len(steps)]
    assert heard["collect/tokens_per_second"] and heard["test/pass_rate/register_machine"]
    assert heard["shuffled/train/loss"] and heard["shuffled/val/pass_rate/all"]
    heard.clear()
    Loop(config, "nano", workspace).run(RunTracking(log).observer())
    assert heard["val/pass_rate/all"] == rates, "a run that is resumed goes on at the same steps"


@pytest.mark.slow
def test_a_base_with_an_adapter_on_top_is_used_by_its_name(workspace: Workspace) -> None:
    _run("kept", {"unmerged": True}, workspace)
    home = workspace.root.parent
    failed(axiom("workspace", "export", "kept@1", "whole", cwd=home), 2, "axiom export kept@1 DIR")
    done = axiom("export", "kept@1", "whole", cwd=home)
    assert done.returncode == 0, done.stderr.decode()
    model = models.resolve("kept@1", workspace)
    with closing(open_engine("kept@1", SOLVE, workspace)) as engine, closing(open_engine("whole", SOLVE)) as whole:
        asked = requests([tiny.problem(n) for n in range(3)])
        ours, theirs = ([s.token_ids for g in e.generate(asked, SOLVE, 2) for s in g] for e in (engine, whole))
    assert ours == theirs and engine.model.digest == model.digest

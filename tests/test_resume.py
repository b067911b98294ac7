"""A run that was broken off goes on to the very weights it would have come to; one that cannot go on says why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from axiom_cli.errors import GateFailedError, MissingError, WorkspaceDamagedError
from axiom_cli.learning.train import STATES
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.run import TrainingRun
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.models import memory, micro_batches, worker_pool
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.gc import gc
from axiom_cli.workspace.store import Workspace
from command_line import AXIOM, axiom, environment

CONFIG = TrainConfig(lora_r=4, lora_alpha=8, epochs=2, lr=1e-2)
KINDS = [
    pytest.param("none", {"lora_dropout": 0.3}, id="dropout", marks=pytest.mark.slow),
    pytest.param("none", {"objective": "value", "lora_dropout": 0.3}, id="value"),
    pytest.param("none", {"method": "full", "optimizer": "muon"}, id="full-muon", marks=pytest.mark.slow),
    pytest.param("none", {"method": "full", "optimizer": "adamw8bit"}, id="full-8bit-adamw", marks=pytest.mark.slow),
    pytest.param(
        "4bit", {"method": "dora", "lora_dropout": 0.3, "optimizer": "adamw8bit"}, id="qdora", marks=pytest.mark.slow
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("base"), hidden=64)


def labelled(trainer: Trainer, odd: float = 1.0) -> list[Row]:
    """Rows of which every other one passed, for the objective that asks."""
    return [replace(row, label=odd if n % 2 else 1 - odd) for n, row in enumerate(tiny.rows(trainer))]


def test_a_state_of_other_labels_is_not_gone_on_from(folder: Path, tmp_path: Path) -> None:
    config, keep = replace(CONFIG, objective="value", epochs=1), Checkpoint(tmp_path / "state.pt", every_seconds=0)
    losses: list[float] = []
    for odd in (1.0, 0.0):
        trainer = Trainer(folder)
        rows = labelled(trainer, odd)
        trainer.fit(rows, config, tmp_path / "a", on_step=lambda step: losses.append(step.step), checkpoint=keep)
    assert losses == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("quantize", "more"), KINDS)
def test_it_comes_to_the_same_losses_and_the_same_bytes(
    folder: Path, quantize: str, more: dict[str, Any], tmp_path: Path
) -> None:
    if "8bit" in str(more) and find_spec("bitsandbytes") is None:
        pytest.skip("pip install bitsandbytes")
    config, keep = replace(CONFIG, **more), Checkpoint(tmp_path / "state.pt", every_seconds=0)
    losses: dict[str, list[float]] = {"whole": [], "resumed": []}

    def run(name: str, until: int = 0) -> dict[str, Any]:
        trainer = Trainer(folder, quantize)

        def on_step(progress) -> None:
            if progress.step == until:
                raise KeyboardInterrupt
            losses[name].append(progress.loss)

        metrics = trainer.fit(labelled(trainer), config, tmp_path / name, on_step=on_step, checkpoint=keep)
        return {**metrics, "seconds": 0}

    for until in (4, 7):
        with pytest.raises(KeyboardInterrupt):
            run("resumed", until)
    resumed_metrics = run("resumed")
    (tmp_path / "state.pt").unlink()
    assert run("whole") == resumed_metrics
    assert losses["resumed"] == losses["whole"] and len(losses["whole"]) == 10
    whole, resumed = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in losses)
    assert whole == resumed


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    for name, odd in (("sft", "pass"), ("value", "fail")):
        judged = [tiny.verdict(one, odd if n % 2 else "pass") for n, one in enumerate(tiny.samples(40))]
        (folder / name).write_text("".join(json.dumps(one.to_dict()) + "\n" for one in judged))
    return folder


@cache
def unbroken(verdicts: Path, objective: str) -> dict[str, Any]:
    return json.loads(axiom(*_command(verdicts, objective, verdicts / f"whole-{objective}"), cwd=verdicts).stdout)


def _command(verdicts: Path, objective: str, workspace: Path) -> list[str]:
    options = ["--epochs", "24", "--lora-dropout", "0.1", "--checkpoint-seconds", "0", "--model", "nano"]
    rows = ["train", str(verdicts / objective), "--objective", objective]
    return ["--workspace", str(workspace), *rows, *options]


@pytest.mark.parametrize(
    ("objective", "deed"),
    [
        pytest.param("sft", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("sft", signal.SIGKILL, marks=pytest.mark.slow),
        pytest.param("value", signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_the_same_command_goes_on_from_where_it_was_stopped(
    objective: str, deed: signal.Signals, verdicts: Path, tmp_path: Path
) -> None:
    command = _command(verdicts, objective, tmp_path / "ws")
    talk = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*AXIOM, *command], cwd=tmp_path, env=environment(), **talk) as process:
        while not list((tmp_path / "ws" / STATES).glob("*.pt")):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.02)
        process.send_signal(deed)
        told = process.communicate(timeout=60)[1]
    if deed is signal.SIGINT:
        assert process.returncode == 130
        assert "interrupted at step" in told and "of 120; finished work is kept" in told
    (state,) = (tmp_path / "ws" / STATES).glob("*.pt")
    done = torch.load(state, weights_only=True)["done"]
    assert 0 < done < 120
    adapter, whole = json.loads(axiom(*command, cwd=tmp_path).stdout), unbroken(verdicts, objective)
    assert adapter["digest"] == whole["digest"] and adapter["metrics"] == whole["metrics"]
    assert list((tmp_path / "ws" / STATES).iterdir()) == []


def test_gc_removes_what_nobody_goes_on_from(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    recipe = {"stage": "train", "version": 1, "config": {}, "inputs": {}}
    receipt = workspace.remember(recipe, lambda: {"rows": 1})
    states = workspace.root / STATES
    states.mkdir()
    fresh, old, finished = states / f"{1:064x}.pt", states / f"{2:064x}.pt", states / f"{receipt.id}.pt"
    for path in (fresh, old, finished):
        path.write_bytes(b"12345")
    os.utime(old, (0, 0))
    assert gc(workspace, dry_run=True).bytes == 10 and len(list(states.iterdir())) == 3
    gc(workspace)
    assert list(states.iterdir()) == [fresh]


def test_a_damaged_checkpoint_is_named(folder: Path, tmp_path: Path) -> None:
    keep = Checkpoint(tmp_path / "state.pt", every_seconds=0)
    trainer = Trainer(folder)
    trainer.fit(tiny.rows(trainer), CONFIG, tmp_path / "a", checkpoint=keep)
    keep.path.write_bytes(keep.path.read_bytes()[:-1000])
    with pytest.raises(WorkspaceDamagedError, match=r"state\.pt"):
        trainer.fit(tiny.rows(trainer), CONFIG, tmp_path / "b", checkpoint=keep)


def test_a_row_that_gives_no_number_is_named_and_the_state_before_it_is_kept(folder: Path, tmp_path: Path) -> None:
    """The base has a token whose embedding is no number; two rows hold it."""
    trainer, keep = Trainer(folder), Checkpoint(tmp_path / "state.pt", every_seconds=1e9)
    trainer.model.lm_head.weight = torch.nn.Parameter(trainer.model.lm_head.weight.detach().clone())
    token = trainer.tokenizer("~", add_special_tokens=False)["input_ids"][0]
    trainer.model.get_input_embeddings().weight.data[token] = torch.nan
    rows = tiny.rows(trainer)
    for place in (11, 23):
        rows[place] = replace(rows[place], completion_ids=[token, *rows[place].completion_ids])
    with pytest.raises(GateFailedError, match="diverged") as caught:
        trainer.fit(rows, CONFIG, tmp_path / "a", checkpoint=keep)
    step = int(str(caught.value).partition("at step ")[2].partition(":")[0])
    named = [place for place in (11, 23) if rows[place].problem in str(caught.value)]
    assert named and not any(row.problem in str(caught.value) for n, row in enumerate(rows) if n not in (11, 23))
    assert str(keep.path) in str(caught.value)
    state = torch.load(keep.path, weights_only=True)
    assert state["done"] == step - 1 and all(p.isfinite().all() for p in state["parameters"])
    assert not (tmp_path / "a").exists()


def test_weights_that_are_not_finite_do_not_replace_the_last_good_state(folder: Path, tmp_path: Path) -> None:
    trainer, keep = Trainer(folder), Checkpoint(tmp_path / "state.pt", every_seconds=1e9)

    def overflow(progress) -> None:
        keep.write({"of": "another run", "step": progress.step})
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data.fill_(float("inf"))

    with pytest.raises(GateFailedError, match="weights are NaN or inf; the state before that is in") as caught:
        trainer.fit(tiny.rows(trainer), CONFIG, tmp_path / "a", on_step=overflow, checkpoint=keep)
    assert "--lr" in caught.value.hint
    assert torch.load(keep.path)["step"] == 1


SHORT = """
import resource, sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {tests!r})
import tiny
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.errors import AxiomError
from axiom_cli.models import memory, micro_batches
from axiom_cli.learning.training.trainer import Trainer

memory.free_memory = lambda device: 1 << 40  # what the system says is wrong
micro_batches.TOKENS_PER_THREAD = 1 << 20
trainer = Trainer({folder!r})
rows = tiny.rows(trainer) * 2
width = 480
rows = [replace(row, completion_ids=row.completion_ids * (width // len(row.completion_ids))) for row in rows]
config = TrainConfig(epochs=1, grad_accum=80, lr=1e-3)
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + {room}, -1))
try:
    print(trainer.fit(rows, config, Path({folder!r}) / "out")["positions"])
except AxiomError as error:
    print(type(error).__name__, error, error.hint)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
@pytest.mark.parametrize(("room", "told"), [(1 << 40, "3"), (100 << 20, "MissingError out of memo")])
def test_where_memory_runs_out_it_is_refused(folder: Path, room: int, told: str) -> None:
    code = SHORT.format(tests=str(Path(__file__).parent), folder=str(folder), room=room)
    env = environment(MALLOC_ARENA_MAX="1")  # or each thread takes address space that it does not use
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=200)
    print(done.stdout, done.stderr[-1500:])
    assert done.stdout.startswith(told), done.stderr


@pytest.mark.parametrize(("most", "passes"), [(80, [80]), (40, [80, 40, 40]), (39, [80, 40])])
def test_out_of_memory_passes_are_halved_once_and_then_refused(
    folder: Path, most: int, passes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step is one pass of 80 rows, and whatever has more than `most` is refused as the allocator does it."""
    trainer, sizes, was = Trainer(folder), list[int](), TrainingRun.logprobs
    monkeypatch.setattr(worker_pool, "num_workers", lambda *_: 1)
    monkeypatch.setattr(micro_batches, "token_budget", lambda *_: 1 << 20)
    monkeypatch.setattr(memory, "free_memory", lambda _: 1 << 40)

    def refusing(run: Any, batch: Any) -> torch.Tensor:
        sizes.append(len(batch.input_ids_BT))
        if sizes[-1] > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return was(run, batch)

    monkeypatch.setattr(TrainingRun, "logprobs", refusing)
    config = TrainConfig(epochs=1, grad_accum=80, lr=1e-3)
    refused = pytest.raises(MissingError, match="out of memory at step 1, in a micro-batch of")
    with refused if most < passes[-1] else nullcontext():
        trainer.fit(tiny.rows(trainer) * 2, config, tmp_path)
    assert sizes[-len(passes) :] == passes
    assert max(sizes[: -len(passes)]) < 10, "what is tried before the first step, to see what a row takes"

"""The trainer's promises: what the loss falls on, that equal runs are equal bytes, that peft reads what it wrote."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import orjson
import pytest
import torch
from safetensors.torch import load_file

import tiny
from axiom_cli.errors import AxiomError, MissingError, NothingToDoError, UsageError
from axiom_cli.learning.training import lora
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.divergence import divergence_error
from axiom_cli.learning.training.optimizers import learning_rate
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.models import adapters, loading, worker_pool
from axiom_cli.settings.configs import TrainConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trainer(folder: Path) -> Trainer:
    return Trainer(folder, name="tiny")


CONFIG = TrainConfig(lora_r=4, lora_alpha=8, epochs=2, lr=1e-2)


def test_training_lowers_the_loss_and_equal_runs_are_equal_bytes(trainer: Trainer, tmp_path: Path) -> None:
    data = tiny.rows(trainer)
    seen = []
    metrics = trainer.fit(data, replace(CONFIG, epochs=8, lr=2e-2), tmp_path / "a", on_step=seen.append)
    trainer.fit(data, replace(CONFIG, epochs=8, lr=2e-2), tmp_path / "b")
    trainer.fit(data, replace(CONFIG, epochs=8, lr=2e-2, seed=1), tmp_path / "c")
    assert metrics["loss_last"] < 0.9 * metrics["loss_first"]
    assert len(seen) == metrics["steps"] == seen[-1].steps == seen[-1].step
    a, b, c = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("optimizer", ["adamw", pytest.param("muon", marks=pytest.mark.slow)])
def test_a_training_goes_on_with_the_optimizers_state_of_another(
    folder: Path, optimizer: Literal["adamw", "muon"], tmp_path: Path
) -> None:
    """The means go on from where they were, and so do their counts: Adam's first step is no first step any more."""
    trainer, config = Trainer(folder), replace(CONFIG, method="full", lr=1e-3, optimizer=optimizer)
    first, second = (Checkpoint(tmp_path / name / "optimizer.pt") for name in ("first", "second"))
    steps = trainer.fit(tiny.rows(trainer), config, tmp_path / "a", optimizer=(None, first))["steps"]
    trainer.fit(tiny.rows(trainer), config, tmp_path / "b", [tmp_path / "a"])
    trainer.fit(tiny.rows(trainer), config, tmp_path / "c", [tmp_path / "a"], optimizer=(first, second))
    again = Checkpoint(tmp_path / "again" / "optimizer.pt")
    trainer.fit(tiny.rows(trainer), config, tmp_path / "d", [tmp_path / "a"], optimizer=(first, again))
    fresh, gone_on, same = (load_file(next((tmp_path / name).glob("*.safetensors"))) for name in "bcd")
    assert any(not torch.equal(fresh[name], gone_on[name]) for name in fresh)
    assert all(torch.equal(same[name], gone_on[name]) for name in same)
    assert second.path.read_bytes() == again.path.read_bytes()
    state = second.read()
    assert state
    counts = {int(part.get("step", part.get("count", 0))) for part in state["state"].values()}
    assert max(counts) == 2 * steps


def test_what_was_trained_does_not_say_where_and_how_its_base_was_loaded(folder: Path, tmp_path: Path) -> None:
    trainer = Trainer(folder)
    trainer.fit(tiny.rows(trainer)[:4], replace(CONFIG, method="full", epochs=1), tmp_path / "a")
    said = orjson.loads((tmp_path / "a" / "tokenizer_config.json").read_bytes())
    assert "tokenizer_class" in said and not {"is_local", "local_files_only"} & said.keys()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="work is spread on Linux only")
@pytest.mark.parametrize("method", ["lora", "full"])
def test_several_processes_come_to_the_weights_of_one(
    folder: Path, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, method=method, lr=1e-3)
    met = {}
    for hands in (1, 3):
        monkeypatch.setattr(worker_pool, "num_workers", lambda model, parts, hands=hands: hands)
        trainer = Trainer(folder)
        met[hands] = trainer.fit(tiny.rows(trainer, 41), config, tmp_path / str(hands))
    one, three = (load_file(next((tmp_path / str(hands)).glob("*.safetensors"))) for hands in (1, 3))
    assert all(torch.allclose(one[name], three[name], atol=1e-5) for name in one)
    assert met[1]["loss_last"] == pytest.approx(met[3]["loss_last"], rel=1e-5)
    assert met[1]["loss_tokens"] == met[3]["loss_tokens"]


@pytest.mark.slow
def test_what_dropout_leaves_out_is_the_same_each_time(trainer: Trainer, tmp_path: Path) -> None:
    config = replace(CONFIG, lora_dropout=0.5)
    for name in "ab":
        trainer.fit(tiny.rows(trainer), config, tmp_path / name)
    trainer.fit(tiny.rows(trainer), CONFIG, tmp_path / "c")
    a, b, c = ((tmp_path / name / lora.WEIGHTS).read_bytes() for name in "abc")
    assert a == b != c


def test_the_base_is_as_it_was_after_a_fit(trainer: Trainer, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.fit(tiny.rows(trainer), CONFIG, tmp_path / "a")
    after = trainer.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_peft_reads_the_adapter(trainer: Trainer, tmp_path: Path) -> None:
    from peft import PeftModel

    trainer.fit(tiny.rows(trainer), CONFIG, tmp_path / "a")
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    ids = torch.tensor([[7, 8, 9, 10]])
    adapted = PeftModel.from_pretrained(loading.load_model(trainer.base), tmp_path / "a").eval()
    plain = loading.load_model(trainer.base)
    before = plain(ids).logits
    adapters.compose(plain, [tmp_path / "a"])
    assert torch.allclose(adapted(ids).logits, plain(ids).logits, atol=1e-4)
    assert not torch.allclose(before, plain(ids).logits, atol=1e-3)


@pytest.mark.parametrize("rank", [1, 16])
def test_training_sees_the_function_that_peft_sees(trainer: Trainer, rank: int) -> None:
    """Whether W + BA is one product (rank 16 on these small matrices) or two more (rank 1)."""
    ids = torch.tensor([[7, 8, 9, 10]])

    def met(dropout: float) -> tuple[torch.Tensor, ...]:
        with lora.attached(trainer.model, replace(CONFIG, lora_r=rank, lora_dropout=dropout)) as wrapped:
            wrapped.eval()  # without any effect of dropout, which keeps peft's own forward
            learnt = {name: p for name, p in wrapped.named_parameters() if p.requires_grad}
            for number, p in enumerate(learnt.values()):
                torch.nn.init.normal_(p, std=0.1, generator=torch.Generator().manual_seed(number))
            folded = sum("forward" in vars(module) for module in wrapped.modules())
            assert bool(folded) == (rank == 16 and not dropout)
            logits = wrapped(ids).logits
            logits.square().sum().backward()
            return logits.detach(), *(p.grad for p in learnt.values())

    for ours, theirs in zip(met(0.0), met(0.5), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_row_of_weight_zero_teaches_nothing(trainer: Trainer, tmp_path: Path) -> None:
    wanted, other = tiny.rows(trainer, 2)
    config = replace(CONFIG, epochs=10, grad_accum=2)
    trainer.fit([wanted, replace(other, weight=0.0)], config, tmp_path / "a")
    trainer.fit([wanted, replace(other, completion_ids=other.completion_ids[::-1], weight=0.0)], config, tmp_path / "b")
    a, b = (tiny.deltas(tmp_path / name, trainer.model) for name in "ab")
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in a)
    with pytest.raises(NothingToDoError):
        trainer.fit([replace(wanted, weight=0.0)], config, tmp_path / "c")


@pytest.mark.slow
def test_full_training_changes_all_weights_and_the_next_fit_starts_from_the_base(folder: Path, tmp_path: Path) -> None:
    trainer = Trainer(folder)
    config = replace(CONFIG, method="full", lr=3e-3)
    first = trainer.fit(tiny.rows(trainer), config, tmp_path / "a")
    again = trainer.fit(tiny.rows(trainer), config, tmp_path / "b")
    assert first["loss_first"] == again["loss_first"] > again["loss_last"]
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    base, after = (dict(loading.load_model(path).named_parameters()) for path in (folder, tmp_path / "a"))
    assert all(not torch.equal(base[name], after[name]) for name in base)


@pytest.mark.slow
def test_interrupted_nothing_is_written_and_a_checkpoint_goes_on_to_the_same_weights(
    trainer: Trainer, tmp_path: Path
) -> None:
    data, keep = tiny.rows(trainer), Checkpoint(tmp_path / "state.pt", every_seconds=0)
    trainer.fit(data, CONFIG, tmp_path / "whole")

    def interrupt(progress) -> None:
        if progress.step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.fit(data, CONFIG, tmp_path / "resumed", on_step=interrupt, checkpoint=keep)
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == ["whole"]
    steps = []
    trainer.fit(data, CONFIG, tmp_path / "resumed", on_step=lambda p: steps.append(p.step), checkpoint=keep)
    assert steps[0] == 6
    whole, resumed = ((tmp_path / name / lora.WEIGHTS).read_bytes() for name in ("whole", "resumed"))
    assert whole == resumed


@pytest.mark.slow
def test_a_checkpoint_of_other_rows_is_not_used(trainer: Trainer, tmp_path: Path) -> None:
    keep = Checkpoint(tmp_path / "state.pt", every_seconds=0)
    trainer.fit(tiny.rows(trainer), CONFIG, tmp_path / "a", checkpoint=keep)
    steps = []
    others = tiny.rows(trainer)[::-1]
    trainer.fit(others, CONFIG, tmp_path / "b", on_step=lambda p: steps.append(p.step), checkpoint=keep)
    assert steps[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"completion_ids": [1, 2, 3]},
        pytest.param({"prompt_ids": [1, 2, 3]}, marks=pytest.mark.slow),
        pytest.param({"weight": 5.0}, marks=pytest.mark.slow),
    ],
)
def test_nor_is_one_of_rows_that_differ_in_one_token_or_weight(trainer: Trainer, tmp_path: Path, change: dict) -> None:
    keep = Checkpoint(tmp_path / "state.pt", every_seconds=0)
    rows = tiny.rows(trainer)
    data = [replace(row, prompt_ids=row.prompt_ids[:3], completion_ids=row.completion_ids[:3]) for row in rows]
    trainer.fit(data, CONFIG, tmp_path / "a", checkpoint=keep)
    steps = []
    others = [replace(data[0], **change), *data[1:]]
    trainer.fit(others, CONFIG, tmp_path / "b", on_step=lambda p: steps.append(p.step), checkpoint=keep)
    assert steps[0] == 1


def test_divergence_is_said_and_nothing_is_written(trainer: Trainer, tmp_path: Path) -> None:
    def overflow(_progress) -> None:
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data.fill_(math.inf)

    with pytest.raises(AxiomError, match="diverged") as caught:
        trainer.fit(tiny.rows(trainer), CONFIG, tmp_path / "a", on_step=overflow)
    assert "--lr" in caught.value.hint
    assert not (tmp_path / "a").exists()


def test_the_learning_rate_rises_and_falls() -> None:
    config = TrainConfig(lr=1.0, warmup=0.1)
    rates = [learning_rate(step, 100, config) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_unknown_names_are_said(trainer: Trainer, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="objective"):
        trainer.fit(tiny.rows(trainer), replace(CONFIG, objective="ppo"), tmp_path / "a")
    with pytest.raises(UsageError, match="method"):
        trainer.fit(tiny.rows(trainer), replace(CONFIG, method="magic"), tmp_path / "a")
    with pytest.raises(UsageError, match="quantize"):
        Trainer(folder, quantize="2bit")


def test_qlora_names_its_extra_where_it_is_missing(folder: Path) -> None:
    try:
        import bitsandbytes  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(MissingError) as caught:
            Trainer(folder, quantize="4bit")
        assert "[qlora]" in caught.value.hint


def test_it_is_said_whether_the_loss_or_its_gradients_are_nan() -> None:
    assert "step 3: gradients are NaN or inf on all 4 rows" in str(divergence_error(3, 7.41, [], 4, ""))
    assert "step 3: loss is nan on all 4 rows" in str(divergence_error(3, float("nan"), [], 4, ""))

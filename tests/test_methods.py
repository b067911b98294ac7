"""Every method, precision and optimizer learns, and what it wrote is to peft the function that was trained."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from axiom_cli.errors import UsageError
from axiom_cli.learning.training import lora
from axiom_cli.learning.training.fit import fit
from axiom_cli.learning.training.optimizers import make_optimizer
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.models import loading, memory
from axiom_cli.settings.configs import TrainConfig

CONFIG = TrainConfig(lora_r=4, lora_alpha=8, epochs=4, lr=1e-2)
IDS = torch.tensor([[7, 8, 9, 10, 11, 12]])
slow = pytest.mark.slow
needs_bitsandbytes = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="pip install bitsandbytes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("base"), hidden=64)


@pytest.fixture(scope="module")
def trainer(folder: Path) -> Trainer:
    return Trainer(folder, name="tiny")


KINDS = [
    pytest.param("none", {}, id="lora"),
    pytest.param("none", {"method": "dora"}, id="dora", marks=slow),
    pytest.param("none", {"rslora": True, "lora_r": 16}, id="rslora", marks=slow),
    pytest.param("none", {"method": "dora", "rslora": True, "lora_dropout": 0.1}, id="dora-rslora-dropout", marks=slow),
    pytest.param("4bit", {}, id="qlora-4bit", marks=[needs_bitsandbytes, slow]),
    pytest.param("4bit", {"method": "dora"}, id="qdora-4bit", marks=[needs_bitsandbytes, slow]),
    pytest.param("8bit", {"rslora": True}, id="qlora-8bit", marks=[needs_bitsandbytes, slow]),
    pytest.param("none", {"optimizer": "adamw8bit"}, id="adamw8bit", marks=[needs_bitsandbytes, slow]),
    pytest.param("none", {"precision": "bfloat16"}, id="bfloat16", marks=slow),
]


@pytest.mark.parametrize(("quantize", "more"), KINDS)
def test_it_learns_and_peft_reads_the_same_function(
    folder: Path, quantize: str, more: dict[str, Any], tmp_path: Path
) -> None:
    from peft import PeftModel

    trainer, config = Trainer(folder, quantize), replace(CONFIG, **more)
    rows = tiny.rows(trainer)
    with lora.attached(trainer.model, config) as wrapped:
        before = wrapped(IDS).logits
        metrics = fit(wrapped, rows, config)
        trained = wrapped(IDS).logits
        lora.save(wrapped, tmp_path / "a", "tiny")
    assert metrics["loss_last"] < 0.88 * metrics["loss_first"]
    read = PeftModel.from_pretrained(loading.load_model(folder, quantize), tmp_path / "a").eval()
    assert torch.allclose(read(IDS).logits, trained, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(before, trained, atol=1e-2)
    written = json.loads((tmp_path / "a" / lora.CONFIG).read_text())
    assert (written["use_dora"], written["use_rslora"]) == (config.method == "dora", config.rslora)


@needs_bitsandbytes
def test_a_pass_without_gradients_does_not_spoil_those_of_4_bit_weights(folder: Path) -> None:
    """On processors with half-precision products, bitsandbytes packs weights for inference, for good."""
    import bitsandbytes

    model, plain = loading.load_model(folder, "4bit"), loading.load_model(folder)
    for name, layer in model.named_modules():
        if isinstance(layer, bitsandbytes.nn.Linear4bit):
            weight = bitsandbytes.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
            plain.get_submodule(name).weight.data.copy_(weight)

    def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            model(IDS)
        with lora.attached(model, CONFIG) as wrapped:
            learnt = {name: p for name, p in wrapped.named_parameters() if p.requires_grad}
            for number, p in enumerate(learnt.values()):
                torch.nn.init.normal_(p, std=0.1, generator=torch.Generator().manual_seed(number))
            wrapped.train()(IDS).logits.square().sum().backward()
            return {name: p.grad.flatten() for name, p in learnt.items()}

    quantised, exact = gradients(model), gradients(plain)
    assert quantised.keys() == exact.keys()
    for name, gradient in exact.items():
        assert torch.cosine_similarity(quantised[name], gradient, dim=0) > 0.99, name


@pytest.mark.slow
def test_gradient_checkpointing_comes_to_the_same_bytes(trainer: Trainer, tmp_path: Path) -> None:
    config = replace(CONFIG, lora_dropout=0.2, epochs=1)
    for name, on in (("a", False), ("b", True)):
        trainer.fit(tiny.rows(trainer), replace(config, gradient_checkpointing=on), tmp_path / name)
        assert not trainer.model.is_gradient_checkpointing
    a, b = ((tmp_path / name / lora.WEIGHTS).read_bytes() for name in "ab")
    assert a == b


def test_gradient_checkpointing_is_on_while_training(trainer: Trainer, tmp_path: Path) -> None:
    seen = set()
    config = replace(CONFIG, gradient_checkpointing=True, epochs=1)
    trainer.fit(tiny.rows(trainer), config, tmp_path / "a", on_step=lambda _: seen.add(_checkpoints(trainer)))
    assert seen == {True} and not _checkpoints(trainer)


def _checkpoints(trainer: Trainer) -> bool:
    return all(layer.gradient_checkpointing for layer in trainer.model.model.layers)


@pytest.mark.slow
def test_what_is_learnt_stays_in_float32_and_frozen_weights_lose_nothing(tmp_path: Path) -> None:
    config = replace(CONFIG, precision="bfloat16", epochs=1)
    half = Trainer(tiny.write_model(tmp_path / "half", dtype="bfloat16"), config=config)
    assert half.model.dtype == torch.bfloat16
    half.fit(tiny.rows(half), config, tmp_path / "a")
    with lora.attached(half.model, config) as wrapped:
        assert {p.dtype for p in wrapped.parameters() if p.requires_grad} == {torch.float32}
    half.fit(tiny.rows(half), config, tmp_path / "b", chain=[tmp_path / "a"])
    assert half.model.dtype == torch.float32, "a sum of adapters is not rounded"
    assert Trainer(tiny.write_model(tmp_path / "whole"), config=config).model.dtype == torch.float32
    assert Trainer(half.base, config=replace(config, method="full")).model.dtype == torch.float32


@needs_bitsandbytes
def test_an_8_bit_optimizer_keeps_its_means_in_8_bits(trainer: Trainer) -> None:
    (wide,) = (layer.mlp.up_proj for layer in trainer.model.model.layers[:1])
    made = make_optimizer(wide, replace(CONFIG, optimizer="adamw8bit"))
    wide.weight.grad = torch.ones_like(wide.weight)
    made.step()
    assert {made.state[wide.weight][name].dtype for name in ("state1", "state2")} == {torch.uint8}
    wide.weight.grad = None


def test_what_a_pass_keeps_is_counted(trainer: Trainer) -> None:
    weight = torch.nn.Parameter(torch.ones(8, 8))
    few, more = (memory.saved_bytes(lambda n=n: (torch.ones(n, 8) @ weight).exp().sum()) for n in (10, 1000))
    assert more - few == 990 * 8 * 4 * 2, "the input of the product and the result of exp"


@pytest.mark.slow
def test_passes_are_as_large_as_memory_allows(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, widths = tiny.rows(trainer), {}
    config = replace(CONFIG, grad_accum=32, epochs=1)
    for free in (1 << 40, 32_000_000, 0):
        monkeypatch.setattr(memory, "free_memory", lambda device, free=free: free)
        met = trainer.fit(rows, config, tmp_path / str(free))
        widths[free] = met["positions"]
    assert widths[1 << 40] > widths[32_000_000] > widths[0] == sum(row.length for row in rows)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "qlora"}, "--quantize 4bit"),
        ({"method": "rslora"}, "--rslora"),
        ({"optimizer": "sgd"}, "adamw8bit"),
        ({"precision": "float16"}, "bfloat16"),
    ],
)
def test_a_name_that_is_none_is_refused_with_those_that_are(
    trainer: Trainer, change: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        trainer.fit(tiny.rows(trainer), replace(CONFIG, **change), tmp_path / "a")
    assert said in f"{caught.value} {caught.value.hint}"


@needs_bitsandbytes
def test_dora_on_8_bit_weights_is_refused_and_the_trainer_still_works(folder: Path, tmp_path: Path) -> None:
    trainer = Trainer(folder, "8bit")
    with pytest.raises(UsageError, match="8bit"):
        trainer.fit(tiny.rows(trainer), replace(CONFIG, method="dora"), tmp_path / "a")
    assert trainer.fit(tiny.rows(trainer), replace(CONFIG, epochs=1), tmp_path / "a")["steps"] == 5

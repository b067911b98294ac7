"""The forecast of memory, against what passes of real models keep."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from axiom_cli.experiment.memory_forecast import Shape, adapter_parameters, cache_bytes, token_bytes
from axiom_cli.learning.training import lora
from axiom_cli.learning.training.batches import collate
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.scoring import proved_scorer
from axiom_cli.models import memory
from axiom_cli.settings.configs import TrainConfig

LENGTH, LEARNED = 64, 32


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({}, {}),
        ({"intermediate_size": 1024}, {"lora_r": 64}),
        ({"num_hidden_layers": 5, "num_key_value_heads": 4}, {"precision": "bfloat16"}),
        ({"vocab_size": 8192}, {"method": "full"}),
        ({"vocab_size": 8192, "hidden_size": 512}, {"method": "full", "precision": "bfloat16"}),
        ({"hidden_size": 512, "num_attention_heads": 8}, {"method": "dora"}),
    ],
)
def test_what_a_pass_keeps_is_forecast_within_a_quarter(more: dict, settings: dict) -> None:
    shape = {
        "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 1024, "tie_word_embeddings": True, **more,
    }  # fmt: skip
    train = TrainConfig(**settings)
    half = train.precision == "bfloat16"
    model = Qwen2ForCausalLM(Qwen2Config(**shape))
    sized = Shape.of({**shape, "dtype": "float32"})
    assert sized and sized.parameters == pytest.approx(sum(p.numel() for p in model.parameters()), rel=0.02)
    assert cache_bytes(sized, 4) == memory.cache_bytes(model.config, torch.float32)
    ids = torch.arange(LENGTH).tolist()
    row = Row(ids[LEARNED:], ids[:LEARNED])
    with nullcontext(model) if train.method == "full" else lora.attached(model, train) as trained:
        if train.method != "full":
            learned = sum(p.numel() for p in trained.parameters() if p.requires_grad)
            assert adapter_parameters(train, sized) == learned
        score, _ = proved_scorer(trained, [row], pytest.fail)

        def forward(times: int) -> torch.Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                return score(collate([row] * times, torch.device("cpu")))

        kept = memory.token_bytes(forward, LENGTH)
    forecast = token_bytes(train, sized, half) + 4 * shape["vocab_size"] * LEARNED // LENGTH
    assert forecast == pytest.approx(kept, rel=0.25)

"""Training layers with a window: only what the window holds is multiplied, and what a model says stays the same."""

from __future__ import annotations

import pytest
import torch
from transformers import PreTrainedModel, SmolLM3Config, SmolLM3ForCausalLM

from axiom_cli.learning.training.window_attention import NAME, windowed

SHAPE = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"],
    "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 0, "initializer_range": 0.3,
}  # fmt: skip


def model_with_windows() -> PreTrainedModel:
    torch.manual_seed(0)
    return SmolLM3ForCausalLM(SmolLM3Config(**SHAPE, use_sliding_window=True, no_rope_layers=[1, 0]))


def loss_of(model: PreTrainedModel, ids_BT: torch.Tensor) -> torch.Tensor:
    logits_BTV = model(input_ids=ids_BT, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits_BTV[:, :-1].flatten(0, 1), ids_BT[:, 1:].flatten())


def gradients(model: PreTrainedModel, ids_BT: torch.Tensor) -> dict[str, torch.Tensor]:
    """The loss, and the gradient of each weight."""
    model.zero_grad()
    loss = loss_of(model, ids_BT)
    loss.backward()
    return {"loss": loss.detach(), **{name: p.grad.clone() for name, p in model.named_parameters()}}


@pytest.mark.parametrize("length", [2, 7, 8, 9, 16, 29, 64])
def test_logits_and_gradients_are_those_of_the_whole_product(length: int) -> None:
    model = model_with_windows()
    ids_BT = torch.randint(64, (3, length), generator=torch.Generator().manual_seed(length))
    whole = gradients(model, ids_BT)
    with windowed(model, lambda: loss_of(model, ids_BT)):
        assert model.config._attn_implementation == NAME  # noqa: SLF001
        local = gradients(model, ids_BT)
    assert model.config._attn_implementation == "sdpa"  # noqa: SLF001
    torch.testing.assert_close(local, whole, rtol=1e-4, atol=1e-6)


def test_a_model_whose_window_means_something_else_stays_as_it_is() -> None:
    model = model_with_windows()
    model.model.layers[0].self_attn.sliding_window = 4  # its mask still has eight
    ids_BT = torch.randint(64, (2, 30), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plain = loss_of(model, ids_BT)
        with windowed(model, lambda: loss_of(model, ids_BT)):
            assert loss_of(model, ids_BT) == plain

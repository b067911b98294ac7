"""The sampler's own forward pass of Llama and its kin: what the library's modules compute, beside any other rows."""

from __future__ import annotations

from random import Random

import pytest
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

from axiom_cli import models
from axiom_cli.models.loading import load_model
from axiom_cli.sampling.engines import attention, lean_decoder
from axiom_cli.sampling.engines.continuous_batching import Completion, Decoding, batch_invariant, finished
from axiom_cli.sampling.engines.lean_decoder import LeanDecoder

SIZE = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "eos_token_id": 1,
    "bos_token_id": None,
    "pad_token_id": None,
}
WINDOW = 16
LOCAL_AND_GLOBAL = {
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "no_rope_layers": [1, 0, 1, 0],
    "sliding_window": WINDOW,
    "use_sliding_window": True,
}
MODELS = {
    "smollm3": lambda: SmolLM3ForCausalLM(SmolLM3Config(**SIZE, **LOCAL_AND_GLOBAL)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZE)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SIZE, sliding_window=WINDOW)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**{**SIZE, "hidden_size": 64}, attention_bias=True)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SIZE)),
}
TEXT = [*range(2, 40)]


def made(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    attention.use(model)
    return model


def decoder(model: PreTrainedModel) -> LeanDecoder:
    found, reason = lean_decoder.proven(model, TEXT)
    assert found and not reason
    return found


def prompts(count: int, longest: int = 60) -> list[list[int]]:
    random = Random(3)
    return [[random.randrange(2, 40) for _ in range(random.randint(1, longest))] for _ in range(count)]


def written(model: PreTrainedModel, asked: list[list[int]], slots: int, temperature: float, by: LeanDecoder | None):
    numbers = torch.rand(len(asked), 80, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    rows = [Completion(prompt, uniforms) for prompt, uniforms in zip(asked, numbers, strict=True)]
    assert len(list(finished(model, rows, Decoding([1], temperature), slots, by))) == len(rows)
    return [(row.token_ids, row.logprob) for row in rows]


@pytest.mark.parametrize(
    "name", ["smollm3", *(pytest.param(name, marks=pytest.mark.slow) for name in MODELS if name != "smollm3")]
)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_same_tokens_as_by_the_librarys_modules(name: str, temperature: float) -> None:
    model, asked = made(name), prompts(20)
    assert written(model, [[5], [6]], 9, temperature, decoder(model))[0][0], "prompts of one token"
    lean = written(model, asked, 9, temperature, decoder(model))
    plain = written(model, asked, 9, temperature, None)
    assert [ids for ids, _ in lean] == [ids for ids, _ in plain]
    assert [logprob for _, logprob in lean] == pytest.approx([logprob for _, logprob in plain], abs=1e-3)


@pytest.mark.slow
def test_nano_writes_the_same_tokens_as_by_the_librarys_modules() -> None:
    model = load_model(models.resolve("nano").path)
    attention.use(model)
    asked = [[*range(20, 20 + length)] for length in range(3, 100)]
    for temperature in (0.0, 0.8):
        lean, plain = (written(model, asked, 256, temperature, by) for by in (decoder(model), None))
        assert [ids for ids, _ in lean] == [ids for ids, _ in plain]
        assert [logprob for _, logprob in lean] == pytest.approx([logprob for _, logprob in plain], abs=1e-3)


@pytest.mark.skipif(not batch_invariant(), reason="this processor's products depend on the number of rows")
@pytest.mark.parametrize("lean", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_sample_is_the_same_to_the_bit_beside_any_others(lean: bool) -> None:
    model = made("smollm3")
    by = decoder(model) if lean else None
    asked = [*prompts(12), TEXT * 5, TEXT * 6 + [3], TEXT * 8]
    together = written(model, asked, 100, 1.0, by)
    assert written(model, asked, 8, 1.0, by) == together
    assert written(model, asked[:13], 100, 1.0, by) == together[:13]


@torch.inference_mode()
def test_a_layer_with_a_window_holds_no_more_than_that() -> None:
    by = decoder(made("smollm3"))
    cache = by.new_cache(8)
    cache.resize(None, 64)
    assert [keys.shape[2] for keys in cache.keys] == [WINDOW, 64, WINDOW, 64]
    cache.resize(torch.arange(4), 512)
    assert [values.shape for values in cache.values] == [(4, 2, WINDOW, 8), (4, 2, 512, 8)] * 2


def test_the_weights_can_be_trained_afterwards() -> None:
    model = made("qwen2")
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    decoder(model)
    model(torch.tensor([TEXT])).logits.sum().backward()
    assert all(weight.grad is not None for weight in model.parameters())
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_what_the_library_computes_differently_is_left_to_it() -> None:
    model = made("llama")
    assert lean_decoder.proven(model.to(torch.bfloat16), TEXT) == (None, ""), "made for float32"
    model = made("llama")
    model.model.layers[1].self_attn.register_forward_hook(lambda _module, _args, out: (out[0] * 2, *out[1:]))
    found, reason = lean_decoder.proven(model, TEXT)
    assert found is None and "other logits" in reason

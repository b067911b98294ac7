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
from axiom_cli.models.loading import load_model, load_tokenizer
from axiom_cli.problems.answers import messages
from axiom_cli.problems.families import draw
from axiom_cli.sampling.engines import attention, lean_decoder
from axiom_cli.sampling.engines.continuous_batching import Completion, Decoding, batch_invariant, finished
from axiom_cli.sampling.engines.drafts import DRAFT
from axiom_cli.sampling.engines.lean_decoder import LeanDecoder
from axiom_cli.sampling.prompts import conversation_ids
from axiom_cli.sampling.token_ids import line_breaks

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
BREAKS = frozenset({2, 3, 4})


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


def written(  # noqa: PLR0913, PLR0917 - what is sampled, and how
    model: PreTrainedModel,
    asked: list[list[int]],
    slots: int,
    temperature: float,
    by: LeanDecoder | None,
    breaks: frozenset[int] = frozenset(),
) -> list[tuple[list[int], float, str]]:
    numbers = torch.rand(len(asked), 80, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    heard: list[list[int]] = [[] for _ in asked]
    rows = [
        Completion(prompt, uniforms[: 80 - place % 3], on_token=told.append)
        for place, (prompt, uniforms, told) in enumerate(zip(asked, numbers, heard, strict=True))
    ]
    assert len(list(finished(model, rows, Decoding([1, 7], temperature), slots, by, breaks))) == len(rows)
    assert heard == [row.token_ids for row in rows]
    return [(row.token_ids, row.logprob, row.finish) for row in rows]


def same(found: list[tuple[list[int], float, str]], wanted: list[tuple[list[int], float, str]]) -> bool:
    """Whether the tokens are the same, and the log-probabilities but for rounding."""
    return [(ids, finish) for ids, _, finish in found] == [(ids, finish) for ids, _, finish in wanted] and [
        logprob for _, logprob, _ in found
    ] == pytest.approx([logprob for _, logprob, _ in wanted], abs=1e-3)


def listings(count: int) -> list[list[int]]:
    """Prompts with lines, whose tokens are few, so that a text often goes on as its drafts say."""
    random = Random(4)
    return [
        [5, 6]
        + [
            token
            for _ in range(random.randint(3, 30))
            for token in (random.choice((2, 3, 4)), random.randint(8, 12), 13)
        ]
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "name", ["smollm3", *(pytest.param(name, marks=pytest.mark.slow) for name in MODELS if name != "smollm3")]
)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_same_tokens_as_by_the_librarys_modules(name: str, temperature: float) -> None:
    model, asked = made(name), prompts(20)
    assert written(model, [[5], [6]], 9, temperature, decoder(model))[0][0], "prompts of one token"
    plain = written(model, asked, 9, temperature, None)
    assert same(written(model, asked, 9, temperature, decoder(model)), plain)


@pytest.mark.parametrize(
    "name", ["smollm3", *(pytest.param(name, marks=pytest.mark.slow) for name in MODELS if name != "smollm3")]
)
@pytest.mark.parametrize("temperature", [0.0, pytest.param(1.0, marks=pytest.mark.slow)])
def test_drafts_change_how_many_steps_a_text_takes_and_not_the_text(name: str, temperature: float) -> None:
    model, by, asked = made(name), decoder(made(name)), listings(20) + prompts(4)
    steps: list[int] = []
    step = by.step
    by.step = lambda *given: steps.append(given[1].shape[1]) or step(*given)  # type: ignore[method-assign]
    drafted = written(model, asked, 9, temperature, by, BREAKS)
    assert same(drafted, written(model, asked, 9, temperature, None))
    assert {1, 1 + DRAFT} == set(steps), "without drafts where the prompt has no lines"


def test_a_trace_of_a_listing_takes_fewer_steps_than_it_has_tokens() -> None:
    path = models.resolve("nano").path
    model, tokenizer = load_model(path), load_tokenizer(path)
    by, steps = decoder(model), list[int]()
    step = by.step
    by.step = lambda *given: steps.append(1) or step(*given)  # type: ignore[func-returns-value,method-assign]
    problem = next(draw.stream("robot_walk", 3, "train", 1))
    asked = [conversation_ids(tokenizer, messages(problem))]
    ((ids, _, _),) = written(model, asked, 8, 0.0, by, line_breaks(tokenizer))
    assert len(ids) > 40 and len(steps) < 0.7 * len(ids)


@pytest.mark.slow
def test_nano_writes_the_same_tokens_as_by_the_librarys_modules() -> None:
    model = load_model(models.resolve("nano").path)
    attention.use(model)
    asked = [[*range(20, 20 + length)] for length in range(3, 100)]
    for temperature in (0.0, 0.8):
        lean, plain = (written(model, asked, 256, temperature, by) for by in (decoder(model), None))
        assert same(lean, plain)


@pytest.mark.skipif(not batch_invariant(), reason="this processor's products depend on the number of rows")
@pytest.mark.parametrize(
    ("lean", "breaks"),
    [(True, BREAKS), *(pytest.param(lean, frozenset(), marks=pytest.mark.slow) for lean in (True, False))],
)
def test_a_sample_is_the_same_to_the_bit_beside_any_others(lean: bool, breaks: frozenset[int]) -> None:
    model = made("smollm3")
    by = decoder(model) if lean else None
    asked = [*prompts(12), TEXT * 5, *listings(9), TEXT * 6 + [3], TEXT * 8, [2, 8, 13] * 200]
    together = written(model, asked, 100, 1.0, by, breaks)
    assert written(model, asked, 8, 1.0, by, breaks) == together
    assert written(model, asked[:18], 100, 1.0, by, breaks) == together[:18]
    assert written(model, asked[:1], 100, 1.0, by, breaks) == together[:1]


@torch.inference_mode()
def test_a_layer_with_a_window_holds_no_more_than_that() -> None:
    cache = decoder(made("smollm3")).new_cache(8)
    cache.fit(torch.tensor([1, 0, 640, 64, 65, 0, 0, 0]))
    assert [keys.shape for keys in cache.keys[::2]] == [(8, 2, 8, WINDOW)] * 2
    assert [len(pages) for pages in cache.pages] == [1, 0, 10, 1, 2, 0, 0, 0]
    assert all(len(keys) >= cache.used == 2 + 14 for keys in cache.keys[1::2])
    cache.release([0, 2])
    cache.keep(torch.tensor([1, 3, 4]))
    cache.fit(torch.tensor([0, 64, 65]))
    assert cache.used == 2 + 3, "the last pages move to where others were"


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

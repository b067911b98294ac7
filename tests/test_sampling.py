"""The sampler against `generate`, its chance, and its independence of the batch."""

from __future__ import annotations

from random import Random

import pytest
import torch
from transformers import GemmaConfig, GemmaForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from axiom_cli.errors import MissingError
from axiom_cli.sampling.engines import attention
from axiom_cli.sampling.engines.continuous_batching import Completion, Decoding, batch_invariant, finished
from axiom_cli.sampling.engines.token_sampling import invert, sample_tokens

SIZE = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
EOS = 1
MODELS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZE, eos_token_id=EOS)),
    "mistral with a sliding window": lambda: MistralForCausalLM(
        MistralConfig(**SIZE, eos_token_id=EOS, sliding_window=8)
    ),
    "gemma": lambda: GemmaForCausalLM(GemmaConfig(**SIZE, eos_token_id=EOS)),
}


@pytest.fixture(params=["llama", *(pytest.param(name, marks=pytest.mark.slow) for name in MODELS if name != "llama")])
def model(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    made = MODELS[request.param]().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(4)
    attention.use(made)
    return made


def prompts(count: int) -> list[list[int]]:
    random = Random(3)
    return [[random.randrange(2, 40) for _ in range(random.randint(1, 12))] for _ in range(count)]


def written(model: torch.nn.Module, asked: list[list[int]], uniforms: torch.Tensor, temperature: float, slots: int):
    rows = [Completion(prompt, numbers) for prompt, numbers in zip(asked, uniforms, strict=True)]
    ended = list(finished(model, rows, Decoding([EOS], temperature), slots))
    assert len(ended) == len(rows)
    return rows


ROOMS = [
    pytest.param(100, id="room for all", marks=pytest.mark.slow),
    pytest.param(9, id="room for some", marks=pytest.mark.slow),
    pytest.param(1, id="room for few"),
]


@pytest.mark.parametrize("model", MODELS, indirect=True)
@pytest.mark.parametrize("slots", ROOMS)
def test_greedy_is_what_generate_gives(model: torch.nn.Module, slots: int) -> None:
    asked = prompts(12)
    for prompt, row in zip(asked, written(model, asked, torch.zeros(12, 90), 0.0, slots), strict=True):
        ids = torch.tensor([prompt])
        wanted = model.generate(ids, max_new_tokens=90, do_sample=False, eos_token_id=EOS, pad_token_id=EOS)
        assert row.token_ids == wanted[0, len(prompt) :].tolist()
        assert row.finish == ("stop" if row.token_ids[-1] == EOS else "length")
        assert row.finish == "stop" or len(row.token_ids) == 90


def test_a_sample_does_not_depend_on_the_batch_and_its_logprob_is_the_models(model: torch.nn.Module) -> None:
    asked = [prompt for prompt in prompts(6) for _ in range(3)]
    uniforms = torch.rand(18, 80, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    together = written(model, asked, uniforms, 1.0, 100)
    assert [row.token_ids for row in written(model, asked, uniforms, 1.0, 9)] == [row.token_ids for row in together]
    for place, row in enumerate(together):
        (alone,) = written(model, asked[place : place + 1], uniforms[place : place + 1], 1.0, 100)
        assert alone.token_ids == row.token_ids
        with torch.no_grad():
            logits = model(torch.tensor([row.prompt + row.token_ids])).logits[0, len(row.prompt) - 1 : -1]
        wanted = logits.log_softmax(-1).gather(-1, torch.tensor(row.token_ids)[:, None]).sum()
        assert row.logprob == pytest.approx(float(wanted), abs=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.skipif(not batch_invariant(), reason="this processor's products depend on the number of rows")
def test_a_sample_is_the_same_to_the_bit_beside_any_others(model: torch.nn.Module, dtype: torch.dtype) -> None:
    model.to(dtype)
    asked = [prompt for prompt in prompts(10) for _ in range(3)]
    asked += [[*range(2, 40)] * 5]
    uniforms = torch.rand(31, 80, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def found(places: list[int], slots: int) -> dict[int, tuple[list[int], float]]:
        rows = written(model, [asked[at] for at in places], uniforms[places], 1.0, slots)
        return {at: (row.token_ids, row.logprob) for at, row in zip(places, rows, strict=True)}

    together = found([*range(31)], 1000)
    assert len({tuple(ids) for ids, _ in together.values()}) > 20
    assert found([*range(30, -1, -1)], 12) == found([*range(31)], 8) == together
    for at in (0, 7, 30):
        assert found([at], 1000) == {at: together[at]}


def test_copies_of_a_prompt_are_computed_once(model: torch.nn.Module) -> None:
    computed = []
    model.register_forward_pre_hook(lambda _, args, given: computed.append(given["input_ids"].shape), with_kwargs=True)
    written(model, [[5, 6, 7]] * 4 + [[8, 9]] * 4, torch.zeros(8, 3), 0.0, 100)
    assert [rows for rows, _ in computed] == [2, 8, 8, 8]


def test_tokens_come_as_often_as_their_probability() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0]])
    uniforms = (torch.arange(4000) + 0.5) / 4000
    for temperature in (1.0, 0.5):
        tokens, _ = sample_tokens(logits.expand(4000, -1), uniforms, Decoding([], temperature))
        shares = torch.bincount(tokens, minlength=4) / 4000
        assert torch.allclose(shares, (logits[0] / temperature).softmax(-1), atol=1e-3)


def test_ids_that_are_no_tokens_are_not_drawn() -> None:
    logits = torch.tensor([[0.0, 9.0, 0.0, 9.0]]).expand(400, -1)
    decoding = Decoding([], 1.0, unknown=[1, 3])
    tokens, logprobs = sample_tokens(logits, (torch.arange(400) + 0.5) / 400, decoding)
    assert torch.bincount(tokens).tolist() == [200, 0, 200]
    assert torch.allclose(logprobs, logits.log_softmax(-1)[:, 0])
    for unknown, best in (([1, 3], 2), (slice(3, None), 1), ([], 3)):
        logits = torch.tensor([[0.0, 8.0, 1.0, 9.0]])
        tokens, logprobs = sample_tokens(logits, torch.zeros(1), Decoding([], 0.0, unknown=unknown))
        assert tokens.tolist() == [best], "the largest logit of an id that is known"
        assert torch.allclose(logprobs, logits.log_softmax(-1)[:, best])


def test_top_p_keeps_the_smallest_set_and_greedy_the_largest() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    uniforms = (torch.arange(1000) + 0.5) / 1000
    tokens, _ = sample_tokens(logits.expand(1000, -1), uniforms, Decoding([], 1.0, 0.7))
    assert set(tokens.tolist()) == {0, 1}
    assert float((tokens == 0).float().mean()) == pytest.approx(0.5 / 0.8, abs=2e-3)
    assert sample_tokens(logits, torch.tensor([0.99]), Decoding([], 0.0))[0].tolist() == [0]
    assert sample_tokens(logits, torch.tensor([1 - 1e-9], dtype=torch.float64), Decoding([], 1.0))[0].tolist() == [3]


@pytest.mark.slow
def test_rows_begin_again_in_fewer_slots_where_memory_runs_out(model: torch.nn.Module) -> None:
    asked = prompts(40)
    uniforms = torch.rand(40, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    wanted = written(model, asked, uniforms, 1.0, 100)
    sizes = []

    def limited(_, args: tuple, given: dict) -> None:
        sizes.append(len(given["input_ids"]))
        if given["input_ids"].shape[1] == 1 and sizes[-1] > 16:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte")

    model.register_forward_pre_hook(limited, with_kwargs=True)
    found = written(model, asked, uniforms, 1.0, 100)
    assert [row.token_ids for row in found] == [row.token_ids for row in wanted]
    assert max(sizes) > 16 and sizes[-1] <= 16
    model.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("out of memory")))
    with pytest.raises(MissingError, match="memory ran out"):
        written(model, asked, uniforms, 1.0, 100)


def test_another_error_is_no_lack_of_memory(model: torch.nn.Module) -> None:
    model.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("shape mismatch")))
    with pytest.raises(RuntimeError, match="shape mismatch"):
        written(model, [[3, 4]], torch.zeros(1, 3), 0.0, 100)


@pytest.mark.parametrize("size", [1, 40, 2048, 2049, 5000])
def test_a_token_is_where_the_summed_weights_pass_its_number(size: int) -> None:
    generator = torch.Generator().manual_seed(size)
    weights = torch.rand(300, size, generator=generator) ** 8
    weights[:, 1::3] = 0
    numbers = torch.rand(300, dtype=torch.float64, generator=generator)
    numbers[:2] = torch.tensor([0.0, 1 - 2**-53])
    sums = weights.double().cumsum(-1)
    tokens = invert(weights, numbers)
    assert (weights[torch.arange(300), tokens] > 0).all()
    reached = sums.gather(-1, tokens[:, None]).squeeze(-1) / sums[:, -1]
    before = reached - weights[torch.arange(300), tokens] / sums[:, -1]
    assert ((before <= numbers + 1e-6) & (numbers <= reached + 1e-6)).all()

"""A sample is what the model's own library gives, whatever the model masks, carries along, or counts positions from."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, PretrainedConfig

import tiny
from axiom_cli.errors import InputError
from axiom_cli.learning.train import train
from axiom_cli.models.loading import load_tokenizer
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines.protocol import Request
from axiom_cli.sampling.engines.transformers import TransformersEngine
from axiom_cli.sampling.engines.value_function import ValueHead
from axiom_cli.sampling.token_ids import scored_ids
from axiom_cli.settings.configs import SolveConfig, TrainConfig
from axiom_cli.workspace.store import Workspace

SIZE = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 512,
}  # fmt: skip
LLAMA = {**SIZE, "intermediate_size": 48, "num_key_value_heads": 2}
WINDOW = {**LLAMA, "sliding_window": 16}
LONGROPE = {
    "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4, "long_factor": [2.0, 3.0, 4.0, 5.0],
    "original_max_position_embeddings": 64,
}  # fmt: skip
GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512}

Make = Callable[[], PretrainedConfig]
IN_SLOTS: dict[str, Make] = {
    "window on no layer": lambda: transformers.Qwen2Config(**WINDOW, use_sliding_window=True, max_window_layers=2),
    "window on every layer": lambda: transformers.MistralConfig(**WINDOW),
    "window on some layers": lambda: transformers.Gemma3TextConfig(**{**WINDOW, "num_hidden_layers": 7}, head_dim=8),
    "learned positions": lambda: transformers.GPT2Config(**GPT),
    "shared keys and values": lambda: transformers.Gemma3nTextConfig(
        **{**WINDOW, "num_hidden_layers": 4, "intermediate_size": 48}, head_dim=8, num_kv_shared_layers=2,
        hidden_size_per_layer_input=8, laurel_rank=8, activation_sparsity_pattern=[0.0] * 4,
    ),
}  # fmt: skip
PLAIN: dict[str, Make] = {
    "positions by the longest row": lambda: transformers.Phi3Config(
        **LLAMA, original_max_position_embeddings=64, rope_parameters=LONGROPE
    ),
    "ALiBi": lambda: transformers.BloomConfig(hidden_size=32, n_layer=2, n_head=4),
    "a state": lambda: transformers.MambaConfig(hidden_size=32, num_hidden_layers=2, state_size=8),
    "a mask of its own": lambda: transformers.GPTNeoConfig(
        hidden_size=32, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=32
    ),
    "chunks": lambda: transformers.Llama4TextConfig(
        **LLAMA, intermediate_size_mlp=48, num_local_experts=2, head_dim=8, attention_chunk_size=16
    ),
}
VALUED = {**IN_SLOTS, **PLAIN}
QUICK = ("window on no layer", "window on some layers", "positions by the longest row", "a state")
each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in {**IN_SLOTS, **PLAIN}]
)
GREEDY = SolveConfig(temperature=0, max_tokens=24)
LENGTHS = (1, 9, 70)


def write_model(folder: Path, config: PretrainedConfig, padding: int = 0, gain: float = 5) -> Path:
    """Random weights, `gain` times as large as usual, so that what is attended to shows in the logits; so many ids more
    than the tokenizer has."""
    tokenizer = tiny.tiny_tokenizer()
    config.vocab_size, config.eos_token_id, config.pad_token_id = len(tokenizer) + padding, tokenizer.eos_token_id, 0
    config.bos_token_id = None
    if hasattr(config, "vocab_size_per_layer_input"):
        config.vocab_size_per_layer_input = len(tokenizer)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(gain)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def asked(length: int) -> Request:
    said = (string.ascii_letters * 9)[:length]
    return Request(tiny.problem(length), messages=[{"role": "user", "content": said}])


def sampled(folder: Path, lengths: Sequence[int], params: SolveConfig, count: int = 1) -> list[list[Sample]]:
    return list(TransformersEngine(str(folder)).generate([asked(length) for length in lengths], params, count))


@each
def test_a_greedy_sample_is_what_the_library_generates(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = write_model(tmp_path / "model", {**IN_SLOTS, **PLAIN}[name]())
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), load_tokenizer(folder)
    for length, (sample,) in zip(LENGTHS, sampled(folder, LENGTHS, GREEDY), strict=True):
        ids = torch.tensor([prompts.conversation_ids(tokenizer, asked(length).messages or [])])
        whole = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=GREEDY.max_tokens)[0]
        assert sample.token_ids == whole[ids.shape[1] :].tolist()
    told = [line for line in capfd.readouterr().err.splitlines() if "sampled by the library's own generate" in line]
    assert len(told) == (name in PLAIN)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in PLAIN]
)
def test_on_the_slow_path_too_a_sample_is_drawn_by_its_own_numbers(name: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", PLAIN[name]())
    params = SolveConfig(temperature=1, max_tokens=12)
    together = sampled(folder, LENGTHS, params, 3)
    assert [sample.token_ids for (group,) in [sampled(folder, LENGTHS[:1], params, 3)] for sample in group] == [
        sample.token_ids for sample in together[0]
    ]
    assert len({tuple(sample.token_ids) for group in together for sample in group}) == 9
    assert all(
        sample.finish == ("stop" if sample.token_ids[-1] == 1 else "length")
        for (*group,) in together
        for sample in group
    )


both_paths = pytest.mark.parametrize("name", ["learned positions", "positions by the longest row"])


@both_paths
def test_logits_that_are_not_finite_make_the_sample_an_error(name: str, tmp_path: Path) -> None:
    """Weights that are finite, and overflow: such a model is not one that fails on every problem."""
    folder = write_model(tmp_path / "made", {**IN_SLOTS, **PLAIN}[name]())
    model = AutoModelForCausalLM.from_pretrained(folder)
    torch.nn.init.constant_(model.get_output_embeddings().weight, 3e38)
    model.save_pretrained(folder := tmp_path / "model")
    tiny.tiny_tokenizer().save_pretrained(folder)
    for params in (GREEDY, SolveConfig(temperature=1, max_tokens=24)):
        for (sample,) in sampled(folder, (1, 9), params):
            assert (sample.finish, sample.token_ids, sample.logprob) == ("error", [], None)
            assert sample.extra["error"].startswith("the model's logits are not finite")


def test_a_tokenizer_that_has_outgrown_its_model_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", PLAIN["a state"](), padding=-3)
    request = Request(tiny.problem(1), messages=[{"role": "user", "content": "a \f b"}])
    with pytest.raises(InputError, match="writes the id 104 in a prompt, and the model has only 102"):
        list(TransformersEngine(str(folder)).generate([request], GREEDY, 1))


@both_paths
def test_no_id_is_drawn_that_the_tokenizer_does_not_know(name: str, tmp_path: Path) -> None:
    """A vocabulary that is padded to twice its size."""
    known = len(tiny.tiny_tokenizer())
    folder = write_model(tmp_path / "model", {**IN_SLOTS, **PLAIN}[name](), padding=known, gain=1)
    for temperature, samples in ((0, 1), (1.5, 8)):
        groups = sampled(folder, (9, 30), SolveConfig(temperature=temperature, max_tokens=24), samples)
        assert max(max(sample.token_ids) for group in groups for sample in group) < known
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), load_tokenizer(folder)
    sample = groups[0][0]
    prompt = prompts.conversation_ids(tokenizer, asked(9).messages or [])
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*prompt, *sample.token_ids]])).logits[0, len(prompt) - 1 : -1]
    logprob = logits.log_softmax(-1).gather(1, torch.tensor(sample.token_ids)[:, None]).sum().item()
    assert sample.logprob == pytest.approx(logprob, abs=1e-3)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in VALUED]
)
def test_a_value_is_that_of_the_row_alone(name: str, tmp_path: Path) -> None:
    """A completion beyond the length from which positions are counted otherwise, beside short ones."""
    folder = write_model(tmp_path / "model", VALUED[name]())
    config = TrainConfig(objective="value", lora_r=4, epochs=1, force=True)
    verdicts = [tiny.verdict(one, "pass" if number % 2 else "fail") for number, one in enumerate(tiny.samples(10))]
    adapter = train(verdicts, str(folder), config, Workspace.create(tmp_path / ".axiom"))
    function = ValueHead(folder, Path(adapter.path))
    samples = [tiny.sample(tiny.problem(1), text, index) for index, text in enumerate(("1", "2 + 3", "so " * 40))]
    together = function.prefixes(samples)
    with torch.no_grad():
        for sample, values in zip(samples, together, strict=True):
            prompt, completion, _ = scored_ids(function.tokenizer, sample, function.ends, "", {})
            hidden = function.decoder(input_ids=torch.tensor([[*prompt, *completion]]), use_cache=False)[0][0]
            alone = function.head(hidden[len(prompt) :]).squeeze(-1).sigmoid().tolist()
            assert values == pytest.approx(alone, abs=1e-5)

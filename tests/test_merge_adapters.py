"""Every kind of adapter that peft writes is merged as peft itself merges it, or refused by name."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

import tiny
from axiom_cli.errors import InputError
from axiom_cli.learning.training.merge import merge
from axiom_cli.models import adapters, loading
from cases import slow_but

IDS = torch.tensor([[7, 8, 9, 10, 60, 61]])
EVERY_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("base"))


def written(base: Path, out: Path, seed: int = 0, **config: Any) -> Path:
    """An adapter as peft writes it, all its numbers random: nothing in it is without effect."""
    options = {"r": 4, "lora_alpha": 8, "target_modules": EVERY_LINEAR, "task_type": "CAUSAL_LM"} | config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(loading.load_model(base), LoraConfig(**options))
        randomness = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, p in model.named_parameters():
                if p.requires_grad:
                    noise = torch.randn(p.shape, generator=randomness) * 0.1
                    p.copy_(p + noise.abs() if "magnitude" in name else noise)
        model.save_pretrained(str(out))
    return out


def by_peft(base: Path, folder: Path) -> tuple[nn.Module, torch.Tensor]:
    """(the model that peft merges in float32, the logits of base + adapter before that)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(loading.load_model(base), str(folder)).eval()
        with torch.no_grad():
            logits = model(IDS).logits
        return model.merge_and_unload(), logits


def logits(folder: Path) -> torch.Tensor:
    with torch.no_grad():
        return loading.load_model(folder)(IDS).logits


KINDS: dict[str, dict[str, Any]] = {
    "lora": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "dora and rslora": {"use_dora": True, "use_rslora": True},
    "patterns": {
        "rank_pattern": {"q_proj": 2, r"layers\.1\.mlp\.up_proj": 7},
        "alpha_pattern": {"o_proj": 3, r"layers\.0\.self_attn\.q_proj": 32},
    },
    "rslora with patterns": {"use_rslora": True, "rank_pattern": {"v_proj": 1}, "alpha_pattern": {"v_proj": 5}},
    "whole layers": {"modules_to_save": ["norm"], "target_modules": ["q_proj"]},
    "some layers": {"layers_to_transform": [1], "target_modules": ["gate_proj"]},
    "gaussian": {"init_lora_weights": "gaussian"},
}


@pytest.mark.parametrize(
    "kind", slow_but({"lora", "dora and rslora", "rslora with patterns", "whole layers"}, KINDS.keys())
)
def test_each_kind_is_merged_as_peft_merges_it(kind: str, base: Path, tmp_path: Path) -> None:
    folder = written(base, tmp_path / "adapter", **KINDS[kind])
    certificate = merge(base, [folder], tmp_path / "m", "float32")
    theirs, together = by_peft(base, folder)
    ours = dict(loading.load_model(tmp_path / "m").named_parameters())
    for name, weight in theirs.named_parameters():
        assert torch.allclose(ours[name], weight, rtol=1e-6, atol=1e-7), name
    assert torch.allclose(logits(tmp_path / "m"), together, atol=2e-5)
    assert certificate.failures(1e-5) == [] and certificate.greedy_agreement == 1
    composed = loading.load_model(base)
    adapters.compose(composed, [folder])
    assert all(torch.equal(p, ours[name]) for name, p in composed.named_parameters()), "as a later round starts"


TIED = {
    "the embedding": {"target_modules": ["embed_tokens", "q_proj"]},
    "the head": {"target_modules": ["lm_head", "q_proj"]},
    "a whole embedding": {"modules_to_save": ["embed_tokens"], "target_modules": ["q_proj"]},
    "a whole head": {"modules_to_save": ["lm_head"], "target_modules": ["q_proj"]},
    "dora on the head": {"target_modules": ["lm_head"], "use_dora": True},
}


@pytest.mark.parametrize("kind", slow_but({"the embedding", "a whole head"}, TIED.keys()))
def test_what_shared_its_weights_is_parted_where_the_adapter_changes_one(kind: str, base: Path, tmp_path: Path) -> None:
    """peft's own merge would change the other one too; what counts is base + adapter."""
    folder = written(base, tmp_path / "adapter", **TIED[kind])
    certificate = merge(base, [folder], tmp_path / "m", "float32")
    _, together = by_peft(base, folder)
    assert torch.allclose(logits(tmp_path / "m"), together, atol=2e-5)
    assert certificate.failures(1e-5) == []
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["tie_word_embeddings"] is False and "lm_head.weight" in load_file(tmp_path / "m/model.safetensors")


def test_layers_that_stay_shared_stay_shared(base: Path, tmp_path: Path) -> None:
    merge(base, [written(base, tmp_path / "adapter")], tmp_path / "m", "float32")
    assert (tmp_path / "m/config.json").read_bytes() == (base / "config.json").read_bytes()
    assert "lm_head.weight" not in load_file(tmp_path / "m/model.safetensors")


def test_layers_that_lie_across_merge_as_peft_merges_them(tmp_path: Path) -> None:
    """GPT-2 holds its matrices as (in, out), and its hub files leave out the first part of every name."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = tiny.tiny_tokenizer()
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=256)
    base = tmp_path / "base"
    GPT2LMHeadModel(config).save_pretrained(base)
    tokenizer.save_pretrained(base)
    stored = load_file(base / "model.safetensors")
    short = {name.removeprefix("transformer."): value for name, value in stored.items()}
    save_file(short, base / "model.safetensors", metadata={"format": "pt"})
    for name, more in {"lora": {}, "dora": {"use_dora": True}, "bias": {"bias": "all"}}.items():
        targets = {"target_modules": ["c_attn", "c_proj", "c_fc"], "fan_in_fan_out": True}
        folder = written(base, tmp_path / name, **targets, **more)
        certificate = merge(base, [folder], tmp_path / f"{name}-merged", "float32")
        theirs, together = by_peft(base, folder)
        ours = dict(loading.load_model(tmp_path / f"{name}-merged").named_parameters())
        for key, weight in theirs.named_parameters():
            assert torch.allclose(ours[key], weight, rtol=1e-6, atol=1e-7), (name, key)
        assert torch.allclose(logits(tmp_path / f"{name}-merged"), together, atol=2e-5)
        assert certificate.failures(1e-5) == []


def test_a_chain_of_different_kinds_acts_as_each_was_trained(base: Path, tmp_path: Path) -> None:
    """DoRA on top of LoRA on top of rsLoRA: each sees the weights that those before it have made."""
    chain = [
        written(base, tmp_path / "one", 1, use_rslora=True),
        written(base, tmp_path / "two", 2),
        written(base, tmp_path / "three", 3, use_dora=True),
    ]
    certificate = merge(base, chain, tmp_path / "m", "float32")
    so_far = base
    for number, folder in enumerate(chain):
        model, _ = by_peft(so_far, folder)
        so_far = tmp_path / f"by-peft-{number}"
        model.save_pretrained(so_far)
    expected, found = (dict(loading.load_model(f).named_parameters()) for f in (so_far, tmp_path / "m"))
    assert all(torch.allclose(found[name], expected[name], rtol=1e-5, atol=1e-6) for name in expected)
    assert certificate.failures(1e-5) == []


def test_an_adapter_of_the_quantised_base_merges_into_the_plain_one(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised = loading.load_model(base, "4bit")
        model = get_peft_model(quantised, LoraConfig(r=2, target_modules=EVERY_LINEAR, task_type="CAUSAL_LM"))
        torch.manual_seed(0)
        with torch.no_grad():
            for p in model.parameters():
                if p.requires_grad:
                    p.copy_(torch.randn(p.shape) * 0.1)
        model.save_pretrained(str(tmp_path / "adapter"))
    merge(base, [tmp_path / "adapter"], tmp_path / "m", "float32")
    _, together = by_peft(base, tmp_path / "adapter")
    assert torch.allclose(logits(tmp_path / "m"), together, atol=2e-5)


REFUSED = {
    "lora_bias=True": {"lora_bias": True},
    "target_parameters": {"target_parameters": ["mlp.weight"]},
    "trainable_token_indices": {"trainable_token_indices": [1, 2]},
    "init_lora_weights=pissa": {"init_lora_weights": "pissa"},
    "layer_replication": {"layer_replication": [[0, 1]]},
    "some_new_thing=3": {"some_new_thing": 3},
    "VERA": {"peft_type": "VERA"},
}


@pytest.mark.parametrize("named", REFUSED)
def test_what_would_not_be_exact_is_refused_by_name(named: str, base: Path, tmp_path: Path) -> None:
    folder = written(base, tmp_path / "adapter")
    config = json.loads((folder / adapters.CONFIG).read_text())
    (folder / adapters.CONFIG).write_text(json.dumps(config | REFUSED[named]))
    with pytest.raises(InputError, match=named) as caught:
        merge(base, [folder], tmp_path / "m")
    assert caught.value.exit_code == 3 and "DoRA" in caught.value.hint
    assert not (tmp_path / "m").exists()


def test_an_unknown_part_of_a_layer_is_refused(base: Path, tmp_path: Path) -> None:
    folder = written(base, tmp_path / "adapter")
    weights = load_file(folder / adapters.WEIGHTS)
    name = next(iter(weights)).rpartition(".lora_")[0]
    save_file(weights | {f"{name}.lora_C.weight": torch.ones(2)}, folder / adapters.WEIGHTS)
    with pytest.raises(InputError, match="lora_C"):
        merge(base, [folder], tmp_path / "m")


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ranks=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    alpha=st.integers(1, 40),
    targets=st.sets(st.sampled_from(EVERY_LINEAR), min_size=1),
    shard=st.integers(2_000, 60_000),
    dtype=st.sampled_from(["float32", "bfloat16", "float16", "auto"]),
    stored=st.sampled_from(["float32", "bfloat16"]),
    seed=st.integers(0, 99),
)
def test_any_chain_over_any_shards_is_summed_in_float32_and_rounded_once(
    tmp_path_factory: pytest.TempPathFactory, ranks, alpha, targets, shard, dtype, stored, seed
) -> None:
    root = tmp_path_factory.mktemp("any")
    base = tiny.write_model(root / "whole", seed=seed, dtype=stored)
    model = loading.load_model(base, dtype=loading.stored_dtype(base))
    model.save_pretrained(base := root / "base", max_shard_size=shard)
    tiny.tiny_tokenizer().save_pretrained(base)
    state = {name: p.detach().float() for name, p in model.named_parameters()}
    chain = []
    for number, rank in enumerate(ranks):
        chain.append(written(base, root / f"a{number}", seed + number, r=rank, lora_alpha=alpha,
                             target_modules=sorted(targets)))  # fmt: skip
        weights = load_file(chain[-1] / adapters.WEIGHTS)
        for key in (key for key in weights if "lora_A" in key):
            name = key.removeprefix("base_model.model.").replace("lora_A.", "")
            state[name] = state[name] + (weights[key.replace("lora_A", "lora_B")] @ weights[key]) * (alpha / rank)
    certificate = merge(base, chain, root / "m", dtype)
    kind = getattr(torch, stored if dtype == "auto" else dtype)
    found = {}
    for file in (root / "m").glob("*.safetensors"):
        found |= load_file(file)
    assert found.keys() == state.keys()
    assert all(found[n].dtype == kind and torch.equal(found[n], state[n].to(kind)) for n in state)
    assert sorted(p.name for p in (root / "m").iterdir()) == sorted(p.name for p in base.iterdir())
    assert certificate.dtype == str(kind).removeprefix("torch.")
    assert loading.load_model(root / "m", dtype=kind).dtype == kind

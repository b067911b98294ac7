"""A merge is what was trained: in float32, from the original base, rounded once, proved from disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from axiom_cli.errors import InputError, UsageError
from axiom_cli.learning.training.certificate import Certificate
from axiom_cli.learning.training.merge import merge
from axiom_cli.learning.training.rows import encode
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.models import adapters, loading
from axiom_cli.settings.configs import TrainConfig

CONFIG = TrainConfig(lora_r=4, lora_alpha=8, epochs=2, lr=1e-2)


class Trained:
    """A base in bfloat16, and two rounds of adapters on it, the second one on top of the first."""

    def __init__(self, root: Path) -> None:
        self.base = tiny.write_model(root / "base", dtype="bfloat16")
        trainer = Trainer(self.base)
        samples = [tiny.sample(tiny.problem(i), f"Answer: {i % 7}") for i in range(40)]
        self.rows = encode([(s, 1.0) for s in samples], trainer.tokenizer, trainer.ends, 99).rows
        self.first, self.second = root / "first", root / "second"
        trainer.fit(self.rows, CONFIG, self.first)
        trainer.fit(self.rows, replace(CONFIG, seed=1), self.second, chain=[self.first])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("trained"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value.detach() for name, value in loading.load_model(folder).named_parameters()}


def wanted(trained: Trained, *chain: Path) -> dict[str, torch.Tensor]:
    """Base plus the adapters, in float32, summed here by hand."""
    state = weights(trained.base)
    for folder in chain:
        for name, delta in tiny.deltas(folder, loading.load_model(trained.base)).items():
            state[name] = state[name] + delta
    return state


def test_a_merge_in_float32_is_base_plus_adapter(trained: Trained, tmp_path: Path) -> None:
    certificate = merge(trained.base, [trained.first], tmp_path / "m", "float32")
    got, sum_ = weights(tmp_path / "m"), wanted(trained, trained.first)
    assert all(torch.equal(got[name], sum_[name]) for name in sum_)
    assert certificate.failures(1e-5) == []
    assert certificate.moved > 0.99
    assert certificate.cosine == pytest.approx(1)
    assert certificate.greedy_agreement == 1
    assert certificate.max_logit_difference < 1e-4


def test_a_chain_is_summed_from_the_original_base_and_rounded_once(trained: Trained, tmp_path: Path) -> None:
    certificate = merge(trained.base, [trained.first, trained.second], tmp_path / "m")
    got, sum_ = weights(tmp_path / "m"), wanted(trained, trained.first, trained.second)
    assert certificate.dtype == "bfloat16", "auto is the base's own type"
    assert all(torch.equal(got[name], sum_[name].bfloat16().float()) for name in sum_)
    merge(trained.base, [trained.first], tmp_path / "one")
    merge(tmp_path / "one", [trained.second], tmp_path / "chained")
    chained = weights(tmp_path / "chained")
    error = {way: sum(float((w[n] - sum_[n]).norm()) for n in sum_) for way, w in (("once", got), ("twice", chained))}
    assert error["once"] < error["twice"]


def test_a_second_round_starts_from_the_sum_of_the_first(trained: Trained, tmp_path: Path) -> None:
    """And so in a fresh process as in the one that trained the first."""
    fresh = Trainer(trained.base)
    fresh.fit(trained.rows, replace(CONFIG, seed=1), tmp_path / "second", chain=[trained.first])
    assert (tmp_path / "second" / adapters.WEIGHTS).read_bytes() == (trained.second / adapters.WEIGHTS).read_bytes()
    fresh.fit(trained.rows, CONFIG, tmp_path / "first")
    assert (tmp_path / "first" / adapters.WEIGHTS).read_bytes() == (trained.first / adapters.WEIGHTS).read_bytes()


def test_the_folder_is_a_plain_one_with_tokenizer_and_template(trained: Trained, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merge(trained.base, [trained.first], tmp_path / "m")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "m").dtype == torch.bfloat16
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    said = tokenizer.apply_chat_template([{"role": "user", "content": "1+1"}], tokenize=False)
    assert said == "<user>1+1<assistant>"
    assert not list((tmp_path / "m").glob("adapter*"))
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_equal_merges_are_equal_bytes(trained: Trained, tmp_path: Path) -> None:
    for name in "ab":
        merge(trained.base, [trained.first], tmp_path / name)
    a, b = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "ab")
    assert a == b


def shrunk(folder: Path, out: Path, factor: float) -> Path:
    """The same adapter with its change made smaller."""
    out.mkdir()
    config = json.loads((folder / adapters.CONFIG).read_text())
    (out / adapters.CONFIG).write_text(json.dumps(config | {"lora_alpha": config["lora_alpha"] * factor}))
    (out / adapters.WEIGHTS).write_bytes((folder / adapters.WEIGHTS).read_bytes())
    return out


def test_a_change_too_small_for_bfloat16_fails_its_certificate_and_passes_in_float32(
    trained: Trained, tmp_path: Path
) -> None:
    small = shrunk(trained.first, tmp_path / "small", 1e-4)
    lost = merge(trained.base, [small], tmp_path / "m")
    assert lost.moved < 0.5
    assert lost.relative_error > 0.5
    assert "effect" in lost.failures(0.02)[0]
    assert merge(trained.base, [small], tmp_path / "m32", "float32").failures(0.02) == []


def test_a_change_that_moves_no_weight_is_no_merge_of_it(trained: Trained, tmp_path: Path) -> None:
    """So small a change has no effect in float32 either, of which a share could be lost."""
    nothing = merge(trained.base, [shrunk(trained.first, tmp_path / "nothing", 1e-12)], tmp_path / "m")
    assert (nothing.moved, nothing.effect_error) == (0, 0)
    assert "no weight moved" in nothing.failures(0.02)[0]


def test_a_damaged_float32_merge_fails() -> None:
    good = Certificate("float32", 1.0, 1.0, 1e-7, 1e-5, 1.0, 1e-6)
    assert good.failures(0.02) == []
    assert "relative error" in replace(good, relative_error=0.03).failures(0.02)[0]
    assert "effect" in replace(good, effect_error=0.03).failures(0.02)[0]


def test_whole_weights_merge_too(trained: Trained, tmp_path: Path) -> None:
    Trainer(trained.base).fit(trained.rows, replace(CONFIG, method="full", lr=3e-3), tmp_path / "full")
    certificate = merge(trained.base, [tmp_path / "full"], tmp_path / "m", "bfloat16")
    full, got = weights(tmp_path / "full"), weights(tmp_path / "m")
    assert all(torch.equal(got[name], full[name].bfloat16().float()) for name in full)
    assert certificate.failures(0.02) == []
    on_top = wanted(trained)
    model = loading.load_model(trained.base)
    adapters.compose(model, [trained.second, tmp_path / "full"])
    state = dict(model.named_parameters())
    assert all(torch.equal(state[name], full[name]) for name in on_top), "whole weights replace what came before"


def test_what_does_not_fit_is_refused(trained: Trained, tmp_path: Path) -> None:
    other = tiny.write_model(tmp_path / "wide", hidden=48)
    with pytest.raises(InputError, match="shape"):
        merge(other, [trained.first], tmp_path / "m")
    with pytest.raises(UsageError, match="dtype"):
        merge(trained.base, [trained.first], tmp_path / "m", "int3")
    with pytest.raises(InputError, match="not a LoRA adapter"):
        merge(trained.base, [tmp_path], tmp_path / "m")
    assert not (tmp_path / "m").exists()

"""Models of other makes than nano's are trained as they are, and merged: GPT-2's weights that lie the other way round,
mixtures of experts, tensors that have other names in the files, contexts that are short."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import tiny
import zoo
from axiom_cli.errors import GateFailedError, InputError, NothingToDoError
from axiom_cli.learning.train import TrainingObserver, train
from axiom_cli.learning.training import lora
from axiom_cli.learning.training.batches import collate
from axiom_cli.learning.training.merge import merge
from axiom_cli.learning.training.scoring import proved_scorer
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace


def made(kind: str, folder: Path) -> Trainer:
    return Trainer(zoo.write_model(kind, folder / kind))


@pytest.mark.parametrize("rank", [4, 24, 64])
def test_fresh_lora_matrices_change_nothing_whichever_way_a_layers_weight_lies(rank: int, tmp_path: Path) -> None:
    trainer = made("gpt2", tmp_path)
    rows = tiny.rows(trainer, 3)
    bare = proved_scorer(trainer.model, rows, pytest.fail)[0](collate(rows))
    with lora.attached(trainer.model, TrainConfig(lora_r=rank)) as wrapped:
        fresh = proved_scorer(wrapped, rows, pytest.fail)[0](collate(rows))
    assert torch.allclose(fresh, bare, atol=1e-4)


def test_a_model_whose_rows_depend_on_those_beside_them_is_trained_row_by_row(tmp_path: Path) -> None:
    """RoPE whose factors are chosen by the longest position of the whole pass."""
    trainer = made("llama", tmp_path)
    (config := trainer.model.config).rope_parameters = {
        "rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0, "original_max_position_embeddings": 40,
    }  # fmt: skip
    config.max_position_embeddings = 40
    with torch.no_grad():
        weights = trainer.model.state_dict()
    model = type(trainer.model)(config).eval()
    model.load_state_dict(weights)
    rows = tiny.rows(trainer, 2)
    rows = [replace(rows[0], prompt_ids=rows[0].prompt_ids[:4]), replace(rows[1], prompt_ids=rows[1].prompt_ids * 8)]
    said: list[str] = []
    score, batched = proved_scorer(model, rows, said.append)
    assert not batched and "one by one" in said[0]
    ids = torch.tensor([rows[0].prompt_ids + rows[0].completion_ids])
    start = len(rows[0].prompt_ids)
    alone = model(ids).logits[0].log_softmax(-1)[start - 1 : -1].gather(1, ids[0, start:, None])[:, 0]
    assert torch.allclose(score(collate(rows))[: len(alone)], alone, atol=1e-4)


def test_logits_that_are_not_numbers_are_not_trained(tmp_path: Path) -> None:
    trainer = made("llama", tmp_path)
    trainer.model.get_output_embeddings().weight.data[0, 0] = torch.nan
    with pytest.raises(GateFailedError, match="NaN"):
        proved_scorer(trainer.model, tiny.rows(trainer, 2), pytest.fail)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_rows_beyond_the_models_context_are_left_out_and_counted(kind: str, tmp_path: Path) -> None:
    folder = zoo.write_model(kind, tmp_path / "model", max_position_embeddings=64)
    workspace, warned = Workspace.create(tmp_path / "ws"), []
    fitting = [tiny.verdict(tiny.sample(tiny.problem(i), "Answer: 1")) for i in range(20)]
    beyond = [tiny.verdict(tiny.sample(tiny.problem(i), "Answer: 1" * 9)) for i in range(20, 25)]
    config = TrainConfig(epochs=1, batch_size=8)
    observer = TrainingObserver(warn=warned.append)
    adapter = train([*fitting, *beyond], str(folder), config, workspace, observer=observer)
    assert (adapter.rows, adapter.metrics["too_long"]) == (20, 5)
    assert any("5 rows longer than 64 tokens are left out (the model's context)" in text for text in warned)
    with pytest.raises(NothingToDoError):
        train(beyond, str(folder), config, workspace)


@pytest.mark.parametrize("kind", ["gpt_neox", "mixtral"])
def test_a_model_whose_tensors_have_other_names_in_its_files_is_merged_under_these(kind: str, tmp_path: Path) -> None:
    folder = zoo.write_model(kind, tmp_path / kind)
    assert zoo.trains(folder, tmp_path / "adapter").startswith("yes")
    assert zoo.merges(folder, tmp_path / "adapter", tmp_path / "merged") == "yes"
    names = [set(safe_open(at / "model.safetensors", "pt").keys()) for at in (folder, tmp_path / "merged")]
    assert names[0] == names[1]


def test_whole_weights_of_a_mixture_are_merged(tmp_path: Path) -> None:
    trainer = made("mixtral", tmp_path)
    config = TrainConfig(epochs=2, batch_size=8, method="full", lr=1e-3)
    trainer.fit(tiny.rows(trainer, 8), config, tmp_path / "full")
    certificate = merge(tmp_path / "mixtral", [tmp_path / "full"], tmp_path / "merged")
    assert certificate.moved > 0.5 and not certificate.failures(1e-4)
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        assert torch.allclose(
            zoo.load_again(tmp_path / "merged")(ids).logits, zoo.load_again(tmp_path / "full")(ids).logits, atol=1e-4
        )


def test_what_an_adapter_leaves_out_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    trainer = made("mixtral", tmp_path)
    trainer.fit(tiny.rows(trainer, 8), TrainConfig(epochs=1), tmp_path / "adapter", warn=said.append)
    assert any("experts.gate_up_proj" in text and "%" in text for text in said)
    said.clear()
    trainer = made("llama", tmp_path)
    trainer.fit(tiny.rows(trainer, 8), TrainConfig(epochs=1), tmp_path / "other", warn=said.append)
    assert said == []


def test_quantised_weights_are_refused_before_they_are_trained(tmp_path: Path) -> None:
    folder = zoo.write_model("llama", tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    quantised = {"quantization_config": {"quant_method": "fp8"}}
    (folder / "config.json").write_text(json.dumps(config | quantised))
    rows = [tiny.verdict(one) for one in tiny.samples(20)]
    with pytest.raises(InputError, match="quantised") as caught:
        train(rows, str(folder), TrainConfig(), Workspace.create(tmp_path / "ws"))
    assert "16- or 32-bit" in caught.value.hint

"""A base with an adapter beside it is what peft makes of them; an adapter that is not whole is refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

import tiny
from axiom_cli import models
from axiom_cli.errors import AxiomError, InputError, MissingError
from axiom_cli.learning.training.merge import merge
from axiom_cli.models import loading
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.workspace.store import Workspace
from command_line import axiom, rows, talk
from model_copy import cut, edit, loaded, logits, weights, writable_copy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return writable_copy(tmp_path / "model")


def adapter(base: str | Path, out: Path, path: Path) -> Path:
    """An adapter as peft writes it, of the model in `path` called `base`."""
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    torch.manual_seed(1)
    wrapped = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    wrapped.save_pretrained(str(out))
    edit(out / "adapter_config.json", base_model_name_or_path=str(base))
    return out


def by_peft(path: Path, folder: Path) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    return logits(PeftModel.from_pretrained(model, str(folder)).eval())


def test_an_adapters_files_beside_a_model_are_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = logits(loaded(folder)[0])
    beside = adapter(folder, folder.parent / "adapter", WEIGHTS)
    for path in beside.glob("adapter_*"):
        shutil.copy(path, folder)
    assert torch.equal(logits(loaded(folder)[0]), plain)
    assert "the model alone is used" in capsys.readouterr().err
    asked = loaded(f"{folder}+{folder}")[0]
    assert torch.allclose(logits(asked), by_peft(WEIGHTS, beside), atol=1e-4)


def test_base_plus_adapter_and_an_adapters_folder_are_what_peft_makes_of_them(tmp_path: Path) -> None:
    folder = adapter("nano", tmp_path / "my+adapter", WEIGHTS)
    expected = by_peft(WEIGHTS, folder)
    found = {name: models.resolve(name) for name in (str(folder), f"nano+{folder}")}
    for model in found.values():
        assert torch.allclose(logits(loading.load_for_sampling(model)[0]), expected, atol=1e-4)
        assert models.resolve(model.name) == model, "the name that records keep leads there again"
    digests = {model.digest for model in found.values()}
    assert len(digests) == 1
    weights(folder, lambda tensors: next(iter(tensors.values())).mul_(2), "adapter_model.safetensors")
    digests.add(models.resolve(str(folder)).digest)
    other = tiny.write_model(tmp_path / "other")
    edit(folder / "adapter_config.json", base_model_name_or_path=str(other))
    digests.add(models.resolve(str(folder)).digest)
    assert len(digests) == 3, "both the base and the adapter count"
    with pytest.raises(InputError, match="which this base does not have"):
        loaded(folder)


@pytest.mark.parametrize(
    ("change", "said", "kind"),
    [
        (lambda f: (f / "adapter_model.safetensors").unlink(), "has no adapter_model.safetensors", InputError),
        (cut("adapter_model.safetensors", 3000), "adapter_model.safetensors is cut off", InputError),
        (cut("adapter_config.json", 30), "adapter_config.json is damaged", InputError),
        (lambda f: edit(f / "adapter_config.json", base_model_name_or_path=None), "does not name its base", InputError),
        (
            lambda f: save_file({}, f / "adapter_model.safetensors"),
            "adapter_model.safetensors holds no tensors",
            InputError,
        ),
        (lambda f: edit(f / "adapter_config.json", base_model_name_or_path=str(f)), "leads back to", InputError),
        (
            lambda f: edit(f / "adapter_config.json", lora_alpha="x"),
            "adapter_config.json is damaged: its lora",
            InputError,
        ),
        (lambda f: edit(f / "adapter_config.json", alpha_pattern={"(": 4}), "its alpha_pattern is not", InputError),
        (
            lambda f: weights(
                f, lambda t: t.update({n: w.flatten() for n, w in t.items()}), "adapter_model.safetensors"
            ),
            "does not hold a pair of matrices",
            InputError,
        ),
        (
            lambda f: edit(f / "adapter_config.json", base_model_name_or_path="gone"),
            "base of the adapter",
            MissingError,
        ),
    ],
    ids=["no weights", "cut", "config cut", "no base", "no tensors", "its own base"]
    + ["no scale", "no pattern", "no matrices", "base gone"],
)
def test_an_adapter_that_is_not_whole_is_refused(
    tmp_path: Path, change: Callable[[Path], object], said: str, kind: type[AxiomError]
) -> None:
    folder = adapter("nano", tmp_path / "adapter", WEIGHTS)
    change(folder)
    with pytest.raises(kind, match=said):
        loaded(folder)


@pytest.mark.slow
def test_what_is_trained_on_base_and_adapter_is_merged_with_both(tmp_path: Path) -> None:
    name = f"nano+{adapter('nano', tmp_path / 'adapter', WEIGHTS)}"
    axiom("problems", "gen", "rpn", "--count", "25", "-o", "p.jsonl", cwd=tmp_path)
    axiom("coldstart", "p.jsonl", "-o", "rows.jsonl", cwd=tmp_path)
    done = axiom("train", "rows.jsonl", "--model", name, "--epochs", "1", "-o", "a.json", cwd=tmp_path)
    assert done.returncode == 0, talk(done)
    trained = json.loads((tmp_path / "a.json").read_text())
    assert trained["base"] == {"name": name, "digest": models.resolve(name).digest}
    [merged] = rows(axiom("merge", "a.json", cwd=tmp_path).stdout)
    model = loading.load_model(models.resolve(name))
    together = logits(PeftModel.from_pretrained(model, trained["path"]).eval())
    assert torch.allclose(logits(loading.load_model(Path(merged["path"]))), together, atol=1e-3)
    assert not torch.allclose(together, by_peft(WEIGHTS, tmp_path / "adapter"), atol=1e-4)


@pytest.mark.slow
def test_a_head_of_its_own_where_the_config_ties_it_stays_its_own(folder: Path, tmp_path: Path) -> None:
    weights(folder, lambda tensors: tensors.update({"lm_head.weight": torch.randn(720, 96)}))
    beside = adapter(folder, tmp_path / "adapter", folder)
    assert merge(folder, [beside], tmp_path / "merged").greedy_agreement == 1
    assert torch.allclose(logits(loading.load_model(tmp_path / "merged")), by_peft(folder, beside), atol=1e-3)
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["tie_word_embeddings"] is False


def test_a_base_with_what_is_not_an_adapter_is_not_a_model(folder: Path, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w")
    with pytest.raises(MissingError, match="BASE.ADAPTER"):
        models.resolve(f"nano+{folder.name}", workspace)

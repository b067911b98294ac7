"""The model that is loaded is the one in the files: whole, checked, nothing added and nothing made up. Or it is refused
in one line that names the file."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, BertConfig, BertLMHeadModel, DeepseekV3Config

from axiom_cli import installation, models
from axiom_cli.errors import InputError, MissingError
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.workspace.store import Workspace
from cases import slow_but
from command_line import axiom, environment, failed
from model_copy import cut, edit, loaded, weights, writable_copy

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 4188544\n"
RESOLVE = """
import sys
from axiom_cli import models
from axiom_cli.workspace.store import Workspace
print(models.resolve(sys.argv[1], Workspace.open(sys.argv[2])).digest)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return writable_copy(tmp_path / "model")


def of_another_kind(folder: Path) -> None:
    data = json.loads((folder / "tokenizer.json").read_text())
    data["model"]["type"] = "NextYearsBPE"
    (folder / "tokenizer.json").write_text(json.dumps(data))


def without_words(folder: Path) -> None:
    data = json.loads((folder / "tokenizer.json").read_text())
    data["model"] |= {"vocab": {}, "merges": []}
    (folder / "tokenizer.json").write_text(json.dumps(data | {"added_tokens": []}))


def retyped(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes().replace(b'"dtype":"F32"', b'"dtype":"F99"', 1))


def gap(folder: Path) -> None:
    """Two tensors' places overlap, as no library writes them."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["model.norm.weight"]["data_offsets"] = header["model.layers.0.input_layernorm.weight"]["data_offsets"]
    path.write_bytes(data[:8] + json.dumps(header, separators=(",", ":")).encode().ljust(length) + data[8 + length :])


def without_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (folder / name).unlink()


def sharded(folder: Path) -> list[Path]:
    (folder / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(WEIGHTS).save_pretrained(folder, max_shard_size="400KB")
    return sorted(folder.glob("model-*.safetensors"))


def with_index(folder: Path, change: Callable[[str], str]) -> None:
    sharded(folder)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"] = {name: change(file) for name, file in index["weight_map"].items()}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def layered(folder: Path, count: int) -> None:
    """As many layers, half of them with a window."""
    kinds = ["sliding_attention", "full_attention"] * (count // 2)
    edit(folder / "config.json", num_hidden_layers=count, layer_types=kinds, no_rope_layers=[1, 0] * (count // 2))


def prefixed(tensors: dict[str, torch.Tensor]) -> None:
    for name in list(tensors):
        tensors[f"base_model.model.{name}"] = tensors.pop(name)


def first_is(number: float) -> Callable[[Path], None]:
    return lambda folder: weights(folder, lambda tensors: tensors["model.norm.weight"].fill_(number))


def quantised(folder: Path) -> None:
    edit(folder / "config.json", quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})


LAST = "model.layers.3.mlp.down_proj.weight"
BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pointer": (lambda f: (f / "model.safetensors").write_text(LFS), "model.safetensors is a Git LFS pointer"),
    "a tokenizer's pointer": (lambda f: (f / "tokenizer.json").write_text(LFS), "tokenizer.json is a Git LFS pointer"),
    "weights cut": (cut("model.safetensors", 1_000_000), "model.safetensors is cut off"),
    "header cut": (cut("model.safetensors", 1000), "model.safetensors is cut off"),
    "empty": (cut("model.safetensors", 0), "model.safetensors is damaged or is not a safetensors file"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing"),
    "config cut": (cut("config.json", 1), "config.json is damaged"),
    "config a list": (lambda f: (f / "config.json").write_text("[]"), "config.json is damaged"),
    "tokenizer cut": (cut("tokenizer.json", 9000), "tokenizer.json is damaged"),
    "template's file cut": (cut("tokenizer_config.json", 20), "tokenizer_config.json is damaged"),
    "new tokenizer": (of_another_kind, "tokenizer.json cannot be loaded"),
    "no tokenizer": (without_tokenizer, "has no tokenizer"),
    "new architecture": (lambda f: edit(f / "config.json", model_type="next_year"), "cannot be loaded"),
    "no architecture": (lambda f: edit(f / "config.json", model_type=""), "config.json names no model_type"),
    "other sizes": (lambda f: edit(f / "config.json", intermediate_size=512), "mlp.down_proj.weight has the shape"),
    "fewer layers": (lambda f: layered(f, 2), "weights that its architecture does not"),
    "more layers": (lambda f: layered(f, 6), "does not hold all weights"),
    "no head": (lambda f: edit(f / "config.json", tie_word_embeddings=False), "lm_head.weight missing"),
    "a layer lost": (lambda f: weights(f, lambda t: t.pop(LAST)), f"{LAST} missing"),
    "a wrapper's names": (lambda f: weights(f, prefixed), "does not hold all weights: lm_head"),
    "a tensor more": (lambda f: weights(f, lambda t: t.update(x=torch.ones(1))), "does not have: x left over"),
    "not a number": (first_is(math.nan), "not numbers: model.norm.weight"),
    "infinite": (first_is(-math.inf), "not numbers: model.norm.weight"),
    "a shard lost": (lambda f: sharded(f)[2].unlink(), "model-00003-of-00005.safetensors is missing"),
    "a shard cut": (lambda f: os.truncate(sharded(f)[1], 200_000), "is cut off"),
    "index without a map": (lambda f: with_index(f, lambda file: ""), "index.json"),
    "weights elsewhere": (lambda f: with_index(f, lambda file: f"../other/{file}"), "outside its folder"),
    "weights at a path": (lambda f: with_index(f, lambda file: f"/tmp/{file}"), "outside its folder"),
    "weights by name": (
        lambda f: edit(f / "config.json", transformers_weights="x.safetensors"),
        "transformers_weights",
    ),
    "said to be quantised": (quantised, "config.json says that the weights are quantised"),
    "sees what follows": (lambda f: edit(f / "config.json", use_bidirectional_attention=True), "not a causal"),
    "a tokenizer without words": (without_words, "no tokens for ordinary text"),
    "a tokenizer of nothing": (lambda f: (f / "tokenizer.json").write_text("{}"), "tokenizer.json cannot be loaded"),
    "numbers of no type": (retyped, "model.safetensors cannot be loaded"),
    "no heads": (lambda f: edit(f / "config.json", num_attention_heads=0), "config.json: num_attention_heads is 0"),
    "many layers": (lambda f: edit(f / "config.json", num_hidden_layers="many"), "num_hidden_layers is 'many'"),
    "less than no words": (lambda f: edit(f / "config.json", vocab_size=-5), "config.json: vocab_size is -5"),
    "no place": (lambda f: edit(f / "config.json", max_position_embeddings=-1), "max_position_embeddings is -1"),
    "no part": (lambda f: edit(f / "config.json", text_config=5), "config.json: text_config is 5"),
    "a small number": (lambda f: edit(f / "config.json", rms_norm_eps="small"), "config.json cannot be loaded: Field"),
    "an act": (lambda f: edit(f / "config.json", hidden_act="sillu"), "config.json cannot be loaded: hidden_act is 's"),
    "a type": (lambda f: edit(f / "config.json", dtype="float33"), "config.json cannot be loaded: dtype is 'float33'"),
    "odd rope": (
        lambda f: edit(f / "config.json", rope_parameters={"rope_type": "foo", "rope_theta": 1e4}),
        "config.json cannot be loaded: rope_type is 'foo'",
    ),
    "a magic quantiser": (
        lambda f: edit(f / "config.json", quantization_config={"quant_method": "magic"}),
        "quantised by magic",
    ),
    "an end in words": (
        lambda f: edit(f / "generation_config.json", eos_token_id="x"),
        "generation_config.json: eos_token_id is 'x'",
    ),
    "a padding of no side": (
        lambda f: edit(f / "tokenizer_config.json", padding_side="up"),
        "tokenizer_config.json cannot be loaded",
    ),
    "numbers with a gap": (gap, "model.safetensors is damaged: the bytes of"),
    "a model of pictures": (lambda f: edit(f / "config.json", model_type="vit"), "not a causal language model"),
    "two halves": (lambda f: edit(f / "config.json", is_encoder_decoder=True), "not a causal language model"),
}
QUICK = {"a pointer", "weights cut", "new tokenizer", "other sizes", "a layer lost", "a tensor more", "not a number"}


@pytest.mark.parametrize("name", slow_but(QUICK, list(BROKEN)))
def test_a_folder_that_is_not_a_whole_model_is_refused_by_name(
    folder: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    damage, said = BROKEN[name]
    damage(folder)
    with pytest.raises(InputError) as raised:
        loaded(folder)
    assert said in str(raised.value), str(raised.value)
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.hint
    assert "LOAD REPORT" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "name",
    slow_but(
        {"generation_config.json"},
        ["generation_config.json", "config.json", "tokenizer_config.json", "tokenizer.json", "chat_template.jinja"]
        + ["model.safetensors", "adapter_config.json", "m.gguf"],
    ),
)
def test_what_is_not_a_file_is_neither_waited_for_nor_left_out(folder: Path, name: str) -> None:
    """A pipe keeps its reader waiting; a device never ends."""
    path = folder / name
    for make, what in (
        (lambda: os.mkfifo(path), "is not a regular file"),
        (lambda: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda: path.symlink_to(folder / "gone"), "is a link to a file that is missing"),
    ):
        path.unlink(missing_ok=True)
        make()
        with pytest.raises(InputError, match=f"{name} {what}"):
            models.resolve(str(path if name == "m.gguf" else folder))


def test_every_command_says_so_before_it_works(folder: Path, tmp_path: Path) -> None:
    weights(folder, lambda tensors: tensors.pop(LAST))
    axiom("problems", "gen", "rpn", "--count", "25", "-o", "p.jsonl", cwd=tmp_path)
    axiom("coldstart", "p.jsonl", "-o", "rows.jsonl", cwd=tmp_path)
    for words in (("solve", "p.jsonl"), ("train", "rows.jsonl"), ("loop", "--train-size", "4")):
        done = axiom(*words, "--model", str(folder), cwd=tmp_path)
        failed(done, 3, f"{LAST} missing")
        assert not done.stdout


@pytest.mark.slow
def test_numbers_beside_the_parameters_are_looked_at_too(folder: Path) -> None:
    config = DeepseekV3Config(
        vocab_size=480, hidden_size=16, num_hidden_layers=1, first_k_dense_replace=0, num_attention_heads=2,
        num_key_value_heads=2, moe_intermediate_size=16, n_routed_experts=8, n_group=2, topk_group=1,
        num_experts_per_tok=2, kv_lora_rank=8, q_lora_rank=8, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=8,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    loaded(folder)
    name = "model.layers.0.mlp.gate.e_score_correction_bias"
    weights(folder, lambda tensors: tensors[name].fill_(math.nan))
    with pytest.raises(InputError, match=f"not numbers: {name}"):
        loaded(folder)


def test_quantised_weights_need_their_package(folder: Path) -> None:
    edit(folder / "config.json", quantization_config={"quant_method": "vptq"})
    with pytest.raises(MissingError) as raised:
        models.resolve(str(folder))
    assert raised.value.hint == installation.package("vptq")


def test_an_encoder_is_not_a_language_model_and_a_decoder_of_that_kind_is(folder: Path) -> None:
    size = {"vocab_size": 480, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    for is_decoder in (False, True):
        config = BertConfig(**size, intermediate_size=64, is_decoder=is_decoder)
        BertLMHeadModel(config).save_pretrained(folder)
        if is_decoder:
            loaded(folder)
            continue
        with pytest.raises(InputError, match="bert is not a causal language model"):
            loaded(folder)


def test_masks_that_older_libraries_stored_are_not_weights(folder: Path, tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    (folder / "model.safetensors").unlink()
    config = GPT2Config(vocab_size=480, n_embd=32, n_layer=1, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    weights(folder, lambda tensors: tensors.update({"transformer.h.0.attn.bias": torch.ones(1, 1, 64, 64)}))
    loaded(folder)
    weights(folder, lambda tensors: tensors.update({"transformer.h.0.attn.other": torch.ones(1)}))
    with pytest.raises(InputError, match="attn.other left over"):
        loaded(folder)


def test_the_digest_is_of_the_files_that_are_loaded(folder: Path) -> None:
    before = models.resolve(str(folder)).digest
    assert before == models.resolve("nano").digest
    (folder / "README.md").write_text("# A model")
    (folder / "training_args.bin").write_bytes(b"x")
    (folder / "checkpoint-5").mkdir()
    shutil.copy(folder / "model.safetensors", folder / "checkpoint-5")
    (folder / "adapter_config.json").write_text("{}")
    assert models.resolve(str(folder)).digest == before
    digests = {before}
    for name in ("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"):
        (folder / name).write_text((folder / name).read_text() + " ")
        digests.add(models.resolve(str(folder)).digest)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    digests.add(models.resolve(str(folder)).digest)
    weights(folder, lambda tensors: tensors["model.norm.weight"].mul_(2))
    digests.add(models.resolve(str(folder)).digest)
    assert len(digests) == 7


def test_a_change_shows_in_the_digest_whatever_the_files_times_say(folder: Path, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    before = models.resolve(str(folder), workspace).digest
    assert models.resolve(str(folder), workspace).digest == before
    path, times = folder / "model.safetensors", (folder / "model.safetensors").stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = models.resolve(str(folder), workspace).digest
    assert after != before
    words = [sys.executable, "-c", RESOLVE, str(folder), str(workspace.root)]
    for kept in (True, False):
        if not kept:
            (workspace.root / "stamps" / "models.json").write_text("{")
        done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
        assert done.stdout.strip() == after


def test_a_name_that_no_file_can_have_is_not_a_model() -> None:
    with pytest.raises(MissingError, match="no model called 'xxx"):
        models.resolve("x" * 5000)


def test_a_gguf_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_text(LFS)
    with pytest.raises(InputError, match=r"m.gguf is a Git LFS pointer"):
        models.resolve(str(tmp_path / "m.gguf"))
    (tmp_path / "m.gguf").write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"m.gguf is not a GGUF file"):
        models.resolve(str(tmp_path / "m.gguf"))
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(50))
    with pytest.raises((InputError, MissingError), match=r"m.gguf"):
        loaded(tmp_path / "m.gguf")


@pytest.mark.slow
def test_rows_beyond_the_models_context_need_another_model(folder: Path, tmp_path: Path) -> None:
    edit(folder / "config.json", max_position_embeddings=16)
    axiom("problems", "gen", "rpn", "--count", "25", "-o", "p.jsonl", cwd=tmp_path)
    axiom("coldstart", "p.jsonl", "-o", "rows.jsonl", cwd=tmp_path)
    for more in ([], ["--show", "1"]):
        done = axiom("train", "rows.jsonl", "--model", str(folder), *more, cwd=tmp_path)
        failed(done, 5, "choose a model with a longer context")
        assert b"raise --max-length" not in done.stderr

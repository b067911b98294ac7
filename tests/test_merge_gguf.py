"""A merged model as one .gguf file: the same logits and tokens when it is read back, or a refusal that says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

import small_llama
import tiny
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.learning.merge import merge
from axiom_cli.learning.train import train
from axiom_cli.learning.training.gguf_file import vocabulary, write
from axiom_cli.learning.training.tokenizer_split import SPLITS
from axiom_cli.models import loading
from axiom_cli.settings.configs import MergeConfig, TrainConfig
from axiom_cli.workspace.store import Workspace

gguf = pytest.importorskip("gguf")
TEXT = "Evaluate 12 + 345 !\n  déjà vu<user> it's\tso"
SHAPE = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
ROPE = {"rope_type": "default", "rope_theta": 5e5}
QWEN2 = next(pattern for pattern, name in SPLITS.items() if name == "qwen2")
CUTS = {
    "gpt-2": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
    "qwen2": pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    ),
}


def tokenizer(cut: str = "gpt-2") -> PreTrainedTokenizerFast:
    """A byte-level BPE with a few merges, a token for the end, and two for the chat."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer, raw.decoder = CUTS[cut], decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=alphabet, special_tokens=["<eos>", "<user>"], show_progress=False
    )
    raw.train_from_iterator([TEXT, "Evaluate Answer: 12"] * 3, trainer)
    found = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<eos>", pad_token="<eos>")
    found.chat_template = tiny.TEMPLATE
    return found


def model(folder: Path, kind: str = "llama", dtype: str = "float32", cut: str = "gpt-2", **more) -> Path:
    from transformers import AutoConfig

    spoken = tokenizer(cut)
    options = {"num_key_value_heads": 2, "eos_token_id": 0, "pad_token_id": 0, **SHAPE, **more}
    config = AutoConfig.for_model(kind, vocab_size=len(spoken) + 5, **options)
    torch.manual_seed(0)
    made = AutoModelForCausalLM.from_config(config)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    made.to(getattr(torch, dtype)).save_pretrained(folder)
    spoken.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "dtype", "more"),
    [
        ("llama", "float32", {"tie_word_embeddings": True}),
        ("llama", "bfloat16", {"tie_word_embeddings": False, "rope_parameters": ROPE}),
        ("llama", "float16", {"num_key_value_heads": 4, "head_dim": 32}),
        ("mistral", "bfloat16", {"sliding_window": None}),
        ("qwen2", "float32", {"tie_word_embeddings": True}),
        ("qwen3", "bfloat16", {"head_dim": 128}),
    ],
)  # fmt: skip
def test_the_file_gives_the_same_logits(kind: str, dtype: str, more: dict, tmp_path: Path) -> None:
    folder = model(tmp_path / "m", kind, dtype, **more)
    write(folder, tmp_path / "m.gguf")
    ids = torch.arange(40)[None] * 7 % 290
    with torch.no_grad():
        theirs, ours = (loading.load_model(path)(ids).logits for path in (folder, tmp_path / "m.gguf"))
    assert torch.equal(theirs, ours)
    assert theirs.std() > 0.1
    matrices = {t.tensor_type.name for t in gguf.GGUFReader(tmp_path / "m.gguf").tensors if len(t.shape) > 1}
    assert matrices == {{"float32": "F32", "bfloat16": "BF16", "float16": "F16"}[dtype]}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "m.gguf"]


@pytest.mark.parametrize("cut", CUTS)
def test_the_tokenizer_comes_along(cut: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "m", cut=cut)
    write(folder, tmp_path / "m.gguf")
    fields = gguf.GGUFReader(tmp_path / "m.gguf").fields
    assert fields["tokenizer.ggml.pre"].contents() == cut
    ours = tokenizer(cut)
    tokens, types = (fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "token_type"))
    assert tokens[: len(ours)] == ours.convert_ids_to_tokens(list(range(len(ours))))
    assert (types[0], types[1], types[20], types[-1], len(types)) == (3, 3, 1, 5, len(ours) + 5)
    assert fields["tokenizer.chat_template"].contents() == tiny.TEMPLATE
    if cut == "gpt-2":  # the one that transformers, too, can tell from the file
        read = loading.load_tokenizer(tmp_path / "m.gguf")
        assert read(TEXT)["input_ids"] == ours(TEXT)["input_ids"]
        assert (read.eos_token, read.chat_template) == ("<eos>", tiny.TEMPLATE)


REFUSED = {
    "gpt_neox": {"kind": "gpt_neox"},
    "rope_type linear": {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
    "a mistral model with a sliding window": {"kind": "mistral", "sliding_window": 16},
    "a smollm3 model with a sliding window": {"kind": "smollm3", "sliding_window": 16, "use_sliding_window": True},
    "a smollm3 model (": {"kind": "smollm3"},
    "hidden_act gelu": {"hidden_act": "gelu"},
}


@pytest.mark.parametrize("named", REFUSED)
def test_what_llama_cpp_would_read_otherwise_is_refused(named: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "m", **REFUSED[named])
    with pytest.raises(InputError, match=re.escape(named)) as caught:
        write(folder, tmp_path / "m.gguf")
    assert caught.value.hint and [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_tokenizer_that_cuts_text_its_own_way_is_refused(tmp_path: Path) -> None:
    pairs = pre_tokenizers.Split(Regex(r"[\s\S]{2}"), "isolated")
    CUTS["pairs"] = pre_tokenizers.Sequence([pairs, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    folder = model(tmp_path / "m", cut="pairs")
    with pytest.raises(InputError, match="tokenizer") as caught:
        vocabulary(folder, 305)
    assert "convert_hf_to_gguf.py" in caught.value.hint


def test_a_tokenizer_of_its_own_has_the_name_of_one_that_makes_the_same_tokens(tmp_path: Path) -> None:
    """It cuts at every sign; no merge of its crosses the places where the one called bloom does not cut."""
    assert vocabulary(small_llama.write_model(tmp_path / "m"), 480).split == "bloom"


@pytest.mark.parametrize(("dtype", "kinds"), [("float16", {"F16"}), ("q8_0", {"Q8_0"}), ("bfloat16", {"BF16"})])
def test_weights_are_written_in_another_type(dtype: str, kinds: set[str], tmp_path: Path) -> None:
    folder = model(tmp_path / "m", "qwen2", tie_word_embeddings=True)
    write(folder, tmp_path / "m.gguf", dtype)
    tensors = gguf.GGUFReader(tmp_path / "m.gguf").tensors
    assert {t.tensor_type.name for t in tensors if len(t.shape) > 1} == kinds
    assert {t.tensor_type.name for t in tensors if len(t.shape) == 1} == {"F32"}
    ids = torch.arange(40)[None] * 7 % 290
    with torch.no_grad():
        theirs, ours = (loading.load_model(path)(ids).logits for path in (folder, tmp_path / "m.gguf"))
    assert 0 < (theirs - ours).std() < 0.05 * theirs.std()


def test_a_merge_writes_the_file_beside_its_record(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    base, workspace = model(tmp_path / "base", dtype="bfloat16"), Workspace.create(tmp_path / ".axiom")
    judged = [tiny.verdict(tiny.sample(tiny.problem(i), f"Answer: {i % 7}")) for i in range(20)]
    adapter = train(judged, str(base), TrainConfig(lora_r=2, epochs=1, lr=1e-2), workspace)
    merged = merge(adapter, MergeConfig(), workspace, gguf=tmp_path / "out" / "m.gguf")
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        a, b = (loading.load_model(path)(ids).logits for path in (merged.path, tmp_path / "out" / "m.gguf"))
    assert torch.equal(a, b)
    assert "Converting" not in capfd.readouterr().err, "transformers' own bar"
    before = (tmp_path / "out" / "m.gguf").read_bytes()
    with pytest.raises(UsageError, match="exists"):
        merge(adapter, MergeConfig(), workspace, gguf=tmp_path / "out" / "m.gguf")
    merge(adapter, MergeConfig(), workspace, gguf=tmp_path / "again.gguf")
    assert (tmp_path / "again.gguf").read_bytes() == before
    (tmp_path / "file").touch()
    with pytest.raises(MissingError, match="cannot write"):
        merge(adapter, MergeConfig(), workspace, gguf=tmp_path / "file" / "m.gguf")


def test_a_base_that_llama_cpp_would_misread_is_refused_before_anything_is_merged(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    judged = [tiny.verdict(tiny.sample(tiny.problem(i), f"Answer: {i % 7}")) for i in range(20)]
    adapter = train(judged, str(model(tmp_path / "m", hidden_act="gelu")), TrainConfig(lora_r=2, epochs=1), workspace)
    with pytest.raises(InputError, match="hidden_act"):
        merge(adapter, MergeConfig(), workspace, gguf=tmp_path / "m.gguf")
    assert [receipt.recipe["stage"] for receipt in workspace.receipts()] == ["train"]

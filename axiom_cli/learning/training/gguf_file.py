"""A model's folder as one .gguf file, for llama.cpp and what is built on it: the same numbers, the same tokens.

Names, fields and token types are those of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. What llama.cpp
would read otherwise than transformers does is refused: another architecture, scaled rotary positions, a tokenizer that
is no byte-level BPE or that splits text in a way for which llama.cpp has no name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch

from axiom_cli.errors import InputError
from axiom_cli.learning.training import requirements
from axiom_cli.models.loading import load_config, load_tokenizer
from axiom_cli.models.shards import Shards
from axiom_cli.workspace.atomic import explained_write_errors

ARCHITECTURES: Mapping[str, str] = {"llama": "LLAMA", "mistral": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3"}
INTERLEAVED = frozenset({"LLAMA"})
"""Architectures whose query and key rows llama.cpp holds in pairs, as the original Llama did."""
FILE_TYPES = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 32}
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITS: Mapping[str, str] = {_LLAMA3: "llama-bpe", _LLAMA3.replace("{1,3}", ""): "qwen2"}


def check_exportable(folder: Path) -> _Export:
    """InputError if the model in `folder` cannot be said in a .gguf file, MissingError without the package."""
    requirements.gguf()
    return _Export(folder)


def write(folder: Path, file: Path) -> None:
    """Writes the model in `folder` to `file`, which appears whole or not at all. Matrices keep the type that they have
    there, vectors are float32. Raises what `check_exportable` does."""
    export = check_exportable(folder)
    draft = file.with_name(f".{file.name}.part")
    with explained_write_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            export.to(draft)
            draft.rename(file)
        finally:
            draft.unlink(missing_ok=True)


class _Export:
    """A model and what the file calls each of its tensors: name -> (key in the folder, in how many heads its rows are
    paired; 0: as they are)."""

    def __init__(self, folder: Path) -> None:
        import gguf

        self.config, self.shards = load_config(folder), Shards(folder)
        kind = self.config.model_type
        if kind not in ARCHITECTURES:
            raise InputError(
                f"axiom does not write a .gguf file of a {kind} model", f"it does of {', '.join(ARCHITECTURES)}"
            )
        self.name = ARCHITECTURES[kind]
        self.architecture = gguf.MODEL_ARCH[self.name]
        rope = getattr(self.config, "rope_parameters", None) or {}
        self.theta = rope.get("rope_theta", 10_000.0)
        window = getattr(self.config, "sliding_window", None) and getattr(self.config, "use_sliding_window", True)
        odd = {
            f"rope_type {rope.get('rope_type')}": rope.get("rope_type", "default") != "default",
            "a sliding window": window,
            f"hidden_act {self.config.hidden_act}": self.config.hidden_act != "silu",
        }
        for what in (name for name, is_odd in odd.items() if is_odd):
            raise InputError(f"axiom does not write a .gguf file of a model with {what}", "--export writes the folder")
        self.tokens = vocabulary(folder, self.config.vocab_size)
        self.tensors = dict(self._tensors(gguf))

    def _tensors(self, gguf: Any) -> Iterator[tuple[str, tuple[str, int]]]:
        names = gguf.get_tensor_name_map(self.architecture, self.config.num_hidden_layers)
        for key in sorted(self.shards.places):
            if key == "lm_head.weight" and self.config.tie_word_embeddings:
                continue
            name = names.get_name(key, try_suffixes=(".weight", ".bias"))
            if name is None:
                raise InputError(f"axiom does not write a .gguf file of a model with {key}")
            heads = {"q_proj": self.config.num_attention_heads, "k_proj": self.config.num_key_value_heads}
            yield name, (key, heads.get(key.split(".")[-2], 0) if self.name in INTERLEAVED else 0)

    def to(self, file: Path) -> None:
        """Writes the whole file, a tensor in memory at a time."""
        import gguf

        writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[self.architecture])
        try:
            self._describe(writer)
            for name, (key, _) in self.tensors.items():
                place, kind = self.shards.places[key], self._kind(key)
                code = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}[kind]
                size = kind.itemsize * int(numpy.prod(place.shape))
                writer.add_tensor_info(name, place.shape, numpy.float16, size, gguf.GGMLQuantizationType[code])
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for key, heads in self.tensors.values():
                value = self.shards.tensor(key).to(self._kind(key))
                if heads:
                    halves = value.reshape(heads, 2, -1, *value.shape[1:])
                    value = halves.transpose(1, 2).reshape(value.shape)
                writer.write_tensor_data(value.contiguous().view(-1).view(torch.uint8).numpy())
                self.shards.forget(key)
        finally:
            writer.close()

    def _kind(self, key: str) -> torch.dtype:
        place = self.shards.places[key]
        return place.dtype if len(place.shape) > 1 and place.dtype in FILE_TYPES else torch.float32

    def _describe(self, writer: Any) -> None:
        config = self.config
        heads = config.num_attention_heads
        width = getattr(config, "head_dim", None) or config.hidden_size // heads
        writer.add_context_length(config.max_position_embeddings)
        writer.add_embedding_length(config.hidden_size)
        writer.add_block_count(config.num_hidden_layers)
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_head_count(heads)
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_key_length(width)
        writer.add_value_length(width)
        writer.add_rope_dimension_count(width)
        writer.add_rope_freq_base(self.theta)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_vocab_size(config.vocab_size)
        matrices = {self._kind(key) for key, _ in self.tensors.values() if len(self.shards.places[key].shape) > 1}
        writer.add_file_type(FILE_TYPES[min(matrices, key=lambda kind: kind.itemsize)])
        self.tokens.describe(writer)


@dataclass(frozen=True)
class Vocabulary:
    """A byte-level BPE tokenizer as llama.cpp is told of it. `split` names how text is cut before merging."""

    tokens: list[str]
    types: list[int]
    merges: list[str]
    split: str
    special: Mapping[str, Any]
    template: str | None

    def describe(self, writer: Any) -> None:
        """Adds the tokenizer's fields."""
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(self.split)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_token_merges(self.merges)
        for name, value in self.special.items():
            if value is not None:
                getattr(writer, f"add_{name}")(value)
        if self.template:
            writer.add_chat_template(self.template)


def vocabulary(folder: Path, size: int) -> Vocabulary:
    """The tokenizer in `folder`, filled up with unused tokens to the model's `size`. InputError where llama.cpp would
    not cut text the same way."""
    path = folder / "tokenizer.json"
    if not path.exists():
        raise InputError(f"{folder} has no tokenizer.json, from which the .gguf file's is made")
    data = json.loads(path.read_text(encoding="utf-8"))
    model, tokenizer = data["model"], load_tokenizer(folder)
    split = _split(data)
    if model["type"] != "BPE" or model.get("byte_fallback") or data.get("normalizer") or not split:
        raise InputError(
            "llama.cpp would read text otherwise than this model's tokenizer does, so no .gguf file is written",
            "byte-level BPE is written, split as GPT-2, SmolLM, Llama 3 or Qwen 2 do",
        )
    named = {number: token for token, number in model["vocab"].items()}
    types = dict.fromkeys(named, NORMAL)
    for token in data.get("added_tokens", ()):
        named[token["id"]] = token["content"]
        types[token["id"]] = CONTROL if token["special"] else USER_DEFINED
    every = range(max(size, len(named)))
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    text_ids = tokenizer("a")["input_ids"]
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "unk_token_id": tokenizer.unk_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "add_bos_token": text_ids[0] == tokenizer.bos_token_id,
        "add_eos_token": text_ids[-1] == tokenizer.eos_token_id,
    }
    template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None
    tokens = [named.get(number, f"[UNUSED{number}]") for number in every]
    return Vocabulary(tokens, [types.get(n, UNUSED) for n in every], merges, split, special, template)


def _split(data: Mapping[str, Any]) -> str | None:
    """llama.cpp's name for the way in which the tokenizer cuts text, if it has one."""
    before = data.get("pre_tokenizer") or {}
    steps = before.get("pretokenizers", [before])
    *first, last = steps
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        return None
    if not first:
        return "gpt-2" if last.get("use_regex", True) else None
    (step,) = first if len(first) == 1 else ({},)
    if step.get("type") == "Digits" and step.get("individual_digits") and last.get("use_regex", True):
        return "smollm"
    pattern = (step.get("pattern") or {}).get("Regex")
    isolated = step.get("behavior") == "Isolated" and not step.get("invert") and not last.get("use_regex", True)
    return SPLITS.get(str(pattern)) if step.get("type") == "Split" and isolated else None

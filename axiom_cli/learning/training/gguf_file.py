"""A model's folder as one .gguf file, for llama.cpp and what is built on it: the same numbers, the same tokens.

Names, fields and token types are those of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. What llama.cpp
would read otherwise than transformers does is refused: another architecture, scaled rotary positions, a tokenizer that
is not a byte-level BPE or that splits text in a way for which llama.cpp has no name (tokenizer_split.py).
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
from axiom_cli.files import explained_write_errors
from axiom_cli.learning.training import requirements, tokenizer_split
from axiom_cli.models.loading import load_config, load_generation_config, load_tokenizer
from axiom_cli.models.shards import Shards
from axiom_cli.sampling.token_ids import end_ids

ARCHITECTURES: Mapping[str, str] = {"llama": "LLAMA", "mistral": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3"}
WITHOUT_WINDOWS = frozenset({*ARCHITECTURES, "smollm3"})
"""Kinds whose layers see everything in llama.cpp, whatever window the model's own have."""
INTERLEAVED = frozenset({"LLAMA"})
"""Architectures whose query and key rows llama.cpp holds in pairs, as the original Llama did."""
CODES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "q8_0": "Q8_0"}
"""What the file calls a type of numbers."""
FILE_TYPES = {"float32": 0, "float16": 1, "q8_0": 7, "bfloat16": 32}
Q8_BLOCK, Q8_BYTES = 32, 34
"""Numbers of a row that share a scale, and the bytes of such a block."""
FOLDER = "`axiom export NAME DIR` writes a folder, which transformers reads"
OWN_CONVERTER = "export a folder, and try llama.cpp's own convert_hf_to_gguf.py on it"
NO_WINDOWS = "llama.cpp has no windows in such a model; axiom export NAME DIR writes a folder, for transformers"
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5


def check_exportable(folder: Path, dtype: str = "auto") -> _Export:
    """InputError if the model in `folder` cannot be said in a .gguf file, MissingError without the package."""
    _check_architecture(load_config(folder))
    requirements.gguf()
    return _Export(folder, dtype)


def _check_architecture(config: Any) -> None:
    """InputError for a kind of model that llama.cpp does not run, or whose file is not written here."""
    kind = config.model_type
    window = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    if window and kind in WITHOUT_WINDOWS:
        fault = f"llama.cpp does not run a {kind} model with a sliding window, so no .gguf file is written"
        raise InputError(fault, FOLDER)
    if kind not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        windows = kind == "smollm3" and "sliding_attention" in config.layer_types
        hint = NO_WINDOWS if windows else OWN_CONVERTER  # its converter would leave them out, and say nothing
        raise InputError(f"axiom does not write a .gguf file of a {kind} model (but of {known})", hint)


def write(folder: Path, file: Path, dtype: str = "auto") -> None:
    """Writes the model in `folder` to `file`, which appears whole or not at all. Matrices have the type `dtype` (auto:
    the one that they have in the folder; with q8_0 those whose rows do not divide into blocks are float16), vectors are
    float32. Raises what `check_exportable` does."""
    export = check_exportable(folder, dtype)
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

    def __init__(self, folder: Path, dtype: str) -> None:
        import gguf

        self.config, self.shards, self.dtype = load_config(folder), Shards(folder), dtype
        self.name = ARCHITECTURES[self.config.model_type]
        self.architecture = gguf.MODEL_ARCH[self.name]
        rope = getattr(self.config, "rope_parameters", None) or {}
        self.theta = rope.get("rope_theta", 10_000.0)
        odd = {
            f"rope_type {rope.get('rope_type')}": rope.get("rope_type", "default") != "default",
            f"hidden_act {self.config.hidden_act}": self.config.hidden_act != "silu",
        }
        for what in (name for name, is_odd in odd.items() if is_odd):
            raise InputError(f"axiom does not write a .gguf file of a model with {what}", OWN_CONVERTER)
        self.tokens = vocabulary(folder, self.config.vocab_size)
        self.tensors = dict(self._tensors(gguf))

    def _tensors(self, gguf: Any) -> Iterator[tuple[str, tuple[str, int]]]:
        names = gguf.get_tensor_name_map(self.architecture, self.config.num_hidden_layers)
        for key in sorted(self.shards.places):
            if key == "lm_head.weight" and self.config.tie_word_embeddings:
                continue
            name = names.get_name(key, try_suffixes=(".weight", ".bias"))
            if name is None:
                raise InputError(f"axiom does not write a .gguf file of a model with {key}", OWN_CONVERTER)
            heads = {"q_proj": self.config.num_attention_heads, "k_proj": self.config.num_key_value_heads}
            yield name, (key, heads.get(key.split(".")[-2], 0) if self.name in INTERLEAVED else 0)

    def to(self, file: Path) -> None:
        """Writes the whole file, a tensor in memory at a time."""
        import gguf

        writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[self.architecture])
        try:
            self._describe(writer)
            for name, (key, _) in self.tensors.items():
                shape, kind = self.shards.places[key].shape, self._kind(key)
                count = int(numpy.prod(shape))
                size = count // Q8_BLOCK * Q8_BYTES if kind == "q8_0" else count * getattr(torch, kind).itemsize
                writer.add_tensor_info(name, shape, numpy.float16, size, gguf.GGMLQuantizationType[CODES[kind]])
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for key, heads in self.tensors.values():
                value, kind = self.shards.tensor(key), self._kind(key)
                if heads:
                    halves = value.reshape(heads, 2, -1, *value.shape[1:])
                    value = halves.transpose(1, 2).reshape(value.shape)
                writer.write_tensor_data(_bytes(value.contiguous(), kind))
                self.shards.forget(key)
        finally:
            writer.close()

    def _kind(self, key: str) -> str:
        place = self.shards.places[key]
        stored = str(place.dtype).removeprefix("torch.")
        if len(place.shape) < 2:  # noqa: PLR2004 - a vector
            return "float32"
        if self.dtype == "auto":
            return stored if stored in FILE_TYPES else "float32"
        return "float16" if self.dtype == "q8_0" and place.shape[-1] % Q8_BLOCK else self.dtype

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
        writer.add_file_type(FILE_TYPES[min(matrices, key=["q8_0", "float16", "bfloat16", "float32"].index)])
        self.tokens.describe(writer)


def _bytes(value: torch.Tensor, kind: str) -> Any:
    """The numbers of a tensor as the file has them, in bytes."""
    if kind == "q8_0":
        from gguf import GGMLQuantizationType, quants

        return quants.quantize(value.float().numpy(), GGMLQuantizationType.Q8_0).reshape(-1)
    return value.to(getattr(torch, kind)).view(-1).view(torch.uint8).numpy()


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
    plain = model["type"] == "BPE" and not model.get("byte_fallback") and not data.get("normalizer")
    split = tokenizer_split.name_of(data) if plain else None
    if not split:
        raise InputError(
            "llama.cpp would read text otherwise than this model's tokenizer does, so no .gguf file is written",
            OWN_CONVERTER,
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
        "eot_token_id": end_ids(tokenizer, load_generation_config(folder))[0],
        "unk_token_id": tokenizer.unk_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "add_bos_token": text_ids[0] == tokenizer.bos_token_id,
        "add_eos_token": text_ids[-1] == tokenizer.eos_token_id,
    }
    template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None
    tokens = [named.get(number, f"[UNUSED{number}]") for number in every]
    return Vocabulary(tokens, [types.get(n, UNUSED) for n in every], merges, split, special, template)

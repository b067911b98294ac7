"""Whether what lies in a model's folder is whole, and a causal language model that may be loaded here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from axiom_cli import installation, permitted
from axiom_cli.errors import InputError, MissingError
from axiom_cli.models.folders import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    AGAIN,
    CONFIG,
    GENERATION_CONFIG,
    again,
    check_pointer,
    is_there,
    is_tokenizer,
    model_files,
    read_json,
)
from axiom_cli.models.gguf_header import check_header
from axiom_cli.models.safetensors_header import stored_tensors

QUANTISERS = {
    "bitsandbytes": ("bitsandbytes", ""),
    "gptq": ("gptqmodel", "gptqmodel"),
    "awq": ("gptqmodel", "gptqmodel"),
    "auto-round": ("auto_round", "auto-round"),
    "compressed-tensors": ("compressed_tensors", "compressed-tensors"),
    "aqlm": ("aqlm", "aqlm"),
    "hqq": ("hqq", "hqq"),
    "quanto": ("optimum.quanto", "optimum-quanto"),
    "torchao": ("torchao", "torchao"),
    "eetq": ("kernels", "kernels"),
    "mxfp4": ("kernels", "kernels"),
    "quark": ("quark", "amd-quark"),
    "vptq": ("vptq", "vptq"),
    "spqr": ("spqr_quant", "spqr_quant"),
}
"""The module that reads each kind of quantised weights, and its package; none where an extra has it."""
SIZES = {
    **dict.fromkeys(["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"], 1),
    **dict.fromkeys(["num_key_value_heads", "head_dim", "max_position_embeddings"], 1),
    **dict.fromkeys(["n_embd", "n_layer", "n_head", "n_positions", "n_layers", "n_heads", "d_model"], 1),
    "intermediate_size": 0,
}
"""Entries of config.json that are numbers, and the smallest that each may be. Some models have a list of them, or
none."""
CAUSAL = "choose a decoder, such as Qwen/Qwen2.5-0.5B-Instruct"
_OLD_DECODERS = frozenset(["gpt_neox", "gpt_neox_japanese", "trocr"])
"""Model types whose `is_decoder` says false although they look back only."""


def check_model(folder: Path) -> None:
    """InputError for a folder whose files are missing, damaged, or not those of a causal language model that may be
    loaded here; MissingError for weights that need a package which is not installed. Each names the file."""
    config = read_json(folder / CONFIG)
    _check_code(folder, config)
    _check_kind(folder, config)
    _check_sizes(folder / CONFIG, config)
    files = model_files(folder)
    tensors: set[str] = set()
    for path in files.values():
        check_pointer(path)
        if path.suffix == ".safetensors":
            tensors |= stored_tensors(path).keys()
    _check_quantisation(folder, config, tensors)
    if not any(is_tokenizer(name) for name in files):
        raise InputError(f"{folder} has no tokenizer", "tokenizer.json is missing: " + AGAIN)
    for name in (CONFIG, GENERATION_CONFIG):
        if name in files:
            _check_ends(files[name])


def check_mergeable(folder: Path) -> None:
    """InputError for a folder of quantised weights: an adapter of them could not be merged."""
    if read_json(folder / CONFIG).get("quantization_config"):
        raise InputError(
            f"{folder} holds quantised weights, which cannot be added to",
            "take the 16- or 32-bit weights that they were made from; axiom train --quantize 4bit quantises them",
        )


def check_gguf(path: Path) -> None:
    """InputError for a file that is not in the format of llama.cpp."""
    if not is_there(path):
        raise InputError(f"{path} is missing", AGAIN)
    check_pointer(path)
    with path.open("rb") as stream:
        if stream.read(4) != b"GGUF":
            raise InputError(f"{path} is not a GGUF file, or it is damaged", AGAIN)
    check_header(path, AGAIN)


def adapter_files(folder: Path) -> dict[str, Path]:
    """The files of a plain peft adapter. InputError where one is missing or damaged."""
    if not is_there(folder / ADAPTER_WEIGHTS):
        pickled = is_there(folder / "adapter_model.bin")
        what = "holds its weights as a pickle (adapter_model.bin)" if pickled else f"has no {ADAPTER_WEIGHTS}"
        raise InputError(f"the adapter in {folder} {what}", "save it as safetensors")
    files = {name: folder / name for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)}
    read_json(files[ADAPTER_CONFIG])
    weights = files[ADAPTER_WEIGHTS]
    if not stored_tensors(weights):
        raise InputError(f"{weights} holds no tensors, so the adapter would change nothing", again(weights))
    return files


def _check_code(folder: Path, config: dict[str, Any]) -> None:
    """InputError for a model that brings code of its own, which was not allowed or lies elsewhere."""
    tokenizer = folder / "tokenizer_config.json"
    for path, data in ((folder / CONFIG, config), (tokenizer, read_json(tokenizer) if is_there(tokenizer) else {})):
        code = next(_code(data), "")
        if code and not permitted.remote_code():
            raise InputError(
                f"{path} asks to run the model's own code ({code})",
                f"read that code, then trust it with {permitted.REMOTE_CODE}; "
                "or delete the entry, if transformers has a class for this model",
            )
        if "--" in code:
            raise InputError(f"{path} takes its code from another repository: {code}", "copy that code into the folder")
        for module in re.findall(r"[^,\s.]+(?=\.)", code):
            if not is_there(folder / f"{module}.py"):
                raise InputError(f"{folder / module}.py is missing: {path.name} takes {code} from it", AGAIN)
    if config.get("transformers_weights"):
        raise InputError(f"{folder / CONFIG} names a file of weights of its own: transformers_weights", "delete it")


def brings_code(folder: Path) -> bool:
    """Whether the model would run code of its own."""
    tokenizer = folder / "tokenizer_config.json"
    configs = [folder / CONFIG, *([tokenizer] if is_there(tokenizer) else [])]
    return any(next(_code(read_json(path)), "") for path in configs)


def _code(data: Any) -> Iterator[str]:
    """Each piece of code that a config asks for: classes beside the weights, and kernels from the hub."""
    for key, value in data.items() if isinstance(data, dict) else ():
        if key == "auto_map" and value:
            yield ", ".join(map(str, value.values() if isinstance(value, dict) else value))
        elif key.endswith(("attn_implementation", "experts_implementation")) and "/" in str(value):
            yield f"{key}: {value}"
        elif isinstance(value, dict):
            yield from _code(value)


def _check_kind(folder: Path, config: dict[str, Any]) -> None:
    kind = config.get("model_type", "")
    text: Any = config.get("text_config")
    if not isinstance(kind, str) or not kind:
        raise InputError(f"{folder / CONFIG} names no model_type", "is it a language model's folder?")
    if config.get("is_encoder_decoder") is True:
        raise InputError(f"{kind} is not a causal language model but an encoder and a decoder: {folder}", CAUSAL)
    own = config | (text if isinstance(text, dict) else {})
    if own.get("use_bidirectional_attention") is True or own.get("is_causal") is False:
        raise InputError(f"{folder} is not a causal language model: its tokens see those that follow", CAUSAL)


def _check_sizes(path: Path, config: dict[str, Any]) -> None:
    """InputError for an entry that is not of the kind that every model has there; its library would raise anything."""
    for key, value in config.items():
        if key in SIZES and value is not None and not isinstance(value, list):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < SIZES[key]:
                raise InputError(f"{path}: {key} is {value!r} and not a number of at least {SIZES[key]}", AGAIN)
        elif key.endswith("_config") and value is not None and not isinstance(value, dict):
            raise InputError(f"{path}: {key} is {value!r} and not an object", AGAIN)
        elif key == "text_config" and isinstance(value, dict):
            _check_sizes(path, value)


def _check_ends(path: Path) -> None:
    """InputError where what ends a completion is not a token id, or a list of some."""
    named = read_json(path).get("eos_token_id")
    for value in named if isinstance(named, list) else [] if named is None else [named]:
        if type(value) is not int:
            raise InputError(f"{path}: eos_token_id is {named!r} and not a token id or a list of them", AGAIN)


def check_decoder(folder: Path | str, config: Any) -> None:
    """InputError for an architecture whose tokens see those that follow; `config` is transformers' own, with its
    defaults."""
    sees_all = getattr(config, "is_decoder", True) is False and config.model_type not in _OLD_DECODERS
    sees_all |= config.model_type == "xlnet" or (config.model_type == "xlm" and not config.causal)
    if sees_all or getattr(config, "is_encoder_decoder", False):
        raise InputError(f"{config.model_type} is not a causal language model: {folder}", CAUSAL)


def _check_quantisation(folder: Path, config: dict[str, Any], tensors: set[str]) -> None:
    quantisation = config.get("quantization_config")
    if not quantisation:
        return
    method = str(quantisation.get("quant_method", "") if isinstance(quantisation, dict) else quantisation)
    module, package = QUANTISERS.get(re.sub(r"_[48]bit$", "", method), ("", ""))
    if module and find_spec(module.partition(".")[0]) is None:
        hint = installation.package(package) if package else installation.extra("qlora")
        raise MissingError(f"{folder} holds weights quantised by {method}, which needs a package", hint)
    if "bitsandbytes" in method and tensors and not any(".quant_state." in t or t.endswith(".SCB") for t in tensors):
        raise InputError(
            f"{folder / CONFIG} says that the weights are quantised by {method}, and they are not",
            "delete quantization_config from it; to train on a quantised base: axiom train --quantize 4bit",
        )

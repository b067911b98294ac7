"""What a model's folder holds, looked at before anything heavy is loaded: which of its files are loaded, and whether
they are whole.

Nothing outside the folder is read, no code in it is run and no pickle is opened, unless the user allowed it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from axiom_cli import installation, permitted
from axiom_cli.errors import InputError, MissingError

CONFIG, GENERATION_CONFIG = "config.json", "generation_config.json"
INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
PICKLE_INDEX, PICKLE_SINGLE = "pytorch_model.bin.index.json", "pytorch_model.bin"
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
TOKENIZER = frozenset(
    ["added_tokens.json", "bpe.codes", "byte_maps.json", "chat_template.jinja", "chat_template.json", "dict.txt"]
    + ["emoji.json", "entity_vocab.json", "merges.txt", "normalizer.json", "prophetnet.tokenizer"]
    + ["sentencepiece.bpe.model", "sentencepiece.model", "source.spm", "special_tokens_map.json", "spiece.model"]
    + ["spm.model", "spm_char.model", "target.spm", "target_vocab.json", "tekken.json", "tokenizer.json"]
    + ["tokenizer.model", "tokenizer_config.json", "vocab-src.json", "vocab-tgt.json", "vocab.bpe", "vocab.json"]
    + ["vocab.txt", "word_pronunciation.json", "word_shape.json"]
)
"""The files that transformers' tokenizers are read from, beside *.tiktoken and the folder of further templates."""
TEMPLATES = "additional_chat_templates"
LFS = b"version https://git-lfs"
HEADER_LEAST, HEADER_MOST = 10, 100_000_000
"""Bytes of the smallest safetensors file, and of a header at most, as the format has it."""
_BITS = {
    **dict.fromkeys(["F64", "I64", "U64", "C64"], 64),
    **dict.fromkeys(["F32", "I32", "U32"], 32),
    **dict.fromkeys(["F16", "BF16", "I16", "U16"], 16),
    **dict.fromkeys(["I8", "U8", "BOOL", "F8_E5M2", "F8_E4M3", "F8_E8M0"], 8),
}
"""Bits of a number of each type of safetensors; types of fewer than eight are not looked at."""
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
AGAIN = "copy or download the model again"
TRAINED_AGAIN = "copy it or train it again"
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


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a safetensors file: its type as the format names it, its shape, and its bytes [start, end)."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


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
        _check_pointer(path)
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
    _check_pointer(path)
    with path.open("rb") as stream:
        if stream.read(4) != b"GGUF":
            raise InputError(f"{path} is not a GGUF file, or it is damaged", AGAIN)


def model_files(folder: Path) -> dict[str, Path]:
    """The files that are loaded, by their name in the folder; no others decide what the model does. InputError where
    the weights are missing, or may not be read."""
    paths = [folder / name for name in (CONFIG, *weight_files(folder))]
    paths += (path for path in folder.iterdir() if path.name == GENERATION_CONFIG or is_tokenizer(path.name))
    paths += (folder / TEMPLATES).glob("*.jinja")
    paths += folder.rglob("*.py") if permitted.remote_code() else ()
    return {path.relative_to(folder).as_posix(): path for path in sorted(paths) if is_there(path)}


def adapter_files(folder: Path) -> dict[str, Path]:
    """The files of a plain peft adapter. InputError where one is missing or damaged."""
    if not is_there(folder / ADAPTER_WEIGHTS):
        pickled = is_there(folder / "adapter_model.bin")
        what = "holds its weights as a pickle (adapter_model.bin)" if pickled else f"has no {ADAPTER_WEIGHTS}"
        raise InputError(f"the adapter in {folder} {what}", "save it as safetensors")
    found = {name: folder / name for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)}
    read_json(found[ADAPTER_CONFIG])
    weights = found[ADAPTER_WEIGHTS]
    if not stored_tensors(weights):
        raise InputError(f"{weights} holds no tensors, so the adapter would change nothing", again(weights))
    return found


def is_there(path: Path) -> bool:
    """Whether there is a file at `path`. InputError for what is not one: to read a pipe would last for ever."""
    if path.is_file():
        return True
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path} is a link to a file that is missing", "put the file itself in its place")
    if path.exists():
        raise InputError(f"{path} is not a regular file", "put a copy of the file in its place")
    return False


def again(path: Path) -> str:
    """What to do about a damaged file."""
    return TRAINED_AGAIN if path.name.startswith(("adapter_", "value_")) else AGAIN


def weight_files(folder: Path) -> list[str]:
    """The names of the files with the weights, after their index if there is one. InputError where one is missing, lies
    outside the folder, or is a pickle that the user did not allow."""
    if found := safetensors_files(folder):
        return found
    pickles = next((name for name in (PICKLE_SINGLE, PICKLE_INDEX) if is_there(folder / name)), "")
    if not pickles:
        raise InputError(f"{folder} holds no weights: {SINGLE} is missing", AGAIN)
    if not permitted.pickle():
        raise InputError(
            f"{folder} holds its weights as pickles ({pickles}), which can run code",
            f"convert them to safetensors, or trust them with {permitted.PICKLE}",
        )
    return [pickles] if pickles == PICKLE_SINGLE else _indexed(folder, pickles)


def safetensors_files(folder: Path) -> list[str]:
    """The same of the safetensors files, as transformers chooses them; empty where there are none."""
    if is_there(folder / SINGLE):
        return [SINGLE]
    return _indexed(folder, INDEX) if is_there(folder / INDEX) else []


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file. InputError where it is missing or damaged."""
    if not is_there(path):
        raise InputError(f"{path} is missing", again(path))
    _check_pointer(path)
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}", again(path)) from None
    if not isinstance(data, dict):
        raise InputError(f"{path} is damaged: it does not hold an object", again(path))
    return data


def stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a safetensors file by name (8 bytes of length, a JSON header, the numbers without gaps).
    InputError for a file that is missing, is cut off, or whose header and numbers do not fit together."""
    if not is_there(path):
        raise InputError(f"{path} is missing", again(path))
    _check_pointer(path)
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < HEADER_LEAST or not 2 <= length <= HEADER_MOST:
            raise InputError(f"{path} is damaged or is not a safetensors file", again(path))
        header = stream.read(length)
    if len(header) < length:
        raise InputError(f"{path} is cut off: its header alone has {length:,} bytes", again(path))
    try:
        entries = json.loads(header)
        entries.pop("__metadata__", None)
        found = {name: _stored(entry, 8 + length) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path} is damaged: its header is not readable", again(path)) from None
    end = 8 + length
    for name, tensor in sorted(found.items(), key=lambda item: (item[1].start, item[1].end)):
        bits = _BITS.get(tensor.dtype)
        if tensor.start != end or (bits and bits * math.prod(tensor.shape) != 8 * (tensor.end - tensor.start)):
            raise InputError(f"{path} is damaged: the bytes of {name} do not fit its shape or its place", again(path))
        end = tensor.end
    if size != end:
        what = f"cut off: it has {size:,} of {end:,} bytes" if size < end else f"damaged: {end:,} bytes are named"
        raise InputError(f"{path} is {what}", again(path))
    return found


def _stored(entry: Any, begin: int) -> StoredTensor:
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if not all(type(number) is int and number >= 0 for number in (start, end, *shape)) or start > end:
        raise ValueError("numbers that are not sizes")
    return StoredTensor(str(entry["dtype"]), shape, begin + start, begin + end)


def damaged_file(folder: Path) -> str:
    """Which of a model's text files is damaged, and how; empty where each can be read. It takes longer than a load may,
    so it is asked for when one has failed."""
    for path in sorted(folder.glob("*.json")):
        try:
            json.loads(path.read_bytes() if path.is_file() else b"{}")
        except (ValueError, OSError, RecursionError) as error:
            return f"{path} is damaged: {error}"
    return ""


def _indexed(folder: Path, index: str) -> list[str]:
    placed = read_json(folder / index).get("weight_map")
    if not isinstance(placed, dict) or not placed or not all(isinstance(name, str) for name in placed.values()):
        raise InputError(f"{folder / index} is damaged: it places no tensors", AGAIN)
    names = sorted(set(placed.values()))
    for name in names:
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise InputError(f"{folder / index} names weights outside its folder: {name}", AGAIN)
        if not name.endswith(".safetensors") and index == INDEX:
            raise InputError(f"{folder / index} names a file that is not safetensors: {name}", AGAIN)
        if not is_there(folder / name):
            raise InputError(f"{folder / name} is missing, one of {len(names)} files with weights", AGAIN)
    return [index, *names]


def is_tokenizer(name: str) -> bool:
    """Whether a tokenizer may be read from a file of that name."""
    return name in TOKENIZER or name.endswith(".tiktoken")


def _check_pointer(path: Path) -> None:
    """InputError for what git writes in place of a large file."""
    try:
        with path.open("rb") as stream:
            if stream.read(len(LFS)) == LFS:
                raise InputError(f"{path} is a Git LFS pointer, not the file itself", "git lfs pull")
    except OSError:
        return


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
    found = config.get("quantization_config")
    if not found:
        return
    method = str(found.get("quant_method", "") if isinstance(found, dict) else found)
    module, package = QUANTISERS.get(re.sub(r"_[48]bit$", "", method), ("", ""))
    if module and find_spec(module.partition(".")[0]) is None:
        hint = installation.package(package) if package else installation.extra("qlora")
        raise MissingError(f"{folder} holds weights quantised by {method}, which needs a package", hint)
    if "bitsandbytes" in method and tensors and not any(".quant_state." in t or t.endswith(".SCB") for t in tensors):
        raise InputError(
            f"{folder / CONFIG} says that the weights are quantised by {method}, and they are not",
            "delete quantization_config from it; to train on a quantised base: axiom train --quantize 4bit",
        )

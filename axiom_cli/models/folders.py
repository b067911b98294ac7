"""What a model's folder holds, looked at before anything heavy is loaded: which of its files are loaded, and whether
they are whole.

Nothing outside the folder is read, no code in it is run and no pickle is opened, unless the user allowed it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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
HEADER_MOST = 100_000_000
"""Bytes of a safetensors header at most, as the format has it."""
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
CAUSAL = "choose a decoder, such as Qwen/Qwen2.5-0.5B-Instruct"
_OLD_DECODERS = frozenset(["gpt_neox", "gpt_neox_japanese", "trocr"])
"""Model types whose `is_decoder` says false although they look back only."""


def check_model(folder: Path) -> None:
    """InputError for a folder whose files are missing, damaged, or not those of a causal language model that may be
    loaded here; MissingError for weights that need a package which is not installed. Each names the file."""
    config = read_json(folder / CONFIG)
    _check_code(folder, config)
    _check_kind(folder, config)
    files = model_files(folder)
    tensors: set[str] = set()
    for path in files.values():
        _check_pointer(path)
        if path.suffix == ".safetensors":
            tensors |= check_safetensors(path)
    _check_quantisation(folder, config, tensors)
    if not any(is_tokenizer(name) for name in files):
        raise InputError(f"{folder} has no tokenizer", "tokenizer.json is missing: " + AGAIN)
    for name in (GENERATION_CONFIG, "tokenizer_config.json"):
        if name in files:
            read_json(files[name])


def check_mergeable(folder: Path) -> None:
    """InputError for a folder of quantised weights: an adapter of them could not be merged."""
    if read_json(folder / CONFIG).get("quantization_config"):
        raise InputError(
            f"{folder} holds quantised weights, which cannot be added to",
            "take the 16- or 32-bit weights that they were made from; axiom train --quantize 4bit quantises them",
        )


def check_gguf(path: Path) -> None:
    """InputError for a file that is not in the format of llama.cpp."""
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
    return {path.relative_to(folder).as_posix(): path for path in sorted(paths) if path.is_file()}


def adapter_files(folder: Path) -> dict[str, Path]:
    """The files of a plain peft adapter. InputError where one is missing or damaged."""
    if not (folder / ADAPTER_WEIGHTS).is_file():
        pickled = (folder / "adapter_model.bin").is_file()
        what = "holds its weights as a pickle (adapter_model.bin)" if pickled else f"has no {ADAPTER_WEIGHTS}"
        raise InputError(f"the adapter in {folder} {what}", "save it as safetensors")
    found = {name: folder / name for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)}
    for path in found.values():
        _check_pointer(path)
    if not check_safetensors(found[ADAPTER_WEIGHTS]):
        raise InputError(f"{found[ADAPTER_WEIGHTS]} holds no tensors, so the adapter would change nothing", AGAIN)
    return found


def weight_files(folder: Path) -> list[str]:
    """The names of the files with the weights, after their index if there is one. InputError where one is missing, lies
    outside the folder, or is a pickle that the user did not allow."""
    if (folder / SINGLE).is_file():
        return [SINGLE]
    if (folder / INDEX).is_file():
        return _indexed(folder, INDEX)
    pickles = next((name for name in (PICKLE_SINGLE, PICKLE_INDEX) if (folder / name).is_file()), "")
    if not pickles:
        raise InputError(f"{folder} holds no weights: {SINGLE} is missing", AGAIN)
    if not permitted.pickle():
        raise InputError(
            f"{folder} holds its weights as pickles ({pickles}), which can run code",
            f"convert them to safetensors, or trust them with {permitted.PICKLE}",
        )
    return [pickles] if pickles == PICKLE_SINGLE else _indexed(folder, pickles)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file. InputError where it is missing or damaged."""
    _check_pointer(path)
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path} is missing", AGAIN) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}", AGAIN) from None
    if not isinstance(data, dict):
        raise InputError(f"{path} is damaged: it does not hold an object", AGAIN)
    return data


def check_safetensors(path: Path) -> set[str]:
    """The names of a file's tensors. InputError for one that is cut off, or whose header and numbers do not fit
    together."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= HEADER_MOST:
            raise InputError(f"{path} is not a safetensors file, or it is damaged", AGAIN)
        header = stream.read(length)
    if len(header) < length:
        raise InputError(f"{path} is cut off: its header alone has {length:,} bytes", AGAIN)
    try:
        entries = json.loads(header)
        end = max((entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"), default=0)
        whole = 8 + length + end
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise InputError(f"{path} is damaged: its header is not readable", AGAIN) from None
    if size != whole:
        what = f"cut off: it has {size:,} of {whole:,} bytes" if size < whole else f"damaged: {whole:,} bytes are named"
        raise InputError(f"{path} is {what}", AGAIN)
    return set(entries) - {"__metadata__"}


def damaged_file(folder: Path) -> str:
    """Which of a model's text files is damaged, and how; empty where each can be read. It takes longer than a load may,
    so it is asked for when one has failed."""
    for path in sorted(folder.glob("*.json")):
        try:
            json.loads(path.read_bytes())
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
        if not (folder / name).is_file():
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
    for path, data in ((folder / CONFIG, config), (tokenizer, read_json(tokenizer) if tokenizer.is_file() else {})):
        code = next(_code(data), "")
        if code and not permitted.remote_code():
            raise InputError(
                f"{path} asks to run the model's own code ({code})",
                f"read that code, then trust it with {permitted.REMOTE_CODE}; "
                "or delete the entry, if transformers has a class for this model",
            )
        if "--" in code:
            raise InputError(f"{path} takes its code from another repository: {code}", "copy that code into the folder")
    if config.get("transformers_weights"):
        raise InputError(f"{folder / CONFIG} names a file of weights of its own: transformers_weights", "delete it")


def brings_code(folder: Path) -> bool:
    """Whether the model would run code of its own."""
    tokenizer = folder / "tokenizer_config.json"
    configs = [folder / CONFIG, *([tokenizer] if tokenizer.is_file() else [])]
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

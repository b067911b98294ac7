"""What a model's folder holds: which of its files are loaded, found and read before anything heavy is.

Nothing outside the folder is read, no code in it is run and no pickle is opened, unless the user allowed it.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from axiom_cli import permitted
from axiom_cli.errors import InputError

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
LARGEST_JSON = 256 << 20
"""Bytes of a text file at most; the largest tokenizers have 40 MB."""
AGAIN = "copy or download the model again"
TRAINED_AGAIN = "copy it or train it again"


def model_files(folder: Path) -> dict[str, Path]:
    """The files that are loaded, by their name in the folder; no others decide what the model does. InputError where
    the weights are missing, or may not be read."""
    paths = [folder / name for name in (CONFIG, *weight_files(folder))]
    paths += (path for path in folder.iterdir() if path.name == GENERATION_CONFIG or is_tokenizer(path.name))
    paths += (folder / TEMPLATES).glob("*.jinja")
    paths += folder.rglob("*.py") if permitted.remote_code() else ()
    return {path.relative_to(folder).as_posix(): path for path in sorted(paths) if is_there(path)}


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
    if files := safetensors_files(folder):
        return files
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
    check_pointer(path)
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise InputError(f"{path} has more than {LARGEST_JSON >> 20} MiB", again(path))
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}", again(path)) from None
    if not isinstance(data, dict):
        raise InputError(f"{path} is damaged: it does not hold an object", again(path))
    return data


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


def check_pointer(path: Path) -> None:
    """InputError for what git writes in place of a large file."""
    try:
        with path.open("rb") as stream:
            if stream.read(len(LFS)) == LFS:
                raise InputError(f"{path} is a Git LFS pointer, not the file itself", "git lfs pull")
    except OSError:
        return

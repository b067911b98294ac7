"""Weights and tokenizer of a model, ready for sampling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from axiom_cli.errors import InputError, UsageError
from axiom_cli.models.weights import load_model, load_tokenizer, stored_dtype

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load(path: Path, dtype: str = "auto") -> tuple[torch.nn.Module, Any]:
    """The model, in evaluation mode, and its tokenizer. InputError for files that transformers cannot read, and what
    `weights_dtype` raises."""
    try:
        return load_model(path, dtype=weights_dtype(path, dtype)), load_tokenizer(path)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().split("\n")[0]
        raise InputError(f"{path} could not be loaded: {line}", "is it a causal language model, and whole?") from error


def weights_dtype(path: Path | str, name: str = "auto") -> torch.dtype:
    """The type called `name`; UsageError where there is none.

    `auto` is the type of the files on an accelerator, and on a processor that multiplies bfloat16 itself (AVX-512 BF16,
    AMX) where the files hold 16-bit numbers; else float32.
    """
    if name not in ("auto", *DTYPES):
        raise UsageError(f"no type called {name!r}", f"there are auto, {', '.join(DTYPES)}")
    if name in DTYPES:
        return DTYPES[name]
    stored = stored_dtype(path)
    if torch.cuda.is_available() or stored == torch.float32:
        return stored
    return torch.bfloat16 if multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for products of bfloat16."""
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in asked)


def eos_ids(model: torch.nn.Module, tokenizer: Any) -> list[int]:
    """The ids that end a completion: the generation config's and the tokenizer's. InputError where there are none."""
    named = model.generation_config.eos_token_id
    ids = [*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id]
    found = list(dict.fromkeys(i for i in ids if i is not None))
    if not found:
        raise InputError("the model has no end-of-text token, so no completion could ever end")
    return found

"""Weights and tokenizer of a model, ready for sampling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from axiom_cli.errors import InputError
from axiom_cli.training.base import load_model, load_tokenizer, stored_dtype


def load(path: Path) -> tuple[torch.nn.Module, Any]:
    """The model, in evaluation mode, and its tokenizer: in float32 on the processor, on an accelerator in the type of
    its files. InputError for files that transformers cannot read."""
    try:
        dtype = stored_dtype(path) if torch.cuda.is_available() else torch.float32
        return load_model(path, dtype=dtype), load_tokenizer(path)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().split("\n")[0]
        raise InputError(f"{path} could not be loaded: {line}", "is it a causal language model, and whole?") from error


def eos_ids(model: torch.nn.Module, tokenizer: Any) -> list[int]:
    """The ids that end a completion: the generation config's and the tokenizer's. InputError where there are none."""
    named = model.generation_config.eos_token_id
    ids = [*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id]
    found = list(dict.fromkeys(i for i in ids if i is not None))
    if not found:
        raise InputError("the model has no end-of-text token, so no completion could ever end")
    return found

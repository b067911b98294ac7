"""Weights and tokenizer of a model folder or a .gguf file, ready for sampling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from axiom_cli.errors import InputError

logging.disable_progress_bar()


def load(path: Path) -> tuple[torch.nn.Module, Any]:
    """The model, in evaluation mode on the first accelerator or the processor, and its tokenizer. InputError for
    files that transformers cannot read."""
    accelerated = torch.cuda.is_available()
    where, options = (path.parent, {"gguf_file": path.name}) if path.suffix == ".gguf" else (path, {})
    more: dict[str, Any] = {"dtype": "auto" if accelerated and not options else torch.float32}
    if options:
        from transformers import GgufConfig

        more["quantization_config"] = GgufConfig(dequantize=True)
    try:
        tokenizer = AutoTokenizer.from_pretrained(where, **options)
        model = AutoModelForCausalLM.from_pretrained(where, **options, **more)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().split("\n")[0]
        raise InputError(f"{path} could not be loaded: {line}", "is it a causal language model, and whole?") from error
    return model.to("cuda" if accelerated else "cpu").eval(), tokenizer


def eos_ids(model: torch.nn.Module, tokenizer: Any) -> list[int]:
    """The ids that end a completion: the generation config's and the tokenizer's. InputError where there are none."""
    named = model.generation_config.eos_token_id
    ids = [*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id]
    found = list(dict.fromkeys(i for i in ids if i is not None))
    if not found:
        raise InputError("the model has no end-of-text token, so no completion could ever end")
    return found

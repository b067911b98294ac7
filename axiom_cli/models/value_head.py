"""The head of a value function: what turns a model's last hidden state into the log-odds that its completion passes.

While it is fitted it is a part of the model, so that the training loop has it among the parameters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from axiom_cli.errors import InputError
from axiom_cli.models import adapters
from axiom_cli.models.loading import without_peft
from axiom_cli.models.shards import Shards

FILE = "value_head.safetensors"


def check_folder(folder: Path, *, has_head: bool) -> None:
    """InputError where a part of a value function's folder is missing or damaged."""
    adapters.read_config(folder)
    Shards(folder, adapters.WEIGHTS)
    if has_head and set(Shards(folder, FILE).places) != {"weight", "bias"}:
        raise InputError(f"{folder / FILE} does not hold the head of a value function", "fit it again")


def load(model: torch.nn.Module, folder: Path) -> None:
    """Gives `model` the head that lies in `folder`."""
    add_head(model, 0.0).load_state_dict(load_file(folder / FILE))


def save(model: torch.nn.Module, folder: Path) -> None:
    """Writes the head of `model` into `folder`, if it has one."""
    if head := getattr(model, "value_head", None):
        state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
        save_file(state, folder / FILE, metadata={"format": "pt"})


def decoder(model: torch.nn.Module) -> Any:
    """The part of a causal language model that gives the last hidden states. InputError where there is none."""
    inner = without_peft(model)
    body = inner.get_decoder()
    parts = [body] if body is not inner else [part for part in inner.children() if isinstance(part, PreTrainedModel)]
    if not parts:
        raise InputError(
            f"{type(inner).__name__} has no decoder apart from its head: a value function cannot read it",
            "choose a model of another architecture",
        )
    return parts[0]


def add_head(model: torch.nn.Module, bias: float) -> torch.nn.Linear:
    """Gives `model` a head of zero weights, so that every value is the sigmoid of `bias`. Returns it."""
    head = torch.nn.Linear(without_peft(model).config.get_text_config().hidden_size, 1)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.constant_(head.bias, bias)
    model.value_head = head.to(next(model.parameters()).device)
    return head

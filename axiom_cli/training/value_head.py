"""The head of a value function: what turns a model's last hidden state into the log-odds that its completion passes.

While it is fitted it is a part of the model, so that the training loop has it among the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from axiom_cli.errors import InputError, NothingToDo
from axiom_cli.training import adapters
from axiom_cli.training.batches import Batch
from axiom_cli.training.rows import Row
from axiom_cli.training.scoring import Scorer
from axiom_cli.training.shards import Shards

OBJECTIVE = "value"
FILE = "value_head.safetensors"


def attach(model: torch.nn.Module, rows: Sequence[Row]) -> dict[str, Any]:
    """Gives `model` a head that predicts the pass rate of `rows`, whatever it sees. Returns that, and the samples that
    the rows stand for. NothingToDo where all of them pass, or none."""
    samples = math.fsum(row.weight for row in rows)
    rate = math.fsum(row.weight * (row.label or 0.0) for row in rows) / samples
    if not 0 < rate < 1:
        raise NothingToDo(f"all rows {'passed' if rate else 'failed'}: a value function learns from both kinds")
    _attach(model, torch.logit(torch.tensor(rate)).item())
    return {"samples": round(samples), "pass_rate": rate}


def whole(folder: Path) -> None:
    """InputError where a value function's folder lacks a part that is as it was written."""
    adapters.read_config(folder)
    Shards(folder, adapters.WEIGHTS)
    if set(Shards(folder, FILE).places) != {"weight", "bias"}:
        raise InputError(f"{folder / FILE} holds no head of a value function", "fit it again")


def load(model: torch.nn.Module, folder: Path) -> None:
    """Gives `model` the head that lies in `folder`."""
    _attach(model, 0.0)
    model.value_head.load_state_dict(load_file(folder / FILE))


def save(model: torch.nn.Module, folder: Path) -> None:
    """Writes the head of `model` into `folder`, if it has one."""
    if head := getattr(model, "value_head", None):
        state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
        save_file(state, folder / FILE, metadata={"format": "pt"})


def scorer(model: torch.nn.Module, probe: Row | None = None) -> Scorer:
    """A function from a batch to the log-odds of a pass after each of its completion tokens, shape (K,), in float32."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    decoder, head = inner.get_decoder(), model.value_head

    def logits(batch: Batch) -> torch.Tensor:
        hidden_BTH = decoder(input_ids=batch.input_ids_BT, use_cache=False).last_hidden_state
        with torch.autocast(hidden_BTH.device.type, enabled=False):
            return head(hidden_BTH.flatten(0, 1)[batch.at_K + 1].float()).squeeze(-1)

    return logits


def _attach(model: torch.nn.Module, bias: float) -> None:
    head = torch.nn.Linear(model.config.get_text_config().hidden_size, 1)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.constant_(head.bias, bias)
    model.value_head = head.to(next(model.parameters()).device)

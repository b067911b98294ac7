"""How a value function is fitted: its head, which is a part of the model so that training has it among the
parameters, and what its folder says of that."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from axiom_cli.errors import NothingToDoError
from axiom_cli.learning.training.batches import Batch
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.scoring import Scorer
from axiom_cli.learning.value_labels import OBJECTIVE
from axiom_cli.models import VALUE_FACTS, value_head
from axiom_cli.settings.configs import TrainConfig


def attach(model: torch.nn.Module, fitted: Sequence[Row]) -> dict[str, Any]:
    """Gives `model` a head that predicts the pass rate of `fitted`, whatever it sees. Returns that, and the samples
    that these rows stand for. NothingToDoError where all of them pass, or none."""
    samples = math.fsum(row.weight for row in fitted)
    rate = math.fsum(row.weight * (row.label or 0.0) for row in fitted) / samples
    if not 0 < rate < 1:
        raise NothingToDoError(f"all rows {'passed' if rate else 'failed'}: a value function learns from both kinds")
    value_head.add_head(model, torch.logit(torch.tensor(rate)).item())
    return {"samples": round(samples), "pass_rate": rate}


def scorer(model: torch.nn.Module) -> Scorer:
    """A function from a batch to the log-odds of a pass after each of its completion tokens, shape (K,), in float32."""
    decoder, head = value_head.decoder(model), cast(torch.nn.Linear, model.value_head)

    def logits(batch: Batch) -> torch.Tensor:
        hidden_BTH = decoder(input_ids=batch.input_ids_BT, use_cache=False).last_hidden_state
        with torch.autocast(hidden_BTH.device.type, enabled=False):
            return head(hidden_BTH.flatten(0, 1)[batch.positions_K + 1].float()).squeeze(-1)

    return logits


def write_facts(folder: Path, name: str, digest: str, fitted: Iterable[Row], config: TrainConfig) -> None:
    """Says in `folder` which model's samples are judged, and which problems the function was fitted on; and of one
    without a head that it has none."""
    problems = sorted({row.problem for row in fitted})
    facts: dict[str, Any] = {"kind": "value", "base": {"name": name, "digest": digest}, "problems": problems}
    facts |= {} if config.objective == OBJECTIVE else {"head": False}
    (folder / VALUE_FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

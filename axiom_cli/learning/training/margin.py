"""The margin of a model on what it learnt: by how much the logit of each right token is above the largest other one.

A model that has memorised its rows goes on to widen their margins, and one that comes to generalise gets them from
smaller weights: so a long run records them beside the norm of the weights (Morwani et al. 2311.07568; Lyu et al.
2311.18817).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from axiom_cli.learning.training.batches import collate
from axiom_cli.learning.training.rows import Row, encode
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.models.loading import load_generation_config, load_model, load_tokenizer
from axiom_cli.sampling.token_ids import end_ids

ROWS = 64
"""Rows that are looked at, evenly spread over the round's."""
LARGEST = 1 << 30
"""Bytes of a model that is loaded once more for it."""


@torch.inference_mode()
def mean_margin(folder: Path, examples: Sequence[TrainingExample], max_length: int) -> float | None:
    """The mean, over the completion tokens of ROWS of the `examples` that it was to imitate, of the right token's logit
    minus the largest other one. None where there is no such row, and for a model of more than LARGEST bytes."""
    wanted = [(example.verdict.sample, 1.0) for example in examples if example.row_weight > 0]
    if not wanted or sum(file.stat().st_size for file in folder.iterdir()) > LARGEST:
        return None
    tokenizer, model = load_tokenizer(folder), load_model(folder)
    ends = end_ids(tokenizer, load_generation_config(folder))
    spread = wanted[:: max(1, len(wanted) // ROWS)][:ROWS]
    margins = [margins_of(model, row) for row in encode(spread, tokenizer, ends, max_length).rows]
    every = [margin for row in margins for margin in row]
    return math.fsum(every) / len(every) if every else None


def margins_of(model: torch.nn.Module, row: Row) -> list[float]:
    """The margin of each completion token of a row, in logits (nats)."""
    batch = collate([row], next(model.parameters()).device)
    logits_KV = model(input_ids=batch.input_ids_BT, use_cache=False).logits[0, batch.positions_K].float()
    right_K = logits_KV.gather(1, batch.targets_K[:, None]).squeeze(1)
    others_KV = logits_KV.scatter(1, batch.targets_K[:, None], -math.inf)
    return (right_K - others_KV.amax(1)).tolist()

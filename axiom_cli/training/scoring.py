"""How likely a model finds completions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from axiom_cli.training.batches import Batch, collate
from axiom_cli.training.rows import Row

Scorer = Callable[[Batch], torch.Tensor]
"""A batch -> the log-probabilities of its completion tokens, in nats, shape (K,)."""


def scorer(model: torch.nn.Module, probe: Row) -> Scorer:
    """A function from a batch to the log-probabilities of its completion tokens, shape (K,).

    The head is applied to those K positions alone. Some architectures do more to their logits than the head does
    (soft caps, scales); `probe` tells, and then the model's own logits are used, at the price of computing all of them.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    decoder, head = inner.get_decoder(), inner.get_output_embeddings()
    batch = collate([probe], next(model.parameters()).device)

    def selected(batch: Batch) -> torch.Tensor:
        hidden_BTH = decoder(input_ids=batch.input_ids_BT, use_cache=False).last_hidden_state
        return head(hidden_BTH.flatten(0, 1)[batch.at_K])

    def whole(batch: Batch) -> torch.Tensor:
        return inner(input_ids=batch.input_ids_BT, use_cache=False).logits.flatten(0, 1)[batch.at_K]

    with torch.no_grad():
        same = torch.allclose(selected(batch).float(), whole(batch).float(), rtol=1e-2, atol=1e-2)
    logits = selected if same else whole
    return lambda batch: -functional.cross_entropy(logits(batch).float(), batch.targets_K, reduction="none")

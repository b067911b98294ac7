"""How likely a model finds completions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from axiom_cli.learning.training.batches import Batch, collate
from axiom_cli.learning.training.rows import Row
from axiom_cli.models.loading import without_peft

Scorer = Callable[[Batch], torch.Tensor]
"""A batch -> the log-probabilities of its completion tokens, in nats, shape (K,)."""


def scorer(model: torch.nn.Module, probe: Row) -> Scorer:
    """A function from a batch to the log-probabilities of its completion tokens, shape (K,).

    The head is shown those K positions alone. Where an architecture does something to its logits that depends on the
    others, `probe` tells, and then all of them are computed.
    """
    inner = without_peft(model)
    head = inner.get_output_embeddings()
    batch = collate([probe], next(model.parameters()).device)

    def selected(batch: Batch) -> torch.Tensor:
        def narrow(_head: torch.nn.Module, args: tuple) -> tuple:
            """The head is given those positions of what it is called with, as a batch of one row."""
            return (args[0].flatten(0, 1)[batch.positions_K][None], *args[1:])

        with head.register_forward_pre_hook(narrow):
            return inner(input_ids=batch.input_ids_BT, use_cache=False).logits.flatten(0, 1)

    def whole(batch: Batch) -> torch.Tensor:
        return inner(input_ids=batch.input_ids_BT, use_cache=False).logits.flatten(0, 1)[batch.positions_K]

    with torch.no_grad():
        few, all_of_them = selected(batch).float(), whole(batch).float()
        same = few.shape == all_of_them.shape and torch.allclose(few, all_of_them, rtol=1e-2, atol=1e-2)
    logits = selected if same else whole
    return lambda batch: -functional.cross_entropy(logits(batch).float(), batch.targets_K, reduction="none")

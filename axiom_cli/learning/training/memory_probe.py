"""How large a micro-batch may be: one small forward pass tells what a token takes of the free memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from axiom_cli.learning.training import fsdp
from axiom_cli.learning.training.batches import Batch, collate
from axiom_cli.learning.training.rows import Row
from axiom_cli.models import memory

CHECKPOINTED_PROBE = 128
"""Tokens of the row that shows, with gradient checkpointing, what a token takes."""


def tokens_that_fit(
    model: torch.nn.Module, row: Row, logprobs: Callable[[Batch], torch.Tensor], sharing: int, *, checkpointed: bool
) -> int:
    """How many padded tokens a micro-batch may hold for the memory that is free, which `sharing` processes share; `row`
    is what is tried. `checkpointed`: gradient checkpointing recomputes activations, though not in this forward pass.
    MissingError where a few are too many."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    device = parameters[0].device
    if checkpointed:  # nothing is recomputed yet: a whole row may be too much
        row = _shortened(row, CHECKPOINTED_PROBE)

    def forward(times: int) -> torch.Tensor:
        return logprobs(collate([row] * times, device))

    with memory.explained_shortage("before the first step"):
        token_bytes = memory.token_bytes(forward, row.length)
    if checkpointed:
        token_bytes = memory.checkpointed_token_bytes(token_bytes, model)
    trained = sum(fsdp.local(p).numel() for p in parameters)
    return max(1, int(memory.activation_budget(device, trained) / sharing / token_bytes))


def _shortened(row: Row, length: int) -> Row:
    """The row, cut to at most `length` tokens; the share of completion tokens stays the same."""
    if row.length <= length:
        return row
    learned = min(length - 1, max(1, length * len(row.completion_ids) // row.length))
    prompt_ids, completion_ids = row.prompt_ids[: length - learned], row.completion_ids[:learned]
    return replace(row, prompt_ids=prompt_ids, completion_ids=completion_ids, ref_logprobs=row.ref_logprobs[:learned])

"""KTO's reference point: how far the model has moved from its reference on completions that do not belong.

2402.01306 estimates KL(p || q) by the mean of log p(y' | x) / q(y' | x) over pairs of a prompt x and the completion y'
of another problem, no lower than zero. Here it is taken over all rows of an optimiser step, so that neither
micro-batches nor processes change it; each prompt keeps its mismatched completion for the whole run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import torch

from axiom_cli.learning.training.batches import collate
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.scoring import Scorer


def mismatched(rows: Sequence[Row], seed: int) -> list[Row]:
    """For each row its prompt with the completion of another problem's row; of its own where there is no other."""
    order = list(range(len(rows)))
    Random(f"{seed}/foreign").shuffle(order)
    place = {number: position for position, number in enumerate(order)}

    def partner(number: int) -> int:
        after = (order[(place[number] + step) % len(order)] for step in range(1, len(order)))
        return next((other for other in after if rows[other].problem != rows[number].problem), number)

    return [
        replace(row, completion_ids=rows[partner(number)].completion_ids, ref_logprobs=(), engine_logprob=None)
        for number, row in enumerate(rows)
    ]


@torch.no_grad()
def log_ratio_sum(rows: Sequence[Row], logprobs: Scorer, device: torch.device) -> float:
    """The sum over these rows of log p(y' | x) / q(y' | x), in nats."""
    batch = collate(rows, device)
    return float((logprobs(batch) - batch.ref_logprobs_K).sum())

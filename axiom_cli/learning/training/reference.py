"""How likely each completion was before training, which comparing objectives hold the model to, and how far the model
has moved from there (KTO's reference point).

The reference is the model at the moment when training begins: the base with the adapters of earlier rounds. A new LoRA
adapter changes nothing yet, since its second matrix is zero, so that the adapted model *is* its reference then; with
`--method full` it is so, too. It is evaluated once, before the first step, and never held beside the model.

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
from axiom_cli.models import micro_batches


@torch.no_grad()
def with_ref_logprobs(rows: Sequence[Row], logprobs: Scorer, budget: int, device: torch.device) -> list[Row]:
    """The same rows, each with the log-probabilities of its completion's tokens, in nats at temperature 1.

    A sample holds only their sum, so they are computed here, from the weights that the sample should be from;
    `logprob_mismatch` says whether it was. At most `budget` padded tokens share a micro-batch.
    """
    by_row: dict[int, list[float]] = {}
    lengths = [row.length for row in rows]
    for batches in micro_batches.split(range(len(rows)), lengths, budget, 1):
        for numbers in batches:
            batch = collate([rows[number] for number in numbers], device)
            parts = logprobs(batch).float().cpu().split(batch.counts)
            by_row |= {number: part.tolist() for number, part in zip(numbers, parts, strict=True)}
    return [replace(row, ref_logprobs=by_row[number]) for number, row in enumerate(rows)]


def logprob_mismatch(rows: Sequence[Row]) -> float | None:
    """By how many nats a token, on average, the engine's log-probabilities differ from the reference's; None where no
    sample came with any. Near zero if the samples were drawn from these weights."""
    known = [(row.ref_logprobs, row.engine_logprob) for row in rows if row.ref_logprobs]
    differences = [abs(sum(ours) - theirs) for ours, theirs in known if theirs is not None]
    tokens = sum(len(ours) for ours, theirs in known if theirs is not None)
    return sum(differences) / tokens if tokens else None


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

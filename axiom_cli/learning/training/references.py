"""How likely each completion was before training: what comparing objectives hold the model to.

The reference is the model at the moment when training begins: the base with the adapters of earlier rounds. A new LoRA
adapter changes nothing yet, since its second matrix is zero, so that the adapted model *is* its reference then; with
`--method full` it is so, too. It is asked once, before the first step, and never held beside the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from axiom_cli.learning.training.batches import collate
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.scoring import Scorer
from axiom_cli.models.micro_batches import cut


@torch.no_grad()
def recorded(rows: Sequence[Row], logprobs: Scorer, budget: int, device: torch.device) -> list[Row]:
    """The same rows, each with the log-probabilities of its completion's tokens, in nats at temperature 1.

    A sample holds the sum of them alone, so they are computed here, from the weights that the sample should be from;
    `gap` says whether it was. At most `budget` padded tokens share a pass.
    """
    found: dict[int, list[float]] = {}
    lengths = [row.length for row in rows]
    for numbers in (numbers for passes in cut(range(len(rows)), lengths, budget, 1) for numbers in passes):
        batch = collate([rows[number] for number in numbers], device)
        parts = logprobs(batch).float().cpu().split(batch.counts)
        found |= {number: part.tolist() for number, part in zip(numbers, parts, strict=True)}
    return [replace(row, recorded=found[number]) for number, row in enumerate(rows)]


def gap(rows: Sequence[Row]) -> float | None:
    """By how many nats a token, on average, the engine's own log-probabilities differ from the recorded ones; None
    where no sample came with any. Near zero if the samples were drawn from these weights."""
    known = [row for row in rows if row.sampled is not None and row.recorded]
    tokens = sum(len(row.recorded) for row in known)
    return sum(abs(sum(row.recorded) - row.sampled) for row in known) / tokens if tokens else None

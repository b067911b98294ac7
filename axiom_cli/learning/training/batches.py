"""Which rows share a forward pass: seeded order, similar lengths side by side, a token budget a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch

from axiom_cli.learning.training.rows import Row
from axiom_cli.models.micro_batches import Passes
from axiom_cli.settings.configs import TrainConfig

WINDOW = 16
"""Optimiser steps' worth of shuffled rows that are sorted by length together: little padding, still a random order."""


@dataclass(frozen=True)
class Batch:
    """Rows padded on the right to the longest. `at_K` are the flat positions in (B, T) whose next token is trained on,
    row after row, `counts` of them in each; `recorded_K` are their log-probabilities before training (zero: not known).
    `labels_R` are the rows' shares of passes (zero: not known).

    There is no attention mask: under a causal model nothing real looks at padding that comes after it.
    """

    input_ids_BT: torch.Tensor
    at_K: torch.Tensor
    targets_K: torch.Tensor
    weights_K: torch.Tensor
    weights_R: torch.Tensor
    recorded_K: torch.Tensor
    labels_R: torch.Tensor
    counts: list[int]

    @property
    def counts_R(self) -> torch.Tensor:
        """Completion tokens of each row."""
        return torch.tensor(self.counts, device=self.weights_R.device)

    def by_row(self, values_K: torch.Tensor) -> torch.Tensor:
        """Each row's sum, shape (R,)."""
        return torch.stack([part.sum() for part in values_K.split(self.counts)])


def plan(lengths: Sequence[int], config: TrainConfig, rows: float = 1.0) -> list[list[int]]:
    """The rows of every optimiser step of a run, `batch_size * grad_accum` of them (evened out over an epoch). Or what
    stands for `rows` of them each, and stays together: then fewer."""
    wanted = config.batch_size * config.grad_accum / rows
    per_epoch = max(1, round(len(lengths) / wanted))
    total = max(1, round(config.epochs * per_epoch))
    steps: list[list[int]] = []
    epoch = 0
    while len(steps) < total:
        random = Random(f"{config.seed}/rows/{epoch}")
        steps += _epoch(lengths, per_epoch, random)
        epoch += 1
    return steps[:total]


def _epoch(lengths: Sequence[int], steps: int, random: Random) -> list[list[int]]:
    """All rows once, in `steps` groups of nearly equal size and of similar lengths."""
    order = list(range(len(lengths)))
    random.shuffle(order)
    edges = [round(i * len(order) / steps) for i in range(steps + 1)]
    groups: list[list[int]] = []
    for first in range(0, steps, WINDOW):
        last = min(first + WINDOW, steps)
        window = sorted(order[edges[first] : edges[last]], key=lambda row: lengths[row])
        start = edges[first]
        part = [window[edges[i] - start : edges[i + 1] - start] for i in range(first, last)]
        random.shuffle(part)
        groups += part
    return groups


def padded(passes: Passes, lengths: Sequence[int]) -> int:
    """Tokens in these passes, padding included."""
    return sum(len(rows) * max(lengths[row] for row in rows) for rows in passes)


def collate(rows: Sequence[Row], device: torch.device | str = "cpu") -> Batch:
    """One batch. The loss of a token is counted with its row's weight."""
    width = max(row.length for row in rows)
    input_ids_BT = torch.zeros(len(rows), width, dtype=torch.long)
    at: list[torch.Tensor] = []
    targets: list[torch.Tensor] = []
    weights: list[torch.Tensor] = []
    for number, row in enumerate(rows):
        ids = torch.tensor(row.prompt_ids + row.completion_ids)
        input_ids_BT[number, : row.length] = ids
        first = number * width + len(row.prompt_ids) - 1
        at.append(torch.arange(first, first + len(row.completion_ids)))
        targets.append(ids[len(row.prompt_ids) :])
        weights.append(torch.full((len(row.completion_ids),), row.weight))
    recorded = [torch.tensor(row.recorded or [0.0] * len(row.completion_ids)) for row in rows]
    joined = (torch.cat(part).to(device) for part in (at, targets, weights))
    weights_R = torch.tensor([row.weight for row in rows]).to(device)
    labels_R = torch.tensor([row.label or 0.0 for row in rows]).to(device)
    counts = [len(row.completion_ids) for row in rows]
    return Batch(input_ids_BT.to(device), *joined, weights_R, torch.cat(recorded).to(device), labels_R, counts)

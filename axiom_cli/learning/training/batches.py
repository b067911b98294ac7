"""Which rows an optimiser step has, and how rows become tensors: seeded order, similar lengths side by side.

Rows that share a micro-batch (a pair) stay together, and so do groups that share an optimiser step (a problem).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random

import torch

from axiom_cli.learning.objectives import Objective
from axiom_cli.learning.training.rows import Row
from axiom_cli.models.micro_batches import MicroBatches
from axiom_cli.settings.configs import TrainConfig

WINDOW = 16
"""Optimiser steps' worth of shuffled rows that are sorted by length together: little padding, still a random order."""
Groups = list[range]
"""Row numbers, `Objective.group_size` in each group."""


@dataclass(frozen=True)
class Batch:
    """Rows padded on the right to the longest. `positions_K` are the flat positions in (B, T) whose next token is
    trained on, row after row, `counts` of them in each; `ref_logprobs_K` are the log-probabilities of these tokens
    before training (zero: not known). `labels_R` are the rows' shares of passes (zero: not known).

    There is no attention mask: under a causal model no real token attends to the padding that comes after it.
    """

    input_ids_BT: torch.Tensor
    positions_K: torch.Tensor
    targets_K: torch.Tensor
    weights_K: torch.Tensor
    weights_R: torch.Tensor
    ref_logprobs_K: torch.Tensor
    labels_R: torch.Tensor
    counts: list[int]

    @property
    def counts_R(self) -> torch.Tensor:
        """Completion tokens of each row."""
        return torch.tensor(self.counts, device=self.weights_R.device)

    def by_row(self, values_K: torch.Tensor) -> torch.Tensor:
        """Each row's sum, shape (R,)."""
        return torch.stack([part.sum() for part in values_K.split(self.counts)])

    def rows(self) -> Iterator[Batch]:
        """Each row as a batch of its own, without its padding."""
        width, first = self.input_ids_BT.shape[1], 0
        for number, count in enumerate(self.counts):
            part = slice(first, first + count)
            positions_K = self.positions_K[part] - number * width
            yield Batch(
                input_ids_BT=self.input_ids_BT[number : number + 1, : int(positions_K[-1]) + 2],
                positions_K=positions_K,
                targets_K=self.targets_K[part],
                weights_K=self.weights_K[part],
                weights_R=self.weights_R[number : number + 1],
                ref_logprobs_K=self.ref_logprobs_K[part],
                labels_R=self.labels_R[number : number + 1],
                counts=[count],
            )
            first += count


def plan_steps(lengths: Sequence[int], config: TrainConfig, rows: float = 1.0) -> list[list[int]]:
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


def group_rows(rows: Sequence[Row], objective: Objective) -> tuple[Groups, list[int]]:
    """The groups, and the tokens that each takes once its rows are padded to the longest of them."""
    size = objective.group_size
    groups = [range(first, first + size) for first in range(0, len(rows), size)]
    return groups, [size * max(rows[row].length for row in group) for group in groups]


def group_steps(
    rows: Sequence[Row], groups: Groups, lengths: Sequence[int], objective: Objective, config: TrainConfig
) -> list[list[int]]:
    """The groups of every step. Those of a problem stand side by side; with `problem_in_one_step` they share a step."""
    if not objective.problem_in_one_step:
        return plan_steps(lengths, config)
    by_problem = [list(members) for _, members in groupby(range(len(groups)), lambda g: rows[groups[g][0]].problem)]
    longest = [max(lengths[group] for group in members) for members in by_problem]
    steps = plan_steps(longest, config, len(groups) / len(by_problem))
    return [[group for problem in step for group in by_problem[problem]] for step in steps]


def padded_tokens(batches: MicroBatches, lengths: Sequence[int]) -> int:
    """Tokens in these micro-batches, padding included."""
    return sum(len(rows) * max(lengths[row] for row in rows) for rows in batches)


def collate(rows: Sequence[Row], device: torch.device | str = "cpu") -> Batch:
    """One batch. The loss of a token is counted with its row's weight."""
    width = max(row.length for row in rows)
    input_ids_BT = torch.zeros(len(rows), width, dtype=torch.long)
    positions: list[torch.Tensor] = []
    targets: list[torch.Tensor] = []
    for number, row in enumerate(rows):
        ids = torch.tensor(row.prompt_ids + row.completion_ids)
        input_ids_BT[number, : row.length] = ids
        first = number * width + len(row.prompt_ids) - 1
        positions.append(torch.arange(first, first + len(row.completion_ids)))
        targets.append(ids[len(row.prompt_ids) :])
    counts = [len(row.completion_ids) for row in rows]
    weights_R = torch.tensor([row.weight for row in rows])
    ref_logprobs = [torch.tensor(row.ref_logprobs or [0.0] * count) for row, count in zip(rows, counts, strict=True)]
    return Batch(
        input_ids_BT=input_ids_BT.to(device),
        positions_K=torch.cat(positions).to(device),
        targets_K=torch.cat(targets).to(device),
        weights_K=weights_R.repeat_interleave(torch.tensor(counts)).to(device),
        weights_R=weights_R.to(device),
        ref_logprobs_K=torch.cat(ref_logprobs).to(device),
        labels_R=torch.tensor([row.label or 0.0 for row in rows]).to(device),
        counts=counts,
    )

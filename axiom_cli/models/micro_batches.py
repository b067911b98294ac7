"""Which rows share a forward pass: at most a token budget, similar lengths side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from axiom_cli.settings.configs import TrainConfig

TOKENS_PER_THREAD = 1024
"""Padded tokens in one forward pass, for each processor thread: measured on a model of 2.3 million parameters, 16 times
as many halve the speed, since activations no longer stay in the caches."""
ACCELERATOR_TOKENS = 16384

MicroBatches = list[list[int]]
"""Forward passes, each a list of row numbers."""


def token_budget(device: torch.device, config: TrainConfig, workers: int = 1) -> int:
    """How many padded tokens one forward pass may hold, with so many processes of one thread (1: this process, with its
    threads). It decides the speed, and not what is learned."""
    if device.type == "cpu":
        return TOKENS_PER_THREAD * (torch.get_num_threads() if workers == 1 else 1)
    return max(ACCELERATOR_TOKENS, config.batch_size * config.max_length)


def split(rows: Sequence[int], lengths: Sequence[int], budget: int, workers: int) -> list[MicroBatches]:
    """A step's rows, dealt out evenly to `workers` (fewer where there are fewer rows): in order of length, in forward
    passes of at most `budget` padded tokens (or a single row). It changes the speed and not the gradient."""
    ranked = sorted(rows, key=lambda row: -lengths[row])
    worker_batches: list[MicroBatches] = [[] for _ in range(min(workers, len(rows)))]
    for worker, batches in enumerate(worker_batches):
        for row in ranked[worker::workers]:
            if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= budget:
                batches[-1].append(row)
            else:
                batches.append([row])
    return worker_batches

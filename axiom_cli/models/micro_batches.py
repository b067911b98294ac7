"""Which rows share a forward pass: a token budget a pass, similar lengths side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from axiom_cli.settings.configs import TrainConfig

PASS_TOKENS = 1024
"""Padded tokens in one forward pass, for each processor thread: measured on a model of 2.3 million parameters, 16 times
as many halve the speed, since activations no longer stay in the caches."""
ACCELERATOR_TOKENS = 16384

Passes = list[list[int]]
"""Forward passes, each a list of row numbers."""


def pass_budget(device: torch.device, config: TrainConfig) -> int:
    """How many padded tokens one forward pass may hold. It decides the speed, and not what is learnt."""
    if device.type == "cpu":
        return PASS_TOKENS * torch.get_num_threads()
    return max(ACCELERATOR_TOKENS, config.batch_size * config.max_length)


def cut(rows: Sequence[int], lengths: Sequence[int], budget: int, hands: int) -> list[Passes]:
    """A step's rows, dealt out evenly to `hands` (fewer where there are fewer rows): in order of length, in forward
    passes of at most `budget` padded tokens (or a single row). It changes the speed and not the gradient."""
    ranked = sorted(rows, key=lambda row: -lengths[row])
    return [_passes(ranked[hand::hands], lengths, budget) for hand in range(min(hands, len(rows)))]


def _passes(rows: Sequence[int], lengths: Sequence[int], budget: int) -> Passes:
    passes: Passes = []
    for row in rows:
        if passes and lengths[passes[-1][0]] * (len(passes[-1]) + 1) <= budget:
            passes[-1].append(row)
        else:
            passes.append([row])
    return passes

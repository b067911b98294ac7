"""What turns a step's gradients into new weights, and how large its steps are."""

from __future__ import annotations

import math
from typing import Any

import torch

from axiom_cli.learning.training.muon import Muon
from axiom_cli.settings.configs import TrainConfig

BETAS = (0.9, 0.99)


def learning_rate(step: int, steps: int, config: TrainConfig) -> float:
    """Linear warm-up to `config.lr` over the `warmup` share of the steps, then half a cosine down to a tenth of it."""
    warm = max(1, math.ceil(config.warmup * steps)) if config.warmup else 0
    if step < warm:
        return config.lr * (step + 1) / warm
    way = (step - warm + 1) / max(1, steps - warm)
    return config.lr * (0.1 + 0.45 * (1 + math.cos(math.pi * way)))


def make_optimizer(model: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of the parameters of `model` that require gradients. Weight decay falls on matrices only, and with
    Muon not on embeddings."""
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices, vectors = [p for p in trained if p.dim() > 1], [p for p in trained if p.dim() <= 1]
    decayed: dict[str, Any] = {"params": matrices, "weight_decay": config.weight_decay}
    plain: dict[str, Any] = {"params": vectors, "weight_decay": 0.0}
    if config.optimizer == "muon":
        embeddings = {id(p) for m in model.modules() if isinstance(m, torch.nn.Embedding) for p in m.parameters()}
        hidden = [p for p in matrices if id(p) not in embeddings]
        rest = [p for p in matrices if id(p) in embeddings] + vectors
        return Muon(
            [{**decayed, "params": hidden, "orthogonal": True}, {"params": rest, "orthogonal": False}], lr=config.lr
        )
    groups = [group for group in (decayed, plain) if group["params"]]
    if config.optimizer == "adamw8bit":
        # Its means are kept in 8 bits, block by block (2110.02861); small tensors keep theirs in 32.
        from bitsandbytes.optim import AdamW8bit

        return AdamW8bit(groups, lr=config.lr, betas=BETAS)
    return torch.optim.AdamW(groups, lr=config.lr, betas=BETAS, fused=True)

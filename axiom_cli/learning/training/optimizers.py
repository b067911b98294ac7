"""What turns a step's gradients into new weights, and how large its steps are."""

from __future__ import annotations

import math

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


def optimizer(model: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of the parameters of `model` that require gradients. Weight decay falls on matrices only."""
    learnt = [p for p in model.parameters() if p.requires_grad]
    matrices, vectors = ([p for p in learnt if (p.dim() > 1) == flat] for flat in (True, False))
    if config.optimizer == "muon":
        return _muon(model, matrices, vectors, config)
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    if config.optimizer == "adamw8bit":
        return _adamw8bit(groups, config)
    return torch.optim.AdamW(groups, lr=config.lr, betas=BETAS, fused=True)


def _muon(
    model: torch.nn.Module, matrices: list[torch.Tensor], vectors: list[torch.Tensor], config: TrainConfig
) -> torch.optim.Optimizer:
    embeddings = {id(p) for m in model.modules() if isinstance(m, torch.nn.Embedding) for p in m.parameters()}
    hidden = [p for p in matrices if id(p) not in embeddings]
    rest = [p for p in matrices if id(p) in embeddings] + vectors
    groups = [{"params": hidden, "orthogonal": True, "weight_decay": config.weight_decay}]
    return Muon([*groups, {"params": rest, "orthogonal": False}], lr=config.lr)


def _adamw8bit(groups: list[dict], config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW whose means are kept in 8 bits, block by block (2110.02861). Small tensors keep theirs in 32."""
    from bitsandbytes.optim import AdamW8bit

    return AdamW8bit(groups, lr=config.lr, betas=BETAS)

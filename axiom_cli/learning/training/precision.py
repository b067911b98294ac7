"""The types of numbers in training: of the products, and of the weights that stay as they are."""

from __future__ import annotations

from pathlib import Path

import torch

from axiom_cli.models.loading import DTYPES, device, stored_dtype
from axiom_cli.settings.configs import TrainConfig


def training_precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    """The type that products are computed in: float32 or bfloat16. Trained weights are float32 in any case."""
    if config.precision != "auto":
        return DTYPES[config.precision]
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float32


def frozen_dtype(path: Path | str, config: TrainConfig) -> torch.dtype:
    """The type that frozen weights are held in: bfloat16 where products are computed in it and the files hold no more
    than that, so that nothing is rounded."""
    half = config.method != "full" and training_precision(config, device()) is torch.bfloat16
    return torch.bfloat16 if half and stored_dtype(path) is torch.bfloat16 else torch.float32

"""The size of a model's weights: it grows while a model memorises, and shrinks as it comes to generalise (Power et al.
2201.02177; Nanda et al. 2301.05217)."""

from __future__ import annotations

import math
from pathlib import Path

from safetensors import safe_open

from axiom_cli.models.folders import safetensors_files


def weight_norm(folder: Path) -> float:
    """The Euclidean norm of all weights in a model's folder, read tensor by tensor; shared weights count once."""
    total = 0.0
    for name in safetensors_files(folder):
        with safe_open(folder / name, "pt") as file:
            total += sum(file.get_tensor(key).double().square().sum().item() for key in file.keys())  # noqa: SIM118
    return math.sqrt(total)

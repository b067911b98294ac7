"""LoRA (2106.09685), DoRA (2402.09353) and rsLoRA (2312.03732) through peft: attach, save as a standard peft folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import Linear as LoraLinear
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from axiom_cli.models.adapters import CONFIG, WEIGHTS
from axiom_cli.models.loading import device, training_precision
from axiom_cli.settings.configs import TrainConfig

tqdm.monitor_interval = 0
"""peft makes bars that nobody sees. Their watcher is a thread, for whose start Python waits for ever where memory is
short."""


@contextmanager
def attached(model: torch.nn.Module, config: TrainConfig) -> Iterator[PeftModel]:
    """`model` with fresh LoRA matrices (seeded) on every linear layer but the head; without them again afterwards."""
    torch.manual_seed(config.seed)
    settings = LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        use_dora=config.method == "dora",
        use_rslora=config.rslora,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft's talk with transformers
        wrapped = get_peft_model(model, settings)
    if config.method == "lora" and not config.lora_dropout and training_precision(config, device()) is torch.float32:
        for layer in wrapped.modules():
            if isinstance(layer, LoraLinear):
                _fold(layer)
    frozen = [p for p in model.parameters() if not p.requires_grad]
    try:
        yield wrapped
    finally:
        wrapped.unload()
        for parameter in frozen:
            parameter.requires_grad_(parameter.is_floating_point())


def _fold(layer: LoraLinear) -> None:
    """Lets the layer multiply by W + scale * B @ A, formed once a pass, where that takes fewer operations than W, A and
    B each: per token and direction in * out more for the gradient of W, 3 * r * (in + out) fewer. Not in half
    precision, where the sum would lose what is small beside W."""
    (name,) = layer.active_adapters
    base, scale = cast(nn.Linear, layer.get_base_layer()), layer.scaling[name]
    down, up = cast(nn.Linear, layer.lora_A[name]), cast(nn.Linear, layer.lora_B[name])
    if base.weight.numel() >= 3 * down.weight.shape[0] * sum(base.weight.shape):
        return

    def forward(x: torch.Tensor) -> torch.Tensor:
        weight = torch.addmm(base.weight, up.weight, down.weight, alpha=scale)
        return functional.linear(x, weight, base.bias)

    layer.forward = forward  # type: ignore[method-assign]  # this layer alone multiplies otherwise


def save(wrapped: PeftModel, folder: Path, base_name: str) -> None:
    """The adapter as peft itself would write it, its config in a fixed order so that equal adapters are equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    # Without `save_embedding_layers` peft asks the hub whether the vocabulary is the base's own.
    state = get_peft_model_state_dict(wrapped, save_embedding_layers=False)
    weights = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    save_file(dict(sorted(weights.items())), folder / WEIGHTS, metadata={"format": "pt"})
    config = wrapped.peft_config["default"].to_dict() | {"base_model_name_or_path": base_name, "inference_mode": True}

    def plain(value: object) -> list[Any] | str:
        return sorted(value) if isinstance(value, (set, frozenset)) else str(value)

    text = json.dumps(config, default=plain, indent=2, sort_keys=True)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")

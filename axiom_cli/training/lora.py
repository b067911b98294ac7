"""LoRA (2106.09685), DoRA (2402.09353) and rsLoRA (2312.03732) through peft: attach, save as a standard peft
folder, read the weight change back in float32."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import Linear as LoraLinear
from safetensors.torch import load_file, save_file
from torch.nn import functional

from axiom_cli.configs import TrainConfig
from axiom_cli.errors import InputError
from axiom_cli.training.base import device, precision

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
METHODS = ("lora", "dora")
_PREFIX = "base_model.model."
_INEXACT = ("use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "modules_to_save")


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
    if config.method == "lora" and not config.lora_dropout and precision(config, device()) is torch.float32:
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
    base, down, up = layer.get_base_layer(), layer.lora_A[name], layer.lora_B[name]
    if base.weight.numel() >= 3 * down.weight.shape[0] * sum(base.weight.shape):
        return

    def forward(x: torch.Tensor) -> torch.Tensor:
        weight = torch.addmm(base.weight, up.weight, down.weight, alpha=layer.scaling[name])
        return functional.linear(x, weight, base.bias)

    layer.forward = forward


def save(wrapped: PeftModel, folder: Path, base_name: str) -> None:
    """The adapter as peft itself would write it, its config in a fixed order so that equal adapters are equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    # Without `save_embedding_layers` peft asks the hub whether the vocabulary is the base's own.
    state = get_peft_model_state_dict(wrapped, save_embedding_layers=False)
    weights = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    save_file(dict(sorted(weights.items())), folder / WEIGHTS, metadata={"format": "pt"})
    config = wrapped.peft_config["default"].to_dict() | {"base_model_name_or_path": base_name, "inference_mode": True}
    text = json.dumps(config, default=_plain, indent=2, sort_keys=True)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


def deltas(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """(parameter name, weight change in float32) for each layer of a plain LoRA adapter: scale * B @ A."""
    config = read_config(folder)
    scale = config["lora_alpha"] / config["r"]
    weights = load_file(folder / WEIGHTS)
    for name in sorted(weights):
        if name.endswith(".lora_A.weight"):
            layer = name.removesuffix(".lora_A.weight")
            delta = scale * (weights[f"{layer}.lora_B.weight"].float() @ weights[name].float())
            yield f"{layer.removeprefix(_PREFIX)}.weight", delta.T if config.get("fan_in_fan_out") else delta


@torch.no_grad()
def add(folder: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Adds an adapter's weight change to the float32 weights in `state`, in place."""
    for name, delta in deltas(folder):
        if name not in state or state[name].shape != delta.shape:
            raise InputError(f"the adapter changes {name}, which this base does not have in that shape")
        state[name].add_(delta.to(state[name].device))


def read_config(folder: Path) -> dict[str, Any]:
    """An adapter's config. InputError where its kind would not be merged exactly by `deltas`."""
    path = folder / CONFIG
    if not path.exists():
        raise InputError(f"{folder} is no LoRA adapter: it has no {CONFIG}")
    config = json.loads(path.read_text(encoding="utf-8"))
    odd = [key for key in _INEXACT if config.get(key)]
    if config.get("peft_type") != "LORA" or odd:
        raise InputError(f"the adapter in {folder} is no plain LoRA ({', '.join(odd) or config.get('peft_type')})")
    return config


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)

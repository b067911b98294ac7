"""LoRA (2106.09685), DoRA (2402.09353) and rsLoRA (2312.03732) through peft: attach, save as a standard peft folder."""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from tqdm import tqdm
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping

from axiom_cli import permitted
from axiom_cli.learning.training.precision import training_precision
from axiom_cli.models.adapters import CONFIG, WEIGHTS
from axiom_cli.models.loading import device, load_config, without_peft
from axiom_cli.settings.configs import TrainConfig

MAMBAS = ("mamba", "mamba2", "falcon_mamba", "falcon_h1", "nemotron_h")
"""Types of models whose `out_proj` peft does not take."""
OMITTED = 0.01
"""Share of the matrices that an adapter may leave out without a word."""
TRIAL = 0.05
"""How large the weights of a trial are: what they add is small beside a layer's own, and larger than rounding."""
tqdm.monitor_interval = 0
"""peft makes bars that nobody sees. Their watcher is a thread, for whose start Python waits for ever where memory is
short."""


@contextmanager
def attached(model: torch.nn.Module, config: TrainConfig) -> Iterator[PeftModel]:
    """`model` with fresh LoRA matrices (seeded) on every linear layer but the head; without them again afterwards."""
    torch.manual_seed(config.seed)
    excluded = sorted(name for name, layer in model.named_modules() if not _adaptable(model, name, layer))
    settings = LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        use_dora=config.method == "dora",
        use_rslora=config.rslora,
        target_modules="all-linear",
        exclude_modules=excluded or None,
        task_type="CAUSAL_LM",
    )
    settings.target_modules = _targets(model, settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft's talk with transformers
        warnings.filterwarnings("ignore", message="fan_in_fan_out")  # which way Conv1D's weight lies is peft's to know
        wrapped = get_peft_model(model, settings)
    if config.method == "lora" and not config.lora_dropout and training_precision(config, device()) is torch.float32:
        for layer in wrapped.modules():
            if isinstance(layer, LoraLinear) and type(layer.get_base_layer()) is nn.Linear:
                _fold(layer)
    frozen = [p for p in model.parameters() if not p.requires_grad]
    try:
        yield wrapped
    finally:
        wrapped.unload()
        for parameter in frozen:
            parameter.requires_grad_(parameter.is_floating_point())


def _targets(model: nn.Module, settings: LoraConfig) -> list[str] | str:
    """Every linear layer but the head. Of a mixture peft takes some names for those of all experts' matrices, which are
    no layers and could not be merged as they are stored: these names are left out."""
    try:
        from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers
    except ImportError:  # before peft 0.19
        return "all-linear"
    understood = deepcopy(settings)
    convert_peft_config_for_transformers(understood, model, get_model_conversion_mapping(cast(PreTrainedModel, model)))
    return sorted(understood.target_modules or ()) if understood.target_parameters else "all-linear"


def _adaptable(model: nn.Module, name: str, layer: nn.Module) -> bool:
    """Whether a change beside the layer is a change of its weights. A model's own kind of linear layer may do more than
    multiply (Phi-3.5-MoE's router chooses, too), and the fused kernels of Mamba read the weights of some themselves."""
    if not isinstance(layer, nn.Linear):
        return True
    if getattr(model.config, "model_type", "") in MAMBAS and name.endswith(".out_proj"):
        return False
    if not type(layer).__module__.startswith("transformers.models."):
        return True
    x = torch.linspace(-1, 1, layer.in_features, dtype=layer.weight.dtype, device=layer.weight.device)[None]
    try:
        out = layer(x)
    except (RuntimeError, TypeError, ValueError, IndexError):
        return False
    plain = functional.linear(x, layer.weight, layer.bias)
    return (
        isinstance(out, torch.Tensor) and out.shape == plain.shape and torch.allclose(out, plain, rtol=1e-2, atol=1e-2)
    )


def omitted(wrapped: PeftModel) -> str:
    """A sentence about the matrices outside embedding and head that the adapter leaves as they are; empty where it
    changes all but a hundredth of them."""
    inner = without_peft(wrapped)
    apart = [layer for layer in inner.modules() if isinstance(layer, nn.Embedding)] + [inner.get_output_embeddings()]
    outside = {id(p) for layer in apart for p in layer.parameters()}
    covered = {id(p) for layer in wrapped.modules() if isinstance(layer, LoraLayer) for p in layer.parameters()}
    named = [(name, p) for name, p in inner.named_parameters() if p.dim() > 1 and id(p) not in outside]
    total = sum(p.numel() for name, p in named if ".lora_" not in name)
    kinds: Counter[str] = Counter()
    for name, parameter in named:
        if id(parameter) not in covered:
            kinds[re.sub(r"^.*\.\d+\.", "", name).removesuffix(".weight")] += parameter.numel()
    if kinds.total() < OMITTED * total:
        return ""
    largest = ", ".join(name for name, _ in kinds.most_common(3)) + (f" and {len(kinds) - 3} more" * (len(kinds) > 3))
    return f"the adapter leaves {kinds.total() / total:.0%} of the layers' weights as they are: {largest}"


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
        if layer.disable_adapters:
            return base(x)
        weight = torch.addmm(base.weight, up.weight, down.weight, alpha=scale)
        return functional.linear(x, weight, base.bias)

    layer.forward = forward  # type: ignore[method-assign]  # this layer alone multiplies otherwise


def save(wrapped: PeftModel, folder: Path, base_name: str) -> None:
    """The adapter as peft itself would write it, its config in a fixed order so that equal adapters are equal bytes."""
    # Without `save_embedding_layers` peft asks the hub whether the vocabulary is the base's own.
    state = get_peft_model_state_dict(wrapped, save_embedding_layers=False)
    weights = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    _write(weights, wrapped, folder, base_name)


def _write(weights: Mapping[str, torch.Tensor], wrapped: PeftModel, folder: Path, base_name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(sorted(weights.items())), folder / WEIGHTS, metadata={"format": "pt"})
    config = wrapped.peft_config["default"].to_dict() | {"base_model_name_or_path": base_name, "inference_mode": True}

    def plain(value: object) -> list[Any] | str:
        return sorted(value) if isinstance(value, (set, frozenset)) else str(value)

    text = json.dumps(config, default=plain, indent=2, sort_keys=True)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


def write_trial(base: Path, config: TrainConfig, folder: Path, base_name: str) -> None:
    """An adapter of the shape that training with `config` gives, with small random weights: what takes it takes those
    that will be trained. The base's weights are not read."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(load_config(base), trust_remote_code=permitted.remote_code())
    random = torch.Generator().manual_seed(0)
    with attached(model, config) as wrapped:
        shapes = get_peft_model_state_dict(wrapped, save_embedding_layers=False)
        weights = {name: TRIAL * torch.randn(shape.shape, generator=random) for name, shape in shapes.items()}
        _write(weights, wrapped, folder, base_name)

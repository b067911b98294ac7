"""What adapter folders do to the weights: LoRA (2106.09685), rsLoRA (2312.03732), DoRA (2402.09353) and whole layers,
as peft writes them, in float32. Whatever would not be exact is refused by its name in the adapter's config.

A chain is a list of folders in the order in which they were trained. LoRA changes add up; DoRA scales the sum so far;
whole weights take the place of everything before them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from axiom_cli.errors import InputError
from axiom_cli.models.folders import ADAPTER_CONFIG as CONFIG
from axiom_cli.models.folders import ADAPTER_WEIGHTS as WEIGHTS
from axiom_cli.models.folders import TRAINED_AGAIN, is_there, read_json, safetensors_files
from axiom_cli.models.shards import Shards

_PREFIX = "base_model.model."
_READ = frozenset(
    ["alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "corda_config", "ensure_weight_tying"]
    + ["eva_config", "exclude_modules", "fan_in_fan_out", "inference_mode", "init_lora_weights", "layers_pattern"]
    + ["layers_to_transform", "loftq_config", "lora_alpha", "lora_dropout", "lora_ga_config", "megatron_core"]
    + ["modules_to_save", "peft_type", "peft_version", "qalora_group_size", "r", "rank_pattern", "revision"]
    + ["runtime_config", "target_modules", "task_type", "use_dora", "use_rslora"]
)
"""Fields of a LoRA config that are read here, or that do not matter once it is trained. Any other must be unset."""
_PLAIN_STARTS = (None, True, False, "gaussian", "orthogonal", "eva")
"""Ways to begin that leave the base as it is. The others (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA) move part of it into the
adapter, whose sum with the base is then not the model that was trained."""
_PARTS = {
    ".lora_A.weight": "down",
    ".lora_B.weight": "up",
    ".lora_embedding_A": "down",
    ".lora_embedding_B": "up",
    ".lora_magnitude_vector": "magnitude",
    ".lora_magnitude_vector.weight": "magnitude",
}


@dataclass(frozen=True)
class Change:
    """A low-rank change of one layer's weight: scale * up_OR @ down_RI, and with a magnitude_O (DoRA) each output's
    weights scaled to that length afterwards. `across`: the weight lies (I, O), as Conv1D's and an embedding's do."""

    down_RI: torch.Tensor
    up_OR: torch.Tensor
    scale: float
    magnitude_O: torch.Tensor | None = None
    across: bool = False

    def delta(self, device: torch.device | None = None) -> torch.Tensor:
        """What is added to the weight, in its shape and in float32."""
        up_OR, down_RI = (part.to(device, torch.float32) for part in (self.up_OR, self.down_RI))
        delta_OI = (up_OR @ down_RI).mul_(self.scale)
        return delta_OI.T if self.across else delta_OI

    def applied(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """The changed weight, given `delta`; DoRA's equation 5."""
        moved = weight + delta
        return moved if self.magnitude_O is None else moved.mul_(self._factor(moved, self.magnitude_O))

    def _factor(self, moved: torch.Tensor, magnitude_O: torch.Tensor) -> torch.Tensor:
        axis = 0 if self.across else 1
        norms_O = torch.linalg.norm(moved, dim=axis)
        return (magnitude_O.to(moved.device, torch.float32) / norms_O).unsqueeze(axis)

    def output(self, module: nn.Module, weight: torch.Tensor, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """What the layer gives for `x` with this change, where without it, with `weight`, it gave `out`."""
        up_OR, down_RI = (part.to(out.device, torch.float32) for part in (self.up_OR, self.down_RI))
        if isinstance(module, nn.Embedding):
            extra = functional.embedding(x, down_RI.T) @ up_OR.T * self.scale
            return out + extra * getattr(module, "embed_scale", 1.0)
        extra = functional.linear(functional.linear(x, down_RI), up_OR) * self.scale
        if self.magnitude_O is None:
            return out + extra
        bias = module.bias if isinstance(module.bias, torch.Tensor) else 0.0
        moved = weight + self.delta(out.device)
        return (out - bias + extra) * self._factor(moved, self.magnitude_O).flatten() + bias


class Chain:
    """What a chain of folders does to each parameter of a model, by name. Nothing is read before it is asked for."""

    def __init__(self, folders: Sequence[Path], model: nn.Module) -> None:
        """`model` says which layers there are; it may be without data. InputError for a folder that is damaged, of a
        kind that is not read exactly, or made for another model."""
        self.whole: dict[str, tuple[Shards, str]] = {}
        self.changes: dict[str, list[Change]] = defaultdict(list)
        for folder in folders:
            if (folder / "config.json").exists() and not (folder / CONFIG).exists():
                self._replace(folder, model)
            else:
                self._add(folder, model)

    @property
    def names(self) -> set[str]:
        """The parameters that are changed."""
        return {*self.whole, *self.changes}

    def target(self, name: str, original: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(the parameter's new value, the change that is asked for), in float32, for the base's own in float32."""
        value = self.value(name, original)
        wanted = value - original if name in self.whole else None
        for change in self.changes.get(name, ()):
            delta = change.delta(original.device)
            before, value = value, change.applied(value, delta)
            step = delta if change.magnitude_O is None else value - before
            wanted = step if wanted is None else wanted + step
        return value, torch.zeros_like(original) if wanted is None else wanted

    def value(self, name: str, original: torch.Tensor) -> torch.Tensor:
        """The parameter as it is before any low-rank change: the base's own, or what has taken its place."""
        if name not in self.whole:
            return original
        shards, key = self.whole[name]
        return shards.tensor(key).to(original.device, torch.float32)

    @contextmanager
    def attached(self, model: nn.Module) -> Iterator[None]:
        """`model` with the low-rank changes beside its weights, as in training: its layers' outputs are changed."""
        with ExitStack() as hooks:
            for name, changes in self.changes.items():
                module = model.get_submodule(name.rpartition(".")[0])
                hooks.enter_context(module.register_forward_hook(partial(_changed, changes), prepend=True))
            yield

    def _replace(self, folder: Path, model: nn.Module) -> None:
        """Takes a folder of whole weights, not an adapter."""
        if not safetensors_files(folder):
            raise InputError(f"{folder} holds no safetensors", "train it again, or save it as safetensors")
        shards, weights, ties = Shards(folder), {}, tied(model)
        for name, parameter in model.named_parameters(remove_duplicate=False):
            key = shards.find(name) or shards.find(ties.get(name, name))
            if key is None or shards.places[key].shape != tuple(parameter.shape):
                raise InputError(f"{folder} does not have the base's architecture: {name} differs")
            weights[name] = (shards, key)
        self.whole, self.changes = weights, defaultdict(list)

    def _add(self, folder: Path, model: nn.Module) -> None:
        config = read_config(folder)
        shards = Shards(folder, WEIGHTS)
        layers: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
        for key in shards.places:
            path = key.removeprefix(_PREFIX)
            if ending := next((ending for ending in _PARTS if path.endswith(ending)), ""):
                layers[path.removesuffix(ending)][_PARTS[ending]] = shards.tensor(key)
                continue
            if "lora_" in path:
                raise InputError(f"the adapter in {folder} holds {key}, which axiom does not read")
            name = path.replace(".base_layer.", ".")
            _fits(folder, model, name, shards.places[key].shape)
            self.whole[name] = (shards, key)
            self.changes.pop(name, None)
        for path, parts in layers.items():
            self.changes[f"{path}.weight"].append(_change(folder, model, path, parts, config))


def _changed(changes: Sequence[Change], module: nn.Module, args: tuple, out: torch.Tensor) -> torch.Tensor:
    weight = cast(torch.Tensor, module.weight)
    for number, change in enumerate(changes):
        out = change.output(module, weight, args[0], out)
        if any(later.magnitude_O is not None for later in changes[number + 1 :]):
            weight = change.applied(weight, change.delta(weight.device))
    return out


@torch.no_grad()
def compose(model: nn.Module, folders: Sequence[Path]) -> None:
    """Adds a chain to the float32 weights of `model`, in place. InputError where two layers that share their weights
    would no longer be the same."""
    if not folders:
        return
    chain, state, ties = Chain(folders, model), dict(model.named_parameters()), tied(model)
    for name in sorted(chain.names):
        if name in ties and name not in chain.changes and chain.whole[name] == chain.whole.get(ties[name]):
            continue
        if name not in state:
            raise InputError(f"the adapter changes {name}, which this base shares with its embedding", "merge it first")
        state[name].copy_(chain.target(name, state[name].detach())[0])


def tied(model: nn.Module) -> dict[str, str]:
    """Parameters that have no weights of their own -> the one whose weights they share."""
    return dict(getattr(model, "all_tied_weights_keys", None) or {})


def read_config(folder: Path) -> dict[str, Any]:
    """An adapter's config. InputError where its kind would not be read exactly."""
    path = folder / CONFIG
    if not is_there(path):
        raise InputError(
            f"{folder} is not a LoRA adapter: it has no {CONFIG}", "name one that axiom train or peft wrote"
        )
    config = read_json(path)
    kind = config.get("peft_type")
    if not isinstance(kind, str):
        raise InputError(f"{path} is damaged: it names no peft_type", TRAINED_AGAIN)
    _check_scales(path, config)
    odd = [f"{name}={value}" for name, value in sorted(config.items()) if value and name not in _READ]
    if config.get("init_lora_weights") not in _PLAIN_STARTS:
        odd.append(f"init_lora_weights={config['init_lora_weights']}")
    if kind != "LORA" or odd:
        raise InputError(
            f"the adapter in {folder} cannot be merged exactly: {', '.join(odd) or kind}",
            "LoRA, rsLoRA, DoRA and whole layers (modules_to_save) can",
        )
    return config


def _check_scales(path: Path, config: Mapping[str, Any]) -> None:
    """InputError where the numbers that a change is multiplied by are not numbers."""
    patterns = config.get("alpha_pattern") or {}
    try:
        scales = [config.get("lora_alpha"), *patterns.values()]
        for pattern in patterns:
            re.compile(pattern)
    except (AttributeError, TypeError, re.error):
        raise InputError(f"{path} is damaged: its alpha_pattern is not readable", TRAINED_AGAIN) from None
    if config["peft_type"] == "LORA" and not all(isinstance(scale, (int, float)) for scale in scales):
        raise InputError(f"{path} is damaged: its lora_alpha or alpha_pattern is not a number", TRAINED_AGAIN)


def _change(
    folder: Path, model: nn.Module, path: str, parts: Mapping[str, torch.Tensor], config: Mapping[str, Any]
) -> Change:
    if not {"down", "up"} <= parts.keys():
        raise InputError(f"{folder / WEIGHTS} is damaged: half of the matrices of {path} are missing", TRAINED_AGAIN)
    down_RI, up_OR = parts["down"], parts["up"]
    if not down_RI.ndim == up_OR.ndim == 2:  # noqa: PLR2004 - they are matrices
        raise InputError(f"{folder / WEIGHTS} is damaged: {path} does not hold a pair of matrices", TRAINED_AGAIN)
    module = _module(folder, model, path)
    across = isinstance(module, (Conv1D, nn.Embedding))
    if isinstance(module, nn.Embedding) and "magnitude" in parts:
        raise InputError(f"the adapter in {folder} cannot be merged exactly: DoRA on the embedding {path}")
    if not across and not isinstance(module, nn.Linear):
        raise InputError(
            f"the adapter in {folder} changes {path}, a {type(module).__name__}, which axiom does not read"
        )
    shape = (up_OR.shape[0], down_RI.shape[1])
    _fits(folder, model, f"{path}.weight", shape[::-1] if across else shape)
    broken = [part for part, tensor in parts.items() if not torch.isfinite(tensor).all()]
    if broken or up_OR.shape[1] != down_RI.shape[0]:
        raise InputError(f"{folder / WEIGHTS} is damaged: {path} does not hold a valid pair of matrices", TRAINED_AGAIN)
    # alpha / r, or alpha / sqrt(r) (rsLoRA), with the layer's own alpha where the config has a pattern for it
    patterns, rank = config.get("alpha_pattern") or {}, len(down_RI)
    own = (alpha for key, alpha in patterns.items() if re.match(rf"(.*\.)?({key})$", path))
    scale = next(own, config["lora_alpha"]) / (rank**0.5 if config.get("use_rslora") else rank)
    return Change(down_RI, up_OR, scale, parts.get("magnitude"), across)


def _module(folder: Path, model: nn.Module, path: str) -> nn.Module:
    try:
        return model.get_submodule(path)
    except AttributeError:
        raise InputError(_OTHER.format(folder=folder, name=path), _OTHER_HINT) from None


def _fits(folder: Path, model: nn.Module, name: str, shape: Sequence[int]) -> None:
    path, _, leaf = name.rpartition(".")
    parameter = getattr(_module(folder, model, path), leaf, None)
    if not isinstance(parameter, nn.Parameter) or tuple(parameter.shape) != tuple(shape):
        raise InputError(_OTHER.format(folder=folder, name=name), _OTHER_HINT)


_OTHER = "the adapter in {folder} changes {name}, which this base does not have in that shape"
_OTHER_HINT = "merge it with the model that it was made from"

"""A model that lies in parts, one in each process of the group: fully sharded (ZeRO stage 3, 1910.02054) by torch's
`fully_shard`. A block's weights are whole only while it is computed; gradients and optimizer stay in parts.

What is said here of parts holds of a parameter that is one; any other passes through as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

from axiom_cli.errors import MissingError
from axiom_cli.learning.training import group
from axiom_cli.learning.training.batches import Passes
from axiom_cli.models.weights import device


@contextmanager
def parted(model: nn.Module, wanted: bool) -> Iterator[None]:
    """Within it each process holds its part of every parameter, on its device, and all must run `model` together.

    Afterwards the first process has the parameters that are learnt whole, in main memory, and the others none. They can
    be saved; the model cannot be run any more. MissingError where torch is too old."""
    if not wanted:
        yield
        return
    if not hasattr(FSDPModule, "set_force_sum_reduction_for_comms"):
        raise MissingError(f"--fsdp needs a newer torch than {torch.__version__}", "pip install 'torch>=2.9'")
    _divide(model.get_base_model() if hasattr(model, "get_base_model") else model)
    yield
    learnt = {p: nn.Parameter(whole(p.detach())) for p in model.parameters() if p.requires_grad}
    for module in model.modules():
        module._parameters |= {name: learnt[p] for name, p in module._parameters.items() if p in learnt}


def _divide(model: nn.Module) -> None:
    """Block by block, so that one of them at a time is whole on the device."""
    mesh = init_device_mesh(device().type, (group.size(),))
    for module in [*_blocks(model), model]:
        part = fully_shard(module, mesh=mesh, reshard_after_forward=True)
        part.set_gradient_divide_factor(1.0)  # each process has its share of a sum
        part.set_force_sum_reduction_for_comms(True)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """The members of lists: a model's layers. Lists within them belong to them."""
    for child in module.children():
        yield from child if isinstance(child, nn.ModuleList) else _blocks(child)


def own(parameter: torch.Tensor) -> torch.Tensor:
    """This process's part."""
    return parameter.to_local() if isinstance(parameter, DTensor) else parameter


def whole(tree: Any) -> Any:
    """The same containers with every part joined to the others, in main memory; an empty tensor in all processes but
    the first. All must ask."""

    def joined(tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, DTensor):
            return tensor
        full = tensor.full_tensor()
        return full.cpu() if group.is_first() else full.new_empty(0)

    return _each(tree, joined)


def told(state: Any, parameters: Sequence[nn.Parameter]) -> Any:
    """What the first process has for `state`, in all of them. Where parameters are parts, so are its tensors, each of
    which is cut and sent by itself."""
    if not isinstance(parameters[0], DTensor):
        return group.told(state)
    tensors: list[torch.Tensor] = []

    def kept_back(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.dim():
            return tensor
        tensors.append(tensor)
        return tensor.to("meta")

    def part(like: torch.Tensor) -> torch.Tensor:
        if not like.is_meta:
            return like
        full = tensors.pop(0) if group.is_first() else torch.empty_like(like, device="cpu")
        return distribute_tensor(full.to(device()), parameters[0].device_mesh, [Shard(0)])

    return _each(group.told(_each(state, kept_back)), part)


def even(shares: list[Passes], parameters: Sequence[nn.Parameter]) -> list[Passes]:
    """Shares for every process, of equally many passes, some of them empty: parts are joined in each pass, by all."""
    if not isinstance(parameters[0], DTensor):
        return shares
    shares = shares + [[]] * (-len(shares) % group.size())
    most = max(map(len, shares))
    return [share + [[]] * (most - len(share)) for share in shares]


def clip(parameters: Sequence[nn.Parameter], most: float) -> float:
    """Scales the gradients down to a norm of `most`, over all processes. Returns the norm that they had."""
    norm = nn.utils.clip_grad_norm_(parameters, most)
    return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)


def _each(tree: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if isinstance(tree, torch.Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {name: _each(value, change) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_each(value, change) for value in tree)
    return tree

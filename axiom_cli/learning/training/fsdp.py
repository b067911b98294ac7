"""A model sharded over the processes of the group: ZeRO stage 3 (1910.02054) by torch's `fully_shard`. The weights of a
block are gathered only while it is computed; gradients and optimizer state stay sharded.

Every function here passes parameters that are not sharded through as they are.
"""

# ruff: noqa: SLF001 - torch has no public way to exchange a module's parameters in place

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

from axiom_cli import installation, process_rank
from axiom_cli.errors import MissingError
from axiom_cli.learning.training import collectives
from axiom_cli.models.loading import device, without_peft
from axiom_cli.models.micro_batches import MicroBatches


@contextmanager
def fsdp_sharded(model: nn.Module, *, wanted: bool) -> Iterator[None]:
    """Within it each process holds its shard of every parameter, on its device, and all must run `model` together.

    Afterwards the first process has the trained parameters whole, in main memory, and the others have none. They can be
    saved; the model cannot run any more. MissingError where torch is too old."""
    if not wanted:
        yield
        return
    if not hasattr(FSDPModule, "set_force_sum_reduction_for_comms"):
        raise MissingError(f"--fsdp needs a newer torch than {torch.__version__}", installation.package("torch>=2.9"))
    mesh = init_device_mesh(device().type, (collectives.world_size(),))
    inner = without_peft(model)
    for module in [*_blocks(inner), inner]:  # block by block, so that one of them at a time is whole on the device
        sharded = fully_shard(module, mesh=mesh, reshard_after_forward=True)
        sharded.set_gradient_divide_factor(1.0)  # each process has its share of a sum
        sharded.set_force_sum_reduction_for_comms(True)
    yield
    trained = {p: nn.Parameter(gather(p.detach())) for p in model.parameters() if p.requires_grad}
    for module in model.modules():
        module._parameters |= {name: trained[p] for name, p in module._parameters.items() if p in trained}


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """The members of lists: a model's layers. Lists within them belong to them."""
    for child in module.children():
        yield from child if isinstance(child, nn.ModuleList) else _blocks(child)


def local(parameter: torch.Tensor) -> torch.Tensor:
    """This process's shard."""
    return parameter.to_local() if isinstance(parameter, DTensor) else parameter


def gather(tree: Any) -> Any:
    """The same containers with every sharded tensor whole, in main memory; an empty tensor in all processes but the
    first. All must call it."""

    def whole(tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, DTensor):
            return tensor
        full = tensor.full_tensor()
        return full.cpu() if process_rank.is_first() else full.new_empty(0)

    return _map_tensors(tree, whole)


def broadcast_state(state: Any, parameters: Sequence[nn.Parameter]) -> Any:
    """The first process's `state`, in all of them. Where parameters are sharded, so are its tensors, each of which is
    cut and sent by itself."""
    first = parameters[0].data
    if not isinstance(first, DTensor):
        return collectives.broadcast(state)
    mesh = first.device_mesh
    tensors: list[torch.Tensor] = []

    def hold_back(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.dim():
            return tensor
        tensors.append(tensor)
        return tensor.to("meta")

    def shard(like: torch.Tensor) -> torch.Tensor:
        if not like.is_meta:
            return like
        full = tensors.pop(0) if process_rank.is_first() else torch.empty_like(like, device="cpu")
        return distribute_tensor(full.to(device()), mesh, [Shard(0)])

    return _map_tensors(collectives.broadcast(_map_tensors(state, hold_back)), shard)


def pad_to_world(worker_batches: list[MicroBatches], parameters: Sequence[nn.Parameter]) -> list[MicroBatches]:
    """Batches for every process, of equally many micro-batches, some of them empty: all gather in each of them."""
    if not isinstance(parameters[0], DTensor):
        return worker_batches
    worker_batches = worker_batches + [[]] * (-len(worker_batches) % collectives.world_size())
    most = max(map(len, worker_batches))
    return [batches + [[]] * (most - len(batches)) for batches in worker_batches]


def clip_grad_norm(parameters: Sequence[nn.Parameter], max_norm: float) -> float:
    """Scales the gradients down to a norm of `max_norm`, over all processes. Returns the norm that they had."""
    norm = nn.utils.clip_grad_norm_(parameters, max_norm)
    return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)


def _map_tensors(tree: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if isinstance(tree, torch.Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {name: _map_tensors(value, change) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_map_tensors(value, change) for value in tree)
    return tree

"""Several processes that train one model together, each with its share of every step's rows (data parallel).

Each holds the whole model, or a part of it (sharded.py). Gradients are added up, so that all take the same step. One
process alone exchanges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import distributed

from axiom_cli import process_rank

BUCKET = 1 << 24
"""Numbers that are added up in one message."""
T = TypeVar("T")


@contextmanager
def joined() -> Iterator[None]:
    """Within it the processes that were started together can hear each other; through nccl between accelerators.

    The threads of gloo may outlive it, and now and then abort a process whose interpreter ends before them: it should
    leave by `os._exit`, as the command line does.
    """
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(process_rank.local_rank())
        backend = "nccl"
    distributed.init_process_group(backend)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def size() -> int:
    """How many processes there are in the group that was joined."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the one that writes."""
    return size() == 1 or distributed.get_rank() == 0


def told(value: T) -> T:
    """What the first process has for `value`, in all of them."""
    if size() == 1:
        return value
    box = [value if is_first() else None]
    distributed.broadcast_object_list(box, src=0)
    return box[0]


def summed(number: float, device: torch.device) -> float:
    """The sum of a number over all processes."""
    if size() == 1:
        return number
    total = torch.tensor(number, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    return float(total)


def least(number: int, device: torch.device) -> int:
    """The smallest of a number over all processes."""
    if size() == 1:
        return number
    found = torch.tensor(number, device=device)
    distributed.all_reduce(found, distributed.ReduceOp.MIN)
    return int(found)


@torch.no_grad()
def add_gradients(parameters: Sequence[torch.nn.Parameter]) -> None:
    """Gives every parameter the sum of its gradients over all processes; none counts as zeros."""
    for bucket in _buckets(parameters):
        flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in bucket])
        distributed.all_reduce(flat)
        for parameter, part in zip(bucket, flat.split([p.numel() for p in bucket]), strict=True):
            parameter.grad = part.view_as(parameter).clone()


def _buckets(parameters: Sequence[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    bucket: list[torch.nn.Parameter] = []
    for parameter in parameters:
        bucket.append(parameter)
        if sum(p.numel() for p in bucket) >= BUCKET:
            yield bucket
            bucket = []
    if bucket:
        yield bucket

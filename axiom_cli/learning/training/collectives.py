"""Collective operations of processes that train one model together, each with its share of every step's rows (data
parallel).

Each holds the whole model, or a part of it (fsdp.py). Gradients are added up, so that all take the same step. A single
process exchanges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import accumulate, groupby
from typing import TypeVar, cast

import torch
from torch import distributed

from axiom_cli import process_rank

BUCKET_NUMBERS = 1 << 24
"""Numbers that are added up in one message, and those of a parameter more."""
T = TypeVar("T")


@contextmanager
def process_group(patience: timedelta | None = None) -> Iterator[None]:
    """Connects the processes that were started together; accelerators through nccl, others through gloo. They wait for
    each other for `patience` at most (by default the library's). Within another one, it is that one.

    The threads of gloo may outlive the context, and now and then abort a process whose interpreter ends before them: it
    should leave by `os._exit`, as the command line does.
    """
    if distributed.is_initialized():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(process_rank.local_rank())
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=patience)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def world_size() -> int:
    """How many processes there are in the group."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def broadcast(value: T) -> T:
    """The first process's `value`, in all of them."""
    if world_size() == 1:
        return value
    box = [value if process_rank.is_first() else None]
    distributed.broadcast_object_list(box, src=0)
    return cast(T, box[0])


def all_reduce(number: float, device: torch.device, *, smallest: bool = False) -> float:
    """The sum of a number over all processes, or the smallest."""
    if world_size() == 1:
        return number
    reduced = torch.tensor(number, dtype=torch.float64, device=device)
    distributed.all_reduce(reduced, distributed.ReduceOp.MIN if smallest else distributed.ReduceOp.SUM)
    return float(reduced)


@torch.no_grad()
def all_reduce_gradients(parameters: Sequence[torch.nn.Parameter]) -> None:
    """Gives every parameter the sum of its gradients over all processes; one without a gradient counts as zeros."""
    numbers = accumulate(p.numel() for p in parameters)
    for _, members in groupby(zip(parameters, numbers, strict=True), lambda member: member[1] // BUCKET_NUMBERS):
        bucket = [parameter for parameter, _ in members]
        flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in bucket])
        distributed.all_reduce(flat)
        for parameter, part in zip(bucket, flat.split([p.numel() for p in bucket]), strict=True):
            parameter.grad = part.view_as(parameter).clone()

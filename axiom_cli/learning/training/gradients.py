"""A step's gradients: by this process, by several that it forks, or by several that were started together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from axiom_cli import process_rank
from axiom_cli.learning.training import collectives, fsdp
from axiom_cli.models import worker_pool

Part = TypeVar("Part")


@contextmanager
def gradient_workers(
    loss: Callable[[Part], float], parameters: Sequence[torch.nn.Parameter], workers: int
) -> Iterator[Callable[[Sequence[Part]], float]]:
    """A function from the parts of a step to the sum of their losses, which leaves the sum of their gradients in the
    parameters' `grad`. `loss` gives the loss of a part and adds its gradients to those of the parameters.

    At most as many parts as `workers`, which are forked processes, or this one if it is one. The caller may change the
    parameters in place between steps: every process sees that. In a process group the parts fall to its members in
    turn, and each changes its own parameters.

    The gradients are added in the order of the parts, so that equal steps give equal weights."""
    if collectives.world_size() > 1:
        unsharded = [p for p in parameters if fsdp.local(p) is p]  # shards are added up as they are computed

        def distributed_gradients(parts: Sequence[Part]) -> float:
            own = sum(loss(part) for part in parts[process_rank.rank() :: collectives.world_size()])
            collectives.all_reduce_gradients(unsharded)
            return collectives.all_reduce(own, parameters[0].device)

        yield distributed_gradients
        return
    if workers == 1:
        yield lambda parts: sum(loss(part) for part in parts)
        return
    slots = [[worker_pool.shared_zeros(parameter) for parameter in parameters] for _ in range(workers)]
    for parameter in parameters:
        parameter.data = worker_pool.shared_zeros(parameter).copy_(parameter.data)

    def work(numbered: tuple[int, Part]) -> float:
        worker, part = numbered
        for parameter, slot in zip(parameters, slots[worker], strict=True):
            parameter.grad = slot.zero_()
        return loss(part)

    def gradients(parts: Sequence[Part]) -> float:
        losses = run_all(list(enumerate(parts)))
        for parameter, *summands in zip(parameters, *slots[: len(parts)], strict=True):
            parameter.grad = torch.stack(summands).sum(0)
        return sum(losses)

    try:
        with worker_pool.forked(work, workers) as run_all:
            yield gradients
    finally:
        for parameter in parameters:
            parameter.data, parameter.grad = parameter.data.clone(), None

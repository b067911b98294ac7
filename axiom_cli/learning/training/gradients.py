"""A step's gradients: by this process, by several that it forks, or by several that were started together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from axiom_cli import process_rank
from axiom_cli.learning.training import group, sharded
from axiom_cli.models.worker_pool import crew, shared

Loss = Callable[..., float]
"""A share of a step -> its loss. Its gradients are added to those of the parameters."""
Gradients = Callable[[Sequence[tuple[Any, ...]]], float]
"""The shares of a step -> the sum of their losses. The sum of their gradients is then in the parameters' `grad`."""


@contextmanager
def spread(loss: Loss, parameters: Sequence[torch.nn.Parameter], hands: int) -> Iterator[Gradients]:
    """Gradients of `loss` with respect to `parameters` by as many processes as there are hands, for at most as many
    shares; by this one if it is one. Steps may change the parameters in place: every process sees that.

    In a group the shares fall to the processes that joined it in turn, and each changes its own parameters.

    The gradients are added in the order of the shares, so that equal steps give equal weights."""
    if group.size() > 1:
        yield lambda shares: _together(loss, parameters, shares)
        return
    if hands == 1:
        yield lambda shares: sum(loss(*share) for share in shares)
        return
    slots = [[shared(parameter) for parameter in parameters] for _ in range(hands)]
    for parameter in parameters:
        parameter.data = shared(parameter).copy_(parameter.data)

    def work(share: tuple[int, tuple[Any, ...]]) -> float:
        hand, told = share
        for parameter, slot in zip(parameters, slots[hand], strict=True):
            parameter.grad = slot.zero_()
        return loss(*told)

    def gradients(shares: Sequence[tuple[Any, ...]]) -> float:
        losses = each(list(enumerate(shares)))
        for parameter, *parts in zip(parameters, *slots[: len(shares)], strict=True):
            parameter.grad = torch.stack(parts).sum(0)
        return sum(losses)

    try:
        with crew(work, hands) as each:
            yield gradients
    finally:
        for parameter in parameters:
            parameter.data, parameter.grad = parameter.data.clone(), None


def _together(loss: Loss, parameters: Sequence[torch.nn.Parameter], shares: Sequence[tuple[Any, ...]]) -> float:
    own = sum(loss(*share) for share in shares[process_rank.rank() :: group.size()])
    group.add_gradients([p for p in parameters if sharded.own(p) is p])  # parts have been added up as they came
    return group.summed(own, parameters[0].device)

"""A step whose loss or gradients are no numbers: whose fault it is, and what to say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from axiom_cli.errors import GateFailedError
from axiom_cli.learning.training import group, sharded

NAMED = 5
"""Problems that a refusal names."""


def are_finite(parameters: Sequence[torch.nn.Parameter]) -> bool:
    """Whether all weights are numbers."""
    return _all_finite(parameters)


def is_sound(parameters: Sequence[torch.nn.Parameter], loss: Callable[[], float]) -> bool:
    """Whether a loss (whose backward pass `loss` does) and its gradients are numbers. The gradients are dropped."""
    value = loss()
    finite = _all_finite([p.grad for p in parameters if p.grad is not None]) and math.isfinite(value)
    for parameter in parameters:
        parameter.grad = None
    return finite


def _all_finite(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether they are, in all processes, which may hold parts of them."""
    bad = sum(not bool(sharded.own(tensor).isfinite().all()) for tensor in tensors)
    return group.summed(bad, tensors[0].device) == 0


def refusal(done: int, loss: float, bad: Sequence[str] | None, rows: int, kept: str) -> GateFailedError:
    """The error for the step after `done` steps. `bad` are the problems of those of its `rows` that are no numbers by
    themselves, None where the weights are none; `kept` is where an earlier state lies."""
    told = f"training diverged at step {done + 1}: loss {loss:.4g}"
    told += ", its gradients no numbers" if math.isfinite(loss) and bad is not None else ""
    where = f"; the state before that is in {kept}" if kept else ""
    if bad is None:
        return GateFailedError(f"{told}, since the weights are no numbers any more{where}", "lower --lr")
    if not bad or len(bad) == rows:
        return GateFailedError(f"{told}, by all {rows} rows of the step{where}", "lower --lr")
    more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    names = f"{', '.join(bad[:NAMED])}{more}"
    return GateFailedError(
        f"{told}, by the rows of problem {names}{where}", "look at them with --show, and leave them out"
    )

"""A step whose loss or gradients are NaN or inf: which rows cause it, and what to say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from axiom_cli.errors import GateFailedError
from axiom_cli.learning.training import collectives, fsdp

NAMED = 5
"""Problems that an error names."""


def all_finite(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether no number in them is NaN or inf, in all processes, which may hold shards of them."""
    bad = sum(not bool(fsdp.local(tensor).isfinite().all()) for tensor in tensors)
    return collectives.all_reduce(bad, tensors[0].device) == 0


def is_sound(parameters: Sequence[torch.nn.Parameter], loss: Callable[[], float]) -> bool:
    """Whether a loss (whose backward pass `loss` does) and its gradients are finite. The gradients are dropped."""
    value = loss()
    finite = all_finite([p.grad for p in parameters if p.grad is not None]) and math.isfinite(value)
    for parameter in parameters:
        parameter.grad = None
    return finite


def divergence_error(step: int, loss: float, bad: Sequence[str] | None, rows: int, kept: str) -> GateFailedError:
    """The error for this step (counted from 1). `bad` are the problems of those of its `rows` whose own loss or
    gradients are not finite, None where the weights are not; `kept` is where an earlier state lies."""
    where = f"; the state before that is in {kept}" if kept else ""
    if bad is None:
        return GateFailedError(f"training diverged at step {step}: weights are NaN or inf{where}", "lower --lr")
    cause = "gradients are NaN or inf" if math.isfinite(loss) else f"loss is {loss:.4g}"
    if not bad or len(bad) == rows:
        return GateFailedError(f"training diverged at step {step}: {cause} on all {rows} rows{where}", "lower --lr")
    more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    return GateFailedError(
        f"training diverged at step {step}: {cause} on the rows of problem {', '.join(bad[:NAMED])}{more}{where}",
        "look at them with --show, and leave them out",
    )

"""A linear layer by oneDNN's matrix product where it gives the bits that torch's own gives, and sooner.

On processors that are not Intel's, the library behind torch's float32 products leaves half of AVX-512 idle: for 256
rows oneDNN takes half the time. Both add up the products of an element in order, but the former in two halves where
they are many. So each shape is tried when a model is opened, whole and in halves, and what is not equal to the bit, or
has few rows, stays with torch's own.
"""

from __future__ import annotations

from functools import cache

import torch
from torch.nn import functional

MANY_ROWS = 64
"""With at least this many rows, oneDNN is faster."""
TRIED_ROWS = (MANY_ROWS, 1024)
PARTS = (1, 2)
"""Into how many parts the sum over the inputs may fall."""


class ExactProduct:
    """A linear layer without gradients: (M, inputs) -> (M, outputs), as `functional.linear` to the bit."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        self.weight, self.bias = weight, bias
        count = equal_parts(*weight.shape, torch.get_num_threads()) if bias is None else 0
        self.parts = [part.contiguous() for part in weight.chunk(count, 1)] if count else []

    def __call__(self, rows_MI: torch.Tensor) -> torch.Tensor:
        """(M, outputs)"""
        if not self.parts or len(rows_MI) < MANY_ROWS:
            return functional.linear(rows_MI, self.weight, self.bias)
        return _product(rows_MI, self.parts)


def _product(rows_MI: torch.Tensor, parts: list[torch.Tensor]) -> torch.Tensor:
    # torch has no public name for it; `equal_parts` finds out where it is not there.
    linear = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001
    first_MI, *others = rows_MI.chunk(len(parts), 1)
    out_MO = linear(first_MI, parts[0], None, "none", [], "")
    for rest_MI, part in zip(others, parts[1:], strict=True):
        out_MO += linear(rest_MI, part, None, "none", [], "")
    return out_MO


@cache
def equal_parts(outputs: int, inputs: int, threads: int) -> int:
    """In how many parts oneDNN gives the bits of `functional.linear` for weights of this shape, with one thread and
    with `threads`; 0 where it does not, or where this torch was built without it."""
    before = torch.get_num_threads()
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(outputs, inputs, generator=random)
    rows = torch.randn(TRIED_ROWS[-1], inputs, generator=random)
    try:
        return next((count for count in PARTS if _is_equal(rows, weight, count, {1, threads})), 0)
    except (AttributeError, RuntimeError):
        return 0
    finally:
        torch.set_num_threads(before)


@torch.inference_mode()
def _is_equal(rows: torch.Tensor, weight: torch.Tensor, count: int, threads: set[int]) -> bool:
    parts = [part.contiguous() for part in weight.chunk(count, 1)]
    for number in threads:
        torch.set_num_threads(number)
        for tried in TRIED_ROWS:
            if not torch.equal(_product(rows[:tried], parts), functional.linear(rows[:tried], weight)):
                return False
    return True

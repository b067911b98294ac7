"""Layers with a window, trained on a processor: each block of queries is multiplied with the keys of two blocks.

torch's own product with a mask multiplies every query with every key, and then leaves most of it out. The rest of a
model is what it was, and a layer's result differs in the last bits alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward

from axiom_cli.learning.training.scoring import EXACT
from axiom_cli.models.loading import without_peft

NAME = "axiom_windows"


@contextmanager
def windowed(model: torch.nn.Module, score: Callable[[], torch.Tensor]) -> Iterator[None]:
    """While open, layers of `model` that see a window multiply no more than that, if `score()`, what the model says of
    some row, stays the same but for its last bits. A model without such layers, on an accelerator or with dropout in
    its attention stays as it is."""
    inner = without_peft(model)
    if not _suits(inner):
        yield
        return
    before = inner.config._attn_implementation  # noqa: SLF001 - transformers has no public name for it
    AttentionInterface.register(NAME, _attention)
    try:
        with torch.no_grad():
            expected = score()
            inner.set_attn_implementation(NAME)
            same = bool((score() - expected).abs().max() <= EXACT)
        if not same:
            inner.set_attn_implementation(before)
        yield
    finally:
        inner.set_attn_implementation(before)


def _suits(model: Any) -> bool:
    config = model.config
    return (
        model.device.type == "cpu"
        and "sliding_attention" in (getattr(config, "layer_types", None) or ())
        and config._attn_implementation == "sdpa"  # noqa: SLF001
        and not getattr(config, "attention_dropout", 0.0)
    )


def _attention(  # noqa: PLR0913 - as the library calls it
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """As the library's own functions: queries, keys and values of shape (B, heads, T, D) -> (B, T, heads, D)."""
    if sliding_window is None or query.shape[2] <= sliding_window:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
    groups = query.shape[1] // key.shape[1]
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    result = local_attention(query, repeat_kv(key, groups), repeat_kv(value, groups), sliding_window, scale)
    return result.transpose(1, 2), None


def local_attention(
    query_BHTD: torch.Tensor, key_BHTD: torch.Tensor, value_BHTD: torch.Tensor, window: int, scale: float
) -> torch.Tensor:
    """Causal attention of each position to itself and the `window - 1` before it, shape (B, H, T, D).

    Positions are cut into blocks of a window's length, and each block sees itself and the one before.
    """
    length, size = query_BHTD.shape[2:]
    query, key, value = (
        functional.pad(x, (0, 0, 0, -length % window)).unflatten(2, (-1, window))
        for x in (query_BHTD, key_BHTD, value_BHTD)
    )
    shape = query.shape  # (B, H, N, W, D)
    key, value = (
        torch.cat([functional.pad(x, (0, 0, 0, 0, 1, 0))[:, :, :-1], x], 3).reshape(-1, 2 * window, size)
        for x in (key, value)
    )
    bias = _bias(shape[2], window, query.dtype).expand(*shape[:2], -1, -1, -1).reshape(-1, window, 2 * window)
    scores = torch.baddbmm(bias, query.reshape(-1, window, size), key.mT, alpha=scale)
    return torch.bmm(scores.softmax(-1), value).view(shape).flatten(2, 3)[:, :, :length]


def _bias(blocks: int, window: int, dtype: torch.dtype) -> torch.Tensor:
    """(N, W, 2 W): zero where a query of block N sees a key of the block before it or of its own, else -inf."""
    behind = torch.arange(window)[:, None] + window - torch.arange(2 * window)
    seen = ((behind >= 0) & (behind < window)).repeat(blocks, 1, 1)
    seen[0, :, :window] = False
    return torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, float("-inf"))

"""Attention of a few new tokens a row on the processor, where the usual kernel spends its time on being called."""

from __future__ import annotations

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "axiom"
PLAIN = frozenset({"dropout", "is_causal", "position_ids", "cache_position", "sliding_window", "use_cache"})
"""What a model may tell its attention that changes nothing here: the mask says what may be seen."""


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **more,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention, as a model of transformers calls it: query (N, H, Q, D), key and value
    (N, K, T, D); returns (N, Q, H, D).

    With a mask that is added to the scores, as the sampler's is, the heads that share a key are its rows, and two
    batched products do all. The processor's fused kernel works through one row and head after the other: 2 to 4 times
    as long in float32 for heads of 32 and 70 tokens, more than 4 times in bfloat16; and what it gives a row depends on
    the length of all.
    """
    rows, heads, queries, size = query.shape
    plain = query.device.type == "cpu" and attention_mask is not None and attention_mask.dtype == query.dtype
    if not plain or any(more[name] is not None for name in more.keys() - PLAIN):
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **more)
    kinds, length = key.shape[1:3]
    queries_BQD = query.reshape(rows * kinds, -1, size)
    scores = torch.bmm(queries_BQD, key.reshape(rows * kinds, length, size).transpose(1, 2))
    scores = scores.mul_(size**-0.5 if scaling is None else scaling).view(rows, kinds, -1, queries, length)
    weights = scores.add_(attention_mask[:, :, None]).softmax(-1).view(rows * kinds, -1, length)
    seen = torch.bmm(weights, value.reshape(rows * kinds, length, value.shape[-1]))
    return seen.view(rows, heads, queries, -1).transpose(1, 2), None


def use(model: torch.nn.Module) -> None:
    """Lets `model` attend by `attend`, where it would use torch's fused kernel."""
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)

"""Attention for a few new tokens per row on the processor, where the usual kernel's time goes into call overhead."""

from __future__ import annotations

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "axiom"
IRRELEVANT = frozenset({"dropout", "is_causal", "position_ids", "cache_position", "sliding_window", "use_cache"})
"""Arguments of a model that change nothing here: the mask says what is visible."""


def attend(  # noqa: PLR0913 - transformers fixes the signature
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

    With a mask that is added to the scores, as the sampler's is, the heads that share a key become its rows, and two
    batched products do it all. The processor's fused kernel works through rows and heads one after the other: it takes
    2 to 4 times as long in float32 (heads of 32, 70 tokens) and over 4 times in bfloat16, and what it gives a row
    depends on the length of all rows.
    """
    rows, heads, queries, size = query.shape
    if (
        query.device.type != "cpu"
        or attention_mask is None
        or attention_mask.dtype != query.dtype
        or any(more[name] is not None for name in more.keys() - IRRELEVANT)
    ):
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **more)
    key_heads, length = key.shape[1:3]
    queries_BQD = query.reshape(rows * key_heads, -1, size)
    scores = torch.bmm(queries_BQD, key.reshape(rows * key_heads, length, size).transpose(1, 2))
    scores = scores.mul_(size**-0.5 if scaling is None else scaling).view(rows, key_heads, -1, queries, length)
    weights = scores.add_(attention_mask[:, :, None]).softmax(-1).view(rows * key_heads, -1, length)
    seen = torch.bmm(weights, value.reshape(rows * key_heads, length, value.shape[-1]))
    return seen.view(rows, heads, queries, -1).transpose(1, 2), None


def use(model: PreTrainedModel) -> None:
    """Makes `model` use `attend` where it would use torch's fused kernel."""
    if model.config._attn_implementation == "sdpa":  # noqa: SLF001 - transformers has no public name for it
        model.set_attn_implementation(NAME)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)

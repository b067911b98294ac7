"""Batched sampling from any causal language model: the prompt once a problem, finished rows out of the batch.

The usual `generate` steps every row until the last one ends, and joins the keys and values anew at each token. Here
they lie in one buffer that is written in place, rows that have ended leave it, and each row draws from its own stream
of uniform numbers, so that a sample does not depend on which others it was drawn beside (up to the rounding of the
matrix products).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

KEEP = 0.85
"""The batch is compacted when fewer than this share of its rows are still being written."""


class BufferedLayer(DynamicLayer):
    """One layer's keys and values in a buffer of fixed capacity: (rows, heads, capacity, head size)."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.length = 0

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs):
        """Appends along the sequence axis, and returns views of everything so far."""
        if not self.is_initialized:
            rows, heads, _, size = key_states.shape
            self.dtype, self.device = key_states.dtype, key_states.device
            self.keys = key_states.new_empty(rows, heads, self.capacity, size)
            self.values = value_states.new_empty(rows, heads, self.capacity, value_states.shape[-1])
            self.is_initialized = True
        end = self.length + key_states.shape[2]
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        return self.length

    def select(self, rows_N: torch.Tensor) -> None:
        """Keeps these rows, in this order; a row may come several times."""
        for name in ("keys", "values"):
            old = getattr(self, name)
            new = old.new_empty(len(rows_N), *old.shape[1:])
            new[:, :, : self.length] = old[:, :, : self.length].index_select(0, rows_N)
            setattr(self, name, new)


def _new_cache(model: torch.nn.Module, capacity: int) -> Cache:
    """Buffers where every layer attends to everything before it, else the model's own kind of cache."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds == {"full_attention"} and not getattr(config, "sliding_window", None):
        return Cache(layers=[BufferedLayer(capacity) for _ in range(config.num_hidden_layers)])
    return DynamicCache(config=config)


def _select(cache: Cache, rows_N: torch.Tensor) -> None:
    for layer in cache.layers:
        if isinstance(layer, BufferedLayer):
            layer.select(rows_N)
        else:
            layer.reorder_cache(rows_N)


def _mask(cache: Cache, seen_NT: torch.Tensor) -> torch.Tensor:
    """What one new token a row may look at: ready for attention where the cache is ours, else as the model expects it
    to be handed in, since with a sliding window only the model knows what is still there."""
    return seen_NT[:, None, None] if isinstance(cache.layers[0], BufferedLayer) else seen_NT.long()


@dataclass
class Completion:
    """What was sampled for one row: the ids (EOS included where it came), the sum of their log-probabilities."""

    token_ids: list[int]
    logprob: float
    finish: str


def choose(logits_NV: torch.Tensor, uniforms_N: torch.Tensor, temperature: float, top_p: float):
    """One token a row by inversion of the distribution function, and its log-probability under the model at
    temperature 1. Greedy at temperature 0."""
    logprobs_NV = logits_NV.float().log_softmax(-1)
    if temperature == 0:
        tokens_N = logits_NV.argmax(-1)
    else:
        probs_NV = (logits_NV.float() / temperature).softmax(-1)
        if top_p < 1:
            ranked_NV, order_NV = probs_NV.sort(dim=-1, descending=True)
            ranked_NV[ranked_NV.cumsum(-1) - ranked_NV >= top_p] = 0
            probs_NV = torch.zeros_like(probs_NV).scatter_(-1, order_NV, ranked_NV)
        sums_NV = probs_NV.cumsum(-1, dtype=torch.float64)
        target_N1 = uniforms_N.to(sums_NV.dtype)[:, None] * sums_NV[:, -1:]
        tokens_N = torch.searchsorted(sums_NV, target_N1, right=True).squeeze(-1).clamp_(max=logits_NV.shape[-1] - 1)
    return tokens_N, logprobs_NV.gather(-1, tokens_N[:, None]).squeeze(-1)


@torch.inference_mode()
def complete(
    model: torch.nn.Module,
    prompts: Sequence[Sequence[int]],
    copies: int,
    uniforms: torch.Tensor,
    eos_ids: Sequence[int],
    max_tokens: int,
    temperature: float,
    top_p: float = 1.0,
) -> list[Completion]:
    """`copies` completions of each prompt, a prompt's beside each other.

    `uniforms` is (len(prompts) * copies, max_tokens) in [0, 1); prompts are lists of token ids, padded on the left to
    the longest, so pass prompts of similar lengths together.
    """
    device = model.device
    width = max(map(len, prompts))
    pad = eos_ids[0]
    ids_PT = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=device)
    real_PT = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=device)
    positions_PT = (real_PT.cumsum(-1) - 1).clamp_(min=0)
    cache = _new_cache(model, width + max_tokens)
    logits_PV = model(
        input_ids=ids_PT, attention_mask=real_PT, position_ids=positions_PT, past_key_values=cache, logits_to_keep=1
    ).logits[:, -1]
    if copies > 1:
        _select(cache, torch.arange(len(prompts), device=device).repeat_interleave(copies))
    logits_NV = logits_PV.repeat_interleave(copies, dim=0)
    lengths_N = real_PT.sum(-1).repeat_interleave(copies)
    seen_NT = torch.ones(len(lengths_N), width + max_tokens, dtype=torch.bool, device=device)
    seen_NT[:, :width] = real_PT.bool().repeat_interleave(copies, dim=0)
    padded = bool((real_PT == 0).any())
    stops = torch.tensor(list(eos_ids), device=device)
    total = len(lengths_N)
    row_N = torch.arange(total, device=device)
    alive_N = torch.ones(total, dtype=torch.bool, device=device)
    tokens = torch.full((total, max_tokens), -1, dtype=torch.long, device=device)
    logprob = torch.zeros(total, device=device)
    ended = torch.zeros(total, dtype=torch.bool, device=device)
    uniforms = uniforms.to(device)
    for step in range(max_tokens):
        token_N, logprob_N = choose(logits_NV, uniforms[row_N, step], temperature, top_p)
        tokens[row_N[alive_N], step] = token_N[alive_N]
        logprob[row_N[alive_N]] += logprob_N[alive_N]
        stopped_N = torch.isin(token_N, stops) & alive_N
        ended[row_N[stopped_N]] = True
        alive_N = alive_N & ~stopped_N
        left = int(alive_N.sum())
        if left == 0 or step == max_tokens - 1:
            break
        if left < KEEP * len(alive_N):
            kept = alive_N.nonzero().squeeze(-1)
            _select(cache, kept)
            row_N, token_N, lengths_N, seen_NT = row_N[kept], token_N[kept], lengths_N[kept], seen_NT[kept]
            alive_N = alive_N[kept]
        mask = _mask(cache, seen_NT[:, : width + step + 1]) if padded else None
        logits_NV = model(
            input_ids=token_N[:, None],
            attention_mask=mask,
            position_ids=(lengths_N + step)[:, None],
            past_key_values=cache,
        ).logits[:, -1]
    return list(_completions(tokens.tolist(), logprob.tolist(), ended.tolist()))


def _completions(tokens: list[list[int]], logprobs: list[float], ended: list[bool]) -> Iterator[Completion]:
    for ids, logprob, stopped in zip(tokens, logprobs, ended, strict=True):
        cut = ids.index(-1) if -1 in ids else len(ids)
        yield Completion(ids[:cut], logprob, "stop" if stopped else "length")

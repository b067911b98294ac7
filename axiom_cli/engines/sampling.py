"""Batched sampling from any causal language model: the prompt once a problem, finished rows out of the batch.

The usual `generate` steps every row until the last one ends, and joins the keys and values anew at each token. Here
they lie in buffers that are written in place and hold no more than what is needed soon. Rows that have ended leave the
batch; the last few of it wait, and are gone on with beside others, since a step costs nearly as much for few rows as
for many. Each row draws from its own stream of uniform numbers, so that a sample does not depend on which others it
was drawn beside (up to the rounding of the matrix products).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import torch
from torch.nn import functional
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

KEEP = 0.85
"""The batch is compacted when fewer than this share of its rows are still being written."""
GROW = 64
"""Tokens that the buffers are made longer by, when they are full."""
BLOCK = 64
"""Rows that are moved at once."""
FEW = 1 / 16
"""A batch of which this share is left lets them wait for others."""


class BufferedLayer(DynamicLayer):
    """One layer's keys and values in buffers: (rows, heads, capacity, head size)."""

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

    def keep(self, rows_N: torch.Tensor, capacity: int) -> None:
        """Keeps these rows, which are in ascending order: in place, or in new buffers of another capacity."""
        for name in ("keys", "values"):
            old = getattr(self, name)
            new = old if capacity == self.capacity else old.new_empty(len(rows_N), old.shape[1], capacity, old.shape[3])
            for start in range(0, len(rows_N), BLOCK):
                moved = old[:, :, : self.length].index_select(0, rows_N[start : start + BLOCK])
                new[start : start + len(moved), :, : self.length] = moved
            setattr(self, name, new[: len(rows_N)])
        self.capacity = capacity


def _new_cache(model: torch.nn.Module, capacity: int) -> Cache:
    """Buffers where every layer attends to everything before it, else the model's own kind of cache."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds == {"full_attention"} and not getattr(config, "sliding_window", None):
        return Cache(layers=[BufferedLayer(capacity) for _ in range(config.num_hidden_layers)])
    return DynamicCache(config=config)


def _keep(cache: Cache, rows_N: torch.Tensor, capacity: int) -> None:
    for layer in cache.layers:
        if isinstance(layer, BufferedLayer):
            layer.keep(rows_N, capacity)
        else:
            layer.reorder_cache(rows_N)


@dataclass
class Row:
    """One completion: what comes before it, the numbers in [0, 1) that it draws by (one a token, as many as it may be
    long), and what has been written of it: the ids (EOS included where it came), the sum of their log-probabilities,
    and how it finished, `stop` or `length`; nothing while it has not."""

    prompt: Sequence[int]
    uniforms: torch.Tensor
    token_ids: list[int] = field(default_factory=list)
    logprob: float = 0.0
    finish: str = ""

    @property
    def length(self) -> int:
        """Tokens of the prompt and of what has been written."""
        return len(self.prompt) + len(self.token_ids)


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen, and which of them end a completion."""

    eos_ids: Sequence[int]
    temperature: float
    top_p: float = 1.0


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


def complete(model: torch.nn.Module, rows: Sequence[Row], decoding: Decoding, room: int) -> None:
    """Writes every row to its end. `room` is how many tokens' keys and values may be held at once; one row always
    fits."""
    waiting = list(rows)
    while waiting:
        waiting.sort(key=lambda row: row.length)
        batch = list(_fitting(waiting, room))
        waiting = waiting[len(batch) :]
        _write(model, batch, decoding, room, few=FEW * len(batch) if waiting else 0)
        waiting += [row for row in batch if not row.finish]


def _fitting(rows: Sequence[Row], room: int) -> Iterator[Row]:
    """As many of the rows, which are sorted by length, as there is room for and for GROW tokens more of each."""
    for number, row in enumerate(rows, 1):
        if number > 1 and number * (row.length + GROW) > room:
            return
        yield row


def _read(model: torch.nn.Module, prefixes: Sequence[tuple[int, ...]], pad: int):
    """The cache after all prefixes, padded on the left to the longest; the logits of what follows each; how much each
    was padded; the longest's length. Each distinct one is computed once."""
    places = {prefix: place for place, prefix in enumerate(dict.fromkeys(prefixes))}
    width = max(map(len, places))
    cache = _new_cache(model, width + GROW)
    pads_P = torch.tensor([width - len(prefix) for prefix in places], device=model.device)
    columns_T = torch.arange(width, device=model.device)
    logits_PV = model(
        input_ids=torch.tensor([[pad] * (width - len(p)) + list(p) for p in places], device=model.device),
        attention_mask=(columns_T >= pads_P[:, None]).long(),
        position_ids=(columns_T - pads_P[:, None]).clamp_(min=0),
        past_key_values=cache,
        logits_to_keep=1,
    ).logits[:, -1]
    of_N = torch.tensor([places[prefix] for prefix in prefixes], device=model.device)
    if len(places) < len(prefixes):
        for layer in cache.layers:
            layer.reorder_cache(of_N)
    return cache, logits_PV[of_N], pads_P[of_N], width


@torch.inference_mode()
def _write(model: torch.nn.Module, rows: list[Row], decoding: Decoding, room: int, few: float) -> None:
    """Goes on with the rows until no more than `few` of them have not ended, or there is no room for all."""
    device, stops = model.device, torch.tensor(list(decoding.eos_ids), device=model.device)
    cache, logits_NV, pads_N, width = _read(model, [(*row.prompt, *row.token_ids) for row in rows], decoding.eos_ids[0])
    capacity, padded = width + GROW, bool(pads_N.any())
    at_N = torch.arange(len(rows), device=device)
    alive_N = torch.ones_like(at_N, dtype=torch.bool)
    before_N = torch.tensor([len(row.token_ids) for row in rows], device=device)
    uniforms = torch.stack([row.uniforms for row in rows]).to(device)
    last = uniforms.shape[1] - 1
    logprob = torch.zeros(len(rows), device=device)
    stopped = torch.zeros_like(alive_N)
    journal: list[tuple[torch.Tensor, torch.Tensor]] = []
    for step in count():
        number_N = (before_N + step).clamp_(max=last)
        token_N, logprob_N = choose(logits_NV, uniforms[at_N, number_N], decoding.temperature, decoding.top_p)
        journal.append((at_N[alive_N], token_N[alive_N]))
        logprob[at_N] += logprob_N * alive_N
        stopped_N = torch.isin(token_N, stops) & alive_N
        stopped[at_N] |= stopped_N
        alive_N = alive_N & ~stopped_N & (number_N < last)
        left = int(alive_N.sum())
        if left <= few:
            break
        full = width + step == capacity
        if full or left < KEEP * len(alive_N):
            capacity += GROW * full
            kept = alive_N.nonzero().squeeze(-1)[: max(1, room // capacity)]
            _keep(cache, kept, capacity)
            at_N, alive_N, before_N, token_N, pads_N = (
                each_N[kept] for each_N in (at_N, alive_N, before_N, token_N, pads_N)
            )
        logits_NV = model(
            input_ids=token_N[:, None],
            attention_mask=_mask(cache, pads_N, width, step + 1, model.dtype) if padded else None,
            position_ids=(width - pads_N + step)[:, None],
            past_key_values=cache,
        ).logits[:, -1]
    _take_down(rows, journal, logprob.tolist(), stopped.tolist(), last + 1)


def _mask(cache: Cache, pads_N: torch.Tensor, width: int, new: int, dtype: torch.dtype) -> torch.Tensor:
    """What one new token a row may look at: what is added to its scores where the cache is ours, else as the model
    expects it to be handed in, since with a sliding window only the model knows what is still there."""
    hidden_NT = torch.arange(width, device=pads_N.device) < pads_N[:, None]
    if not isinstance(cache.layers[0], BufferedLayer):
        return functional.pad((~hidden_NT).long(), (0, new), value=1)
    added_NT = torch.zeros_like(hidden_NT, dtype=dtype).masked_fill_(hidden_NT, -torch.inf)
    return functional.pad(added_NT, (0, new))[:, None, None]


def _take_down(
    rows: Sequence[Row],
    journal: Sequence[tuple[torch.Tensor, torch.Tensor]],
    logprobs: Sequence[float],
    stopped: Sequence[bool],
    longest: int,
) -> None:
    """Adds to the rows what was written of them, step after step."""
    at, tokens = (torch.cat(parts).tolist() for parts in zip(*journal, strict=True))
    for place, token in zip(at, tokens, strict=True):
        rows[place].token_ids.append(token)
    for row, logprob, end in zip(rows, logprobs, stopped, strict=True):
        row.logprob += logprob
        row.finish = "stop" if end else "length" if len(row.token_ids) == longest else ""

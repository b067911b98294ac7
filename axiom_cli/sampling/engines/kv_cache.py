"""Keys and values of many rows at once, each row in a slot of its own, from column 0 on.

Since every row begins at column 0 and the number of columns is a multiple of COLUMN_BLOCK, what a row computes depends
neither on the rows beside it nor on their lengths: columns that it may not see come after its own and add exact zeros.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin

from axiom_cli.errors import InputError

COLUMN_BLOCK = 64
"""The number of columns is a multiple of this."""
ROW_BLOCK = 8
"""The rows of a matrix product are a multiple of this: the processor may multiply leftover rows in another way, and
their last bits would differ."""
PROMPT_CHUNK = 128
"""Prompt tokens per forward pass; chunks begin at multiples of it, whatever the prompt."""
LAYER_TYPES = ("full_attention", "sliding_attention")
"""What a layer may attend to: everything before a token, or the last `sliding_window` tokens."""


def round_up(number: int, step: int) -> int:
    """The smallest multiple of `step` that is at least `number`."""
    return -(-number // step) * step


def prompt_columns(first: int, end: int) -> int:
    """How many columns prompts read for their tokens from `first` to `end`, the longest prompt's: beyond some 200, the
    processor may add up another number of columns in another way, so that it must not depend on the prompts beside."""
    return first + PROMPT_CHUNK if first else round_up(end, COLUMN_BLOCK)


class KVCacheLayer(CacheLayerMixin):
    """One layer's keys and values: (slots, heads, capacity, head size). New tokens go to columns from `first` on, or
    one token per slot to the columns `column_S`."""

    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.first = 0
        self.column_S: torch.Tensor | None = None
        self.rows_S: torch.Tensor | None = None

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.keys = _zeros(key_states, self.capacity)
        self.values = _zeros(value_states, self.capacity)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args, **_kwargs
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Stores new columns, and returns all columns, empty ones included."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        for buffer, new in ((self.keys, key_states), (self.values, value_states)):
            if self.column_S is None:
                buffer[:, :, self.first : self.first + new.shape[2]] = new
            else:
                buffer[self.rows_S, :, self.column_S] = new[:, :, 0]
        return self.keys, self.values

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:  # noqa: ARG002 - transformers names it
        return self.capacity, 0

    def get_seq_length(self) -> int:
        return self.first

    def get_max_length(self) -> int:
        return self.capacity

    def resize(self, kept_N: torch.Tensor | None, capacity: int) -> None:
        """Keeps these slots (None: all) and this many columns."""
        shared = min(capacity, self.capacity)
        for name in ("keys", "values") if self.is_initialized else ():
            new = getattr(self, name) if kept_N is None else getattr(self, name).index_select(0, kept_N)
            if capacity != self.capacity:
                old, new = new, _zeros(new, capacity)
                new[:, :, :shared] = old[:, :, :shared]
            setattr(self, name, new)
        self.capacity = capacity


def _zeros(like: torch.Tensor, capacity: int) -> torch.Tensor:
    """Zeros, not uninitialised memory: masked columns are multiplied by zero, and NaN would survive that."""
    rows, heads, _, size = like.shape
    return like.new_zeros(rows, heads, capacity, size)


class KVCache:
    """The keys and values of all layers of `model`, with `capacity` columns, and their masks. `argument` passes them to
    `model`. Its `slots` come with what is copied or written first. Raises InputError for a model with layers of an
    unknown type."""

    def __init__(self, model: PreTrainedModel, capacity: int, slots: int) -> None:
        config = model.config.get_text_config()
        self.window = _window(config)
        self.layer_types = sorted(set(_layer_types(config)))
        if unknown := [name for name in self.layer_types if name not in LAYER_TYPES]:
            raise InputError(
                f"the transformers engine does not support layers of type {', '.join(unknown)}",
                "try --engine vllm, or serve the model and give its address as the model",
            )
        self.capacity, self.slots = capacity, slots
        self.layers = [KVCacheLayer(capacity) for _ in range(config.num_hidden_layers)]
        # transformers 5.24 gave the argument another name.
        name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
        self.argument = {name: Cache(layers=[*self.layers])}

    def write_at(
        self, first: int = 0, column_S: torch.Tensor | None = None, rows_S: torch.Tensor | None = None
    ) -> None:
        """The next forward pass writes a run of tokens from column `first` on, or one token per slot to its column."""
        for layer in self.layers:
            layer.first, layer.column_S, layer.rows_S = first, column_S, rows_S

    def resize(self, kept_N: torch.Tensor | None, capacity: int) -> None:
        """As `KVCacheLayer.resize`, for all layers."""
        for layer in self.layers:
            layer.resize(kept_N, capacity)
        self.capacity = capacity

    def fit(self, end_S: torch.Tensor) -> None:
        """Makes the slots long enough for the longest, but not twice as long as that."""
        wanted = round_up(int(end_S.max()), COLUMN_BLOCK)
        if not self.capacity // 2 < wanted <= self.capacity:
            self.resize(None, wanted)

    def keep(self, kept_N: torch.Tensor) -> None:
        """Keeps these slots."""
        self.resize(kept_N, self.capacity)
        self.slots = len(kept_N)

    def release(self, slots: Sequence[int]) -> None:
        """Nothing: an empty slot is as long as the others."""

    def copy_from(self, other: KVCache, from_N: torch.Tensor, into_N: torch.Tensor, lengths_N: torch.Tensor) -> None:
        """Copies slots `from_N` of another cache, the first `lengths_N` columns of each, into slots `into_N`. Some
        models have layers that read another layer's keys and values, and store none."""
        width = int(lengths_N.max())
        for layer, source in zip(self.layers, other.layers, strict=True):
            if not source.is_initialized:
                continue
            if not layer.is_initialized:
                shapes = (states[:1].expand(self.slots, -1, -1, -1) for states in (source.keys, source.values))
                layer.lazy_initialization(*shapes)
            layer.keys[into_N, :, :width] = source.keys[from_N, :, :width]
            layer.values[into_N, :, :width] = source.values[from_N, :, :width]

    def mask(self, positions_NQ: torch.Tensor, dtype: torch.dtype) -> torch.Tensor | dict[str, torch.Tensor]:
        """What is added to the attention scores of tokens at these positions, (N, 1, Q, capacity); by layer type where
        the model has several."""
        columns_T = torch.arange(self.capacity, device=positions_NQ.device)
        position_NQ1 = positions_NQ[..., None]
        seen_NQT = columns_T <= position_NQ1
        masks = {}
        for layer_type in self.layer_types:
            visible_NQT = seen_NQT
            if self.window and layer_type == "sliding_attention":
                visible_NQT = seen_NQT & (columns_T > position_NQ1 - self.window)
            added_NQT = torch.zeros(visible_NQT.shape, dtype=dtype, device=columns_T.device)
            masks[layer_type] = added_NQT.masked_fill_(~visible_NQT, -torch.inf)[:, None]
        return masks if len(masks) > 1 else next(iter(masks.values()))


def _window(config: Any) -> int:
    """How many tokens a layer with a window sees, itself among them; 0 where there is no window."""
    return (getattr(config, "sliding_window", None) or 0) if getattr(config, "use_sliding_window", True) else 0


def _layer_types(config: Any) -> list[str]:
    everywhere = "sliding_attention" if _window(config) else "full_attention"
    return list(getattr(config, "layer_types", None) or [everywhere] * config.num_hidden_layers)


def windows(config: Any) -> list[int]:
    """The window of each layer, 0 for one that sees everything before a token."""
    return [_window(config) if name == "sliding_attention" else 0 for name in _layer_types(config)]


class PlainDecoder:
    """The forward pass of any model, by the library's own modules."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model

    def new_cache(self, slots: int, _width: int = 1) -> KVCache:
        """Without columns; the slots come with the first of them."""
        return KVCache(self.model, 0, slots)

    def prefill(self, prompts: Sequence[Sequence[int]], pad: int) -> KVCache:
        """As the function `prefill`."""
        return prefill(self.model, prompts, pad)

    def step(self, cache: KVCache, token_S1: torch.Tensor, column_S: torch.Tensor) -> torch.Tensor:
        """The logits (S, 1, V) after one more token a slot, which goes to its column."""
        cache.write_at(0, column_S, torch.arange(len(column_S), device=column_S.device))
        return self.model(
            input_ids=token_S1,
            attention_mask=cache.mask(column_S[:, None], self.model.dtype),
            position_ids=column_S[:, None],
            **cache.argument,
        ).logits[:, -1:]


def prefill(model: PreTrainedModel, prompts: Sequence[Sequence[int]], pad: int) -> KVCache:
    """A cache that holds the prompts, one per slot, padded on the right. Read in chunks, so that memory stays small."""
    width = round_up(max(map(len, prompts)), ROW_BLOCK)
    cache = KVCache(model, 0, len(prompts))
    ids_PT = torch.tensor([[*prompt, *[pad] * (width - len(prompt))] for prompt in prompts])
    for first in range(0, width, PROMPT_CHUNK):
        chunk_PQ = ids_PT[:, first : first + PROMPT_CHUNK].to(model.device)
        cache.resize(None, prompt_columns(first, first + chunk_PQ.shape[1]))
        cache.write_at(first)
        positions_1Q = torch.arange(first, first + chunk_PQ.shape[1], device=model.device)[None]
        model(
            input_ids=chunk_PQ,
            attention_mask=cache.mask(positions_1Q, model.dtype),
            position_ids=positions_1Q,
            logits_to_keep=1,
            **cache.argument,
        )
    return cache

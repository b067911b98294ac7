"""Keys and values of many rows at once, each in a slot of its own, from column 0 on.

Since every row begins at column 0 and the number of columns is a multiple of BLOCK, what a row computes does not depend
on the rows beside it, nor on how long they are: columns that it may not see come after its own and add exact zeros.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from axiom_cli.errors import InputError

BLOCK = 64
"""The number of columns is a multiple of this."""
LEAST = 8
"""The rows of a product are a multiple of this: those left over may be multiplied in another way, and differ in the
last bits."""
CHUNK = 128
"""Tokens of a prompt that are read at once; chunks begin at multiples of it, whatever the prompt."""
KINDS = ("full_attention", "sliding_attention")
"""What a layer may look at: everything before it, or the last `sliding_window` tokens."""


def up(number: int, step: int) -> int:
    """The least multiple of `step` that is not below `number`."""
    return -(-number // step) * step


class SlotLayer(CacheLayerMixin):
    """One layer's keys and values: (slots, heads, capacity, head size). `first` is the column of a run of new tokens,
    or `at_S` the column of each slot's one new token."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.first = 0
        self.at_S: torch.Tensor | None = None
        self.rows_S: torch.Tensor | None = None

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.keys = _empty(key_states, self.capacity)
        self.values = _empty(value_states, self.capacity)
        self.is_initialized = True

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs):
        """Puts new columns in their places, and returns all columns, those still empty included."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        for buffer, new in ((self.keys, key_states), (self.values, value_states)):
            if self.at_S is None:
                buffer[:, :, self.first : self.first + new.shape[2]] = new
            else:
                buffer[self.rows_S, :, self.at_S] = new[:, :, 0]
        return self.keys, self.values

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.capacity, 0

    def get_seq_length(self) -> int:
        return self.first

    def get_max_length(self) -> int:
        return self.capacity

    def move(self, kept_N: torch.Tensor | None, capacity: int) -> None:
        """Goes on with these slots (None: with all), and so many columns."""
        both = min(capacity, self.capacity)
        for name in ("keys", "values") if self.is_initialized else ():
            new = getattr(self, name) if kept_N is None else getattr(self, name).index_select(0, kept_N)
            if capacity != self.capacity:
                old, new = new, _empty(new, capacity)
                new[:, :, :both] = old[:, :, :both]
            setattr(self, name, new)
        self.capacity = capacity


def _empty(like: torch.Tensor, capacity: int) -> torch.Tensor:
    """Zeros, since what is masked is multiplied by zero and must be a number."""
    rows, heads, _, size = like.shape
    return like.new_zeros(rows, heads, capacity, size)


class Slots:
    """A cache for `model` of so many columns, and what its layers may see."""

    def __init__(self, model: torch.nn.Module, capacity: int) -> None:
        config = model.config.get_text_config()
        self.kinds = sorted(set(getattr(config, "layer_types", None) or ["full_attention"]))
        self.window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
        if strange := [kind for kind in self.kinds if kind not in KINDS]:
            hint = "try --engine vllm, or serve it and give its address as the model"
            raise InputError(f"the transformers engine knows no layers of {', '.join(strange)}", hint)
        self.capacity = capacity
        self.layers = [SlotLayer(capacity) for _ in range(config.num_hidden_layers)]
        self.cache = Cache(layers=self.layers)

    def at(self, at_S: torch.Tensor | None, rows_S: torch.Tensor | None = None, first: int = 0) -> None:
        """Where the next tokens go."""
        for layer in self.layers:
            layer.at_S, layer.rows_S, layer.first = at_S, rows_S, first

    def move(self, kept_N: torch.Tensor | None, capacity: int) -> None:
        """As `SlotLayer.move`, of all layers."""
        for layer in self.layers:
            layer.move(kept_N, capacity)
        self.capacity = capacity

    def take(self, into_N: torch.Tensor, other: Slots, from_N: torch.Tensor, width: int) -> None:
        """Copies the first `width` columns of slots of another cache."""
        for mine, its in zip(self.layers, other.layers, strict=True):
            mine.keys[into_N, :, :width] = its.keys[from_N, :, :width]
            mine.values[into_N, :, :width] = its.values[from_N, :, :width]

    def open(self, like: Slots, count: int) -> None:
        """Makes `count` empty slots, of the same heads and type as another cache's, if there are none yet."""
        for mine, its in zip(self.layers, like.layers, strict=True):
            if not mine.is_initialized:
                keys, values = (one[:1].expand(count, -1, -1, -1) for one in (its.keys, its.values))
                mine.lazy_initialization(keys, values)

    def mask(self, positions_NQ: torch.Tensor, dtype: torch.dtype):
        """What is added to the scores of tokens at these positions: (N, 1, Q, capacity); one for each kind of layer
        where the model has several."""
        columns_T = torch.arange(self.capacity, device=positions_NQ.device)
        position_NQ1 = positions_NQ[..., None]
        seen_NQT = columns_T <= position_NQ1
        found = {}
        for kind in self.kinds:
            sliding = self.window and (kind == "sliding_attention" or len(self.kinds) == 1)
            kind_NQT = seen_NQT & (columns_T > position_NQ1 - self.window) if sliding else seen_NQT
            added_NQT = torch.zeros(kind_NQT.shape, dtype=dtype, device=columns_T.device)
            found[kind] = added_NQT.masked_fill_(~kind_NQT, -torch.inf)[:, None]
        return found if len(found) > 1 else next(iter(found.values()))


@functools.cache
def cache_argument(kind: type[torch.nn.Module]) -> str:
    """What this kind of model calls its cache: transformers 5.24 gave the argument another name."""
    return "cache" if "cache" in inspect.signature(kind.forward).parameters else "past_key_values"


def read(model: torch.nn.Module, prompts: Sequence[Sequence[int]], pad: int) -> Slots:
    """A cache that holds the prompts, one a slot, padded on the right. In chunks, so that memory stays small."""
    width = up(max(map(len, prompts)), LEAST)
    found = Slots(model, up(width, BLOCK))
    ids_PT = torch.tensor([[*prompt, *[pad] * (width - len(prompt))] for prompt in prompts])
    for first in range(0, width, CHUNK):
        found.at(None, first=first)
        part_PQ = ids_PT[:, first : first + CHUNK].to(model.device)
        positions_1Q = torch.arange(first, first + part_PQ.shape[1], device=model.device)[None]
        model(
            input_ids=part_PQ,
            attention_mask=found.mask(positions_1Q, model.dtype),
            position_ids=positions_1Q,
            logits_to_keep=1,
            **{cache_argument(type(model)): found.cache},
        )
    return found

"""Llama and its closest kin on the processor: their forward pass without what sampling does not need.

The library's modules cost a small model as much as its arithmetic: here queries, keys and values come of one product,
and so do the two halves of the MLP; a layer with a window holds no more columns than that; the last layer of a prompt
stops at its keys and values; and rows read as many columns as the longest of their block has. All of it rounds as the
library's own pass does, but for layers whose window has passed: their columns stand in another order.

An architecture is sampled so only if it is one of KNOWN, and if `proven` finds the logits of the library's own pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from axiom_cli.models.memory import is_out_of_memory
from axiom_cli.sampling.engines import slot_check
from axiom_cli.sampling.engines.attention import attend
from axiom_cli.sampling.engines.exact_product import ExactProduct
from axiom_cli.sampling.engines.kv_cache import COLUMN_BLOCK, PROMPT_CHUNK, ROW_BLOCK, prompt_columns, round_up, windows

KNOWN = frozenset(
    f"transformers.models.{name}.modeling_{name}" for name in ("llama", "mistral", "qwen2", "qwen3", "smollm3")
)
"""The modules of architectures whose layers are put together as `Layer` says."""
STATIC_ROPE = frozenset({"default", "linear", "llama3", "yarn"})
"""Kinds of rotary factors that depend on a token's position alone."""
READ_BLOCK = 16
"""The number of columns that a row reads is a multiple of this."""
SLOT_BLOCK = 32
"""Slots that all read the same number of columns."""


@dataclass(frozen=True)
class Layer:
    """What a layer computes with. A window of 0 has no end."""

    norm: Callable[[torch.Tensor], torch.Tensor]
    query_key_value: ExactProduct
    query_norm: Callable[[torch.Tensor], torch.Tensor] | None
    key_norm: Callable[[torch.Tensor], torch.Tensor] | None
    output: ExactProduct
    mlp_norm: Callable[[torch.Tensor], torch.Tensor]
    gate_up: ExactProduct
    activation: Callable[[torch.Tensor], torch.Tensor]
    down: ExactProduct
    rotary: bool
    window: int


class SlotCache:
    """Keys and values of rows in slots: by layer (slots, heads, columns, head size). Column `p` belongs to position
    `p`, and in a layer with a window to the last position with this remainder. `whole` keeps all positions there too.
    """

    def __init__(self, decoder: LeanDecoder, slots: int, capacity: int, *, whole: bool = False) -> None:
        self.decoder, self.capacity = decoder, capacity
        self.windows = [0 if whole else layer.window for layer in decoder.layers]
        self.keys, self.values = ([self._zeros(slots, window) for window in self.windows] for _ in range(2))

    def _zeros(self, slots: int, window: int) -> torch.Tensor:
        """Zeros, not uninitialised memory: masked columns are multiplied by zero, and NaN would survive that."""
        return torch.zeros(slots, self.decoder.key_heads, self._columns(window), self.decoder.size)

    def _columns(self, window: int) -> int:
        return min(self.capacity, window or self.capacity)

    def resize(self, kept_N: torch.Tensor | None, capacity: int) -> None:
        """As `KVCache.resize`."""
        self.capacity = capacity
        for states in (self.keys, self.values):
            for number, window in enumerate(self.windows):
                old = states[number] if kept_N is None else states[number].index_select(0, kept_N)
                states[number], columns = old, self._columns(window)
                if columns != old.shape[2]:
                    shared = min(columns, old.shape[2])
                    states[number] = self._zeros(len(old), window)
                    states[number][:, :, :shared] = old[:, :, :shared]

    def allocate_like(self, other: SlotCache, count: int) -> None:  # noqa: ARG002 - a KVCache learns its shapes so
        """Nothing: the slots are there from the beginning."""

    def copy_from(self, other: SlotCache, from_N: torch.Tensor, into_N: torch.Tensor, lengths_N: torch.Tensor) -> None:
        """As `KVCache.copy_from`, from a cache of all positions."""
        width = int(lengths_N.max())
        for ours, theirs in ((self.keys, other.keys), (self.values, other.values)):
            for number, window in enumerate(self.windows):
                if not window:
                    ours[number][into_N, :, :width] = theirs[number][from_N, :, :width]
                    continue
                held_NT = _held(lengths_N[:, None] - 1, window, ours[number].shape[2]).clamp_(min=0)
                copied_NTKD = theirs[number].transpose(1, 2)[from_N[:, None], held_NT]
                ours[number][into_N] = copied_NTKD.transpose(1, 2)

    def store(self, number: int, column_S: torch.Tensor, key_SKD: torch.Tensor, value_SKD: torch.Tensor) -> None:
        """One token a slot, in layer `number`."""
        window = self.windows[number]
        at_S = column_S % window if window else column_S
        slots_S = torch.arange(len(at_S))
        self.keys[number][slots_S, :, at_S] = key_SKD
        self.values[number][slots_S, :, at_S] = value_SKD


def _held(position: torch.Tensor, window: int, columns: int) -> torch.Tensor:
    """The positions (..., columns) that a layer with a window holds once it has read `position` (..., 1); negative
    where there is none yet."""
    return position - (position - torch.arange(columns)) % window


def _added(visible: torch.Tensor) -> torch.Tensor:
    """What is added to scores so that only what is visible counts."""
    return torch.zeros(visible.shape).masked_fill_(~visible, -torch.inf)


class LeanDecoder:
    """The forward pass of `model`, whose weights it shares."""

    def __init__(self, model: PreTrainedModel) -> None:
        config: Any = model.config
        decoder: Any = model.model
        first = decoder.layers[0].self_attn
        self.size = first.head_dim
        self.heads, self.key_heads = config.num_attention_heads, config.num_key_value_heads
        self.scaling = first.scaling
        self.embed, self.rotary = decoder.embed_tokens, decoder.rotary_emb
        self.layers = [_layer(*pair) for pair in zip(decoder.layers, windows(config), strict=True)]
        self.norm, self.head = _norm(decoder.norm), ExactProduct(model.lm_head.weight, model.lm_head.bias)
        self.cos_sin: tuple[torch.Tensor, torch.Tensor] = (torch.empty(0), torch.empty(0))

    def new_cache(self, slots: int) -> SlotCache:
        """Without columns."""
        return SlotCache(self, slots, 0)

    def prefill(self, prompts: Sequence[Sequence[int]], pad: int) -> SlotCache:
        """As `kv_cache.prefill`."""
        width = round_up(max(map(len, prompts)), ROW_BLOCK)
        cache = SlotCache(self, len(prompts), width, whole=True)
        ids_PT = torch.tensor([[*prompt, *[pad] * (width - len(prompt))] for prompt in prompts])
        for first in range(0, width, PROMPT_CHUNK):
            self._read(cache, ids_PT[:, first : first + PROMPT_CHUNK], first)
        return cache

    def _read(self, cache: SlotCache, ids_PQ: torch.Tensor, first: int) -> None:
        """Reads a run of tokens of each prompt, the first of them at position `first`."""
        rows, count = ids_PQ.shape
        position_Q1, end = torch.arange(first, first + count)[:, None], first + count
        columns_T = torch.arange(prompt_columns(first, end))
        cache.resize(None, max(cache.capacity, len(columns_T)))
        masks = {}
        for window in {layer.window for layer in self.layers}:
            nearby_QT = columns_T > position_Q1 - (window or end + 1)
            masks[window] = _added((columns_T <= position_Q1) & nearby_QT)[None, None]
        hidden_MH = self.embed(ids_PQ).flatten(0, 1)
        cos_sin = tuple(table.repeat(rows, 1)[:, None] for table in self._factors(end, slice(first, end)))
        for number, layer in enumerate(self.layers):
            query_MHD, key_MKD, value_MKD = self._query_key_value(layer, hidden_MH, cos_sin)
            for states, new_MKD in ((cache.keys[number], key_MKD), (cache.values[number], value_MKD)):
                states[:, :, first:end] = new_MKD.unflatten(0, (rows, count)).transpose(1, 2)
            if number == len(self.layers) - 1:
                return
            query_PHQD = query_MHD.unflatten(0, (rows, count)).transpose(1, 2)
            seen_PHQD = self._attend(query_PHQD, cache, number, slice(None), len(columns_T), masks[layer.window])
            hidden_MH = self._finish(layer, hidden_MH, seen_PHQD.flatten(0, 1).flatten(1))

    def step(self, cache: SlotCache, token_S: torch.Tensor, column_S: torch.Tensor) -> torch.Tensor:
        """The logits (S, V) after one more token a slot, which goes to its column."""
        hidden_SH = self.embed(token_S)
        cos_sin = tuple(table[:, None] for table in self._factors(int(column_S.max()) + 1, column_S))
        masks = {}
        for number, window in enumerate(cache.windows):
            if window not in masks:
                masks[window] = self._step_mask(column_S, window, cache.keys[number].shape[2])
        runs = list(_runs(column_S))
        for number, layer in enumerate(self.layers):
            query_SHD, key_SKD, value_SKD = self._query_key_value(layer, hidden_SH, cos_sin)
            cache.store(number, column_S, key_SKD, value_SKD)
            seen = [
                self._attend(query_SHD[slots, :, None], cache, number, slots, columns, masks[layer.window][slots])
                for slots, columns in (runs if not layer.window else [(slice(None), cache.keys[number].shape[2])])
            ]
            seen_SHD = (torch.cat(seen) if len(seen) > 1 else seen[0]).flatten(1)
            hidden_SH = self._finish(layer, hidden_SH, seen_SHD)
        return self.head(self.norm(hidden_SH))

    def _step_mask(self, column_S: torch.Tensor, window: int, columns: int) -> torch.Tensor:
        """(S, 1, 1, columns)"""
        column_S1 = column_S[:, None]
        visible_ST = _held(column_S1, window, columns) >= 0 if window else torch.arange(columns) <= column_S1
        return _added(visible_ST)[:, None, None]

    def _attend(  # noqa: PLR0913 - what is read, and of what
        self, query: torch.Tensor, cache: SlotCache, number: int, slots: slice, columns: int, mask: torch.Tensor
    ) -> torch.Tensor:
        keys, values = (states[number][slots, :, :columns] for states in (cache.keys, cache.values))
        return attend(self.norm, query, keys, values, mask[..., :columns], self.scaling)[0]  # type: ignore[arg-type]

    def _query_key_value(
        self, layer: Layer, hidden_MH: torch.Tensor, cos_sin: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...]:
        all_MHD = layer.query_key_value(layer.norm(hidden_MH)).unflatten(-1, (-1, self.size))
        turned_MHD = all_MHD[:, : -self.key_heads]
        if layer.query_norm and layer.key_norm:
            query_MHD, key_MKD = turned_MHD.split([self.heads, self.key_heads], 1)
            turned_MHD = torch.cat((layer.query_norm(query_MHD), layer.key_norm(key_MKD)), 1)
        if layer.rotary:
            turned_MHD = _rotated(turned_MHD, *cos_sin)
        return *turned_MHD.split([self.heads, self.key_heads], 1), all_MHD[:, -self.key_heads :]

    def _finish(self, layer: Layer, hidden_MH: torch.Tensor, seen_MH: torch.Tensor) -> torch.Tensor:
        """The rest of a layer, from what its attention saw."""
        hidden_MH = layer.output(seen_MH).add_(hidden_MH)
        gate_MI, up_MI = layer.gate_up(layer.mlp_norm(hidden_MH)).chunk(2, -1)
        return layer.down(layer.activation(gate_MI).mul_(up_MI)).add_(hidden_MH)

    def _factors(self, end: int, positions: torch.Tensor | slice) -> tuple[torch.Tensor, torch.Tensor]:
        """The rotary factors of these positions, none of them `end` or later."""
        if len(self.cos_sin[0]) < end:
            all_1T = torch.arange(max(end, 2 * len(self.cos_sin[0])))[None]
            cos_1TD, sin_1TD = self.rotary(self.embed.weight, all_1T)
            self.cos_sin = cos_1TD[0], sin_1TD[0]
        cos_TD, sin_TD = self.cos_sin
        return cos_TD[positions], sin_TD[positions]


def _rotated(states_MHD: torch.Tensor, cos_M1D: torch.Tensor, sin_M1D: torch.Tensor) -> torch.Tensor:
    """Rotary positions, added up as the library does."""
    half = states_MHD.shape[-1] // 2
    out_MHD = states_MHD * cos_M1D
    out_MHD[..., :half] -= states_MHD[..., half:] * sin_M1D[..., :half]
    out_MHD[..., half:] += states_MHD[..., :half] * sin_M1D[..., half:]
    return out_MHD


def _runs(column_S: torch.Tensor) -> Iterator[tuple[slice, int]]:
    """Slots side by side that read as many columns as each other, and how many."""
    blocks = [round_up(int(block.max()) + 1, READ_BLOCK) for block in column_S.split(SLOT_BLOCK)]
    first = 0
    for columns, equal in groupby(blocks):
        last = first + SLOT_BLOCK * len(list(equal))
        yield slice(first, last), columns
        first = last


def _layer(layer: Any, window: int) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp
    return Layer(
        norm=_norm(layer.input_layernorm),
        query_key_value=_joined(attention.q_proj, attention.k_proj, attention.v_proj),
        query_norm=getattr(attention, "q_norm", None),
        key_norm=getattr(attention, "k_norm", None),
        output=_joined(attention.o_proj),
        mlp_norm=_norm(layer.post_attention_layernorm),
        gate_up=_joined(mlp.gate_proj, mlp.up_proj),
        activation=mlp.act_fn,
        down=_joined(mlp.down_proj),
        rotary=bool(getattr(attention, "use_rope", True)),
        window=window,
    )


def _norm(norm: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    shape, weight, epsilon = tuple(norm.weight.shape), norm.weight, norm.variance_epsilon
    return lambda states: functional.rms_norm(states, shape, weight, epsilon)


def _joined(*linears: torch.nn.Linear) -> ExactProduct:
    """The product of several layers at once. Their weights become parts of its own, so that none is held twice."""
    if len(linears) == 1:
        return ExactProduct(linears[0].weight, linears[0].bias)
    weight, sizes = torch.cat([linear.weight.detach() for linear in linears]), [len(one.weight) for one in linears]
    for linear, part in zip(linears, weight.split(sizes), strict=True):
        linear.weight.data = part
    biases = [linear.bias.detach() for linear in linears if linear.bias is not None]
    return ExactProduct(weight, torch.cat(biases) if biases else None)


def is_known(model: PreTrainedModel) -> bool:
    """Whether `model` is of an architecture that can be computed here: in float32 on the processor, of plain layers."""
    rope = getattr(model.config, "rope_parameters", None) or {}
    return (
        type(model).__module__ in KNOWN
        and {(weight.device.type, weight.dtype) for weight in model.parameters()} == {("cpu", torch.float32)}
        and rope.get("rope_type", "default") in STATIC_ROPE
        and rope.get("partial_rotary_factor", 1) == 1
    )


@torch.no_grad()  # not inference mode: weights that it joins can still be trained
def proven(model: PreTrainedModel, ids: Sequence[int]) -> tuple[LeanDecoder | None, str]:
    """The decoder of a model that slots suit, and why there is none though the architecture is known. `ids` are those
    of a short ordinary text, which both this pass and the library's own read, with windows that it fills."""
    if not is_known(model):
        return None, ""
    text = [*ids] * (slot_check.LONG // len(ids) + 1)
    rows = [text[: slot_check.SHORT], text[: slot_check.LONG]]
    try:
        with slot_check.short_window(model):
            decoder = LeanDecoder(model)
            pairs = [(_plain(model, row), logits_V) for row, logits_V in zip(rows, _lean(decoder, rows), strict=True)]
        for plain_V, lean_V in pairs:
            if plain_V.isfinite().all() and not slot_check.equal_but_for_rounding(plain_V, lean_V, model.dtype):
                return None, "it computes other logits there"
        return LeanDecoder(model), ""
    except (
        AttributeError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:  # a release may put its modules together anew
        if is_out_of_memory(error):
            raise
        return None, f"{type(error).__name__}: {str(error).split(chr(10))[0]}"


def _plain(model: PreTrainedModel, row: Sequence[int]) -> torch.Tensor:
    return model(input_ids=torch.tensor([[*row]]), use_cache=False).logits[0, -1]


def _lean(decoder: LeanDecoder, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """The logits after each row; its last tokens are read one step at a time."""
    prompts = [row[: -slot_check.STEPS] for row in rows]
    cache, read = decoder.new_cache(len(rows)), decoder.prefill(prompts, 0)
    cache.resize(None, COLUMN_BLOCK)
    column_S = torch.tensor([len(prompt) for prompt in prompts])
    cache.copy_from(read, torch.arange(len(rows)), torch.arange(len(rows)), column_S)
    for step in range(slot_check.STEPS):
        token_S = torch.tensor([row[step - slot_check.STEPS] for row in rows])
        logits_SV = decoder.step(cache, token_S, column_S + step)
    return logits_SV

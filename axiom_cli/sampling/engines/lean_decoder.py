"""Llama and its closest kin on the processor: their forward pass without what sampling does not need.

The library's modules cost a small model as much as its arithmetic: here queries, keys and values come of one product,
and so do the two halves of the MLP; a layer with a window holds no more columns than a step sees; the last layer of a
prompt stops at its keys and values; and no row reads further than to the end of its own last page (slot_cache.py).

An architecture is sampled so only if it is one of KNOWN, and if `proven` finds the logits of the library's own pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from axiom_cli.models.memory import is_out_of_memory
from axiom_cli.sampling.engines import slot_check
from axiom_cli.sampling.engines.attention import attend
from axiom_cli.sampling.engines.exact_product import ExactProduct
from axiom_cli.sampling.engines.kv_cache import PROMPT_CHUNK, ROW_BLOCK, prompt_columns, round_up, windows
from axiom_cli.sampling.engines.slot_cache import PromptCache, SlotCache

KNOWN = frozenset(
    f"transformers.models.{name}.modeling_{name}" for name in ("llama", "mistral", "qwen2", "qwen3", "smollm3")
)
"""The modules of architectures whose layers are put together as `Layer` says."""
STATIC_ROPE = frozenset({"default", "linear", "llama3", "yarn"})
"""Kinds of rotary factors that depend on a token's position alone."""


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

    def new_cache(self, slots: int, width: int = 1) -> SlotCache:
        """Empty slots, for steps of `width` tokens."""
        return SlotCache((self.key_heads, self.size), [layer.window for layer in self.layers], slots, width)

    def prefill(self, prompts: Sequence[Sequence[int]], pad: int) -> PromptCache:
        """As `kv_cache.prefill`."""
        width = round_up(max(map(len, prompts)), ROW_BLOCK)
        cache = PromptCache((self.key_heads, self.size), len(self.layers), len(prompts))
        ids_PT = torch.tensor([[*prompt, *[pad] * (width - len(prompt))] for prompt in prompts])
        for first in range(0, width, PROMPT_CHUNK):
            self._read(cache, ids_PT[:, first : first + PROMPT_CHUNK], first)
        return cache

    def _read(self, cache: PromptCache, ids_PQ: torch.Tensor, first: int) -> None:
        """Reads a run of tokens of each prompt, the first of them at position `first`."""
        rows, count = ids_PQ.shape
        position_Q1, end = torch.arange(first, first + count)[:, None], first + count
        columns_T = torch.arange(prompt_columns(first, end))
        cache.fit(len(columns_T))
        masks = {}
        for window in {layer.window for layer in self.layers}:
            nearby_QT = columns_T > position_Q1 - (window or end + 1)
            masks[window] = _added((columns_T <= position_Q1) & nearby_QT)[None, None]
        hidden_MH = self.embed(ids_PQ).flatten(0, 1)
        cos_sin = tuple(table.repeat(rows, 1)[:, None] for table in self._factors(end, slice(first, end)))
        for number, layer in enumerate(self.layers):
            query_MHD, key_MKD, value_MKD = self._query_key_value(layer, hidden_MH, cos_sin)
            keys, values = cache.states[number].unbind(2)
            for states, new_MKD in ((keys, key_MKD), (values, value_MKD)):
                states[:, :, first:end] = new_MKD.unflatten(0, (rows, count)).transpose(1, 2)
            if number == len(self.layers) - 1:
                return
            query_PHQD = query_MHD.unflatten(0, (rows, count)).transpose(1, 2)
            seen_PQHD, _ = attend(
                self.norm,  # type: ignore[arg-type]  # any will do
                query_PHQD,
                keys[:, :, : len(columns_T)],
                values[:, :, : len(columns_T)],
                masks[layer.window],
                self.scaling,
            )
            hidden_MH = self._finish(layer, hidden_MH, seen_PQHD.flatten(0, 1).flatten(1))

    def step(self, cache: SlotCache, token_SQ: torch.Tensor, column_S: torch.Tensor) -> torch.Tensor:
        """The logits (S, Q, V) after each of Q more tokens a slot. The first token goes to the slot's column, and each
        other one to the column after it."""
        slots, width = token_SQ.shape
        position_SQ, end = column_S[:, None] + torch.arange(width), int(column_S.max()) + width
        cache.begin(position_SQ)
        hidden_MH = self.embed(token_SQ.flatten())
        cos_sin = tuple(table[:, None] for table in self._factors(end, position_SQ.flatten()))
        by_head, by_token = (slots, width, self.key_heads, -1, self.size), (slots, self.key_heads, -1, width, self.size)
        for number, layer in enumerate(self.layers):
            query_MHD, key_MKD, value_MKD = self._query_key_value(layer, hidden_MH, cos_sin)
            cache.store(number, key_MKD, value_MKD)
            query_SKQD = (query_MHD * self.scaling).view(by_head).permute(0, 2, 3, 1, 4).flatten(2, 3)
            seen_SKQD = cache.attend(number, query_SKQD)
            seen_MH = seen_SKQD.view(by_token).permute(0, 3, 1, 2, 4).reshape(slots * width, -1)
            hidden_MH = self._finish(layer, hidden_MH, seen_MH)
        return self.head(self.norm(hidden_MH)).unflatten(0, (slots, width))

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
    weight, sizes = (
        torch.cat([linear.weight.detach() for linear in linears]),
        [len(linear.weight) for linear in linears],
    )
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
            plain = [_plain(model, row) for row in rows]
            pairs = [
                pair for width in (1, slot_check.STEPS) for pair in zip(plain, _lean(decoder, rows, width), strict=True)
            ]
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


def _lean(decoder: LeanDecoder, rows: Sequence[Sequence[int]], width: int) -> torch.Tensor:
    """The logits after each row; its last tokens are read `width` a step."""
    prompts = [row[: -slot_check.STEPS] for row in rows]
    cache, read = decoder.new_cache(len(rows), width), decoder.prefill(prompts, 0)
    column_S = torch.tensor([len(prompt) for prompt in prompts])
    cache.fit(column_S + slot_check.STEPS)
    cache.copy_from(read, torch.arange(len(rows)), torch.arange(len(rows)), column_S)
    last_SQ = torch.tensor([row[-slot_check.STEPS :] for row in rows])
    for first in range(0, slot_check.STEPS, width):
        logits_SQV = decoder.step(cache, last_SQ[:, first : first + width], column_S + first)
    return logits_SQV[:, -1]

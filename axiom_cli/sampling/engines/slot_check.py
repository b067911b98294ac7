"""Whether a model computes in the sampler's slots what it computes by itself: a few tokens are tried when it is opened.

Architectures differ in what they mask, where they count positions from, and what they carry from token to token; a list
of them would be wrong with the next release. So the model's own forward pass is the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from transformers import PreTrainedModel

from axiom_cli.models.memory import is_out_of_memory
from axiom_cli.sampling.engines import attention
from axiom_cli.sampling.engines.kv_cache import COLUMN_BLOCK, prefill, round_up

SHORT, LONG = 7, 13
"""Tokens of the two rows that are tried."""
STEPS = 2
"""Of these, what is sampled, one a step: the second reads what the first has written."""
WINDOW = 4
"""The window of layers that have one, during the check: a real one is longer than the rows."""
FAR = 1 << 14
"""Columns at most, where a model masks by itself: its windows may depend on how many there are."""


def difference(model: PreTrainedModel, ids: Sequence[int]) -> str:
    """Why `model` cannot be sampled in slots, or nothing where it can; its attention is `attention.attend` then. `ids`
    are those of a short ordinary text. Of a deep model, layers that repeat others are left out at first."""
    text = [*ids] * (LONG // len(ids) + 1)
    rows = [text[: SHORT - 1][::-1] + text[:1], text[:LONG]]
    with spared(model):
        difference = _difference(model, rows)
    return difference and _difference(model, rows)


@contextmanager
def spared(model: PreTrainedModel) -> Iterator[None]:
    """Within it, a few tokens are computed quickly, and as many would be: layers that repeat others are left out, and
    those with a window see WINDOW tokens."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for so little, several would wait for each other
    try:
        with _few_layers(model), short_window(model), torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)


@torch.inference_mode()
def _difference(model: PreTrainedModel, rows: Sequence[list[int]]) -> str:
    before = model.config._attn_implementation  # noqa: SLF001 - transformers has no public name for it
    difference = "it does not run there"
    try:
        with short_window(model), _headless(model) as said:
            plain = said(**_plain_inputs(model, rows))
            attention.use(model)
            slots = list(_in_slots(model, rows, said))
        plain_KH, slots_KH = _ends(plain, rows), torch.stack(slots, 1).flatten(0, 1)
        # No path would mend logits that are not finite: each sample says so.
        equal = not torch.isfinite(plain_KH).all() or equal_but_for_rounding(plain_KH, slots_KH, model.dtype)
        difference = "" if equal else "it computes other logits there"
    except Exception as error:  # noqa: BLE001 - an architecture's own code may raise anything when it is called so
        if is_out_of_memory(error):
            raise
    if difference and model.config._attn_implementation != before:  # noqa: SLF001
        model.set_attn_implementation(before)
    return difference


@contextmanager
def _headless(model: PreTrainedModel) -> Iterator[Callable[..., torch.Tensor]]:
    """Within it, a function from a model's inputs to what it gives its head, (N, T, H), which is spared: it may be the
    largest layer, and does the same to each token. The logits, where there is no such head."""
    seen: list[torch.Tensor] = []

    def spare(_head: torch.nn.Module, args: tuple) -> tuple:
        seen.append(args[0])
        return (args[0][:, :0], *args[1:])

    def said(**inputs) -> torch.Tensor:
        seen.clear()
        logits = model(**inputs).logits
        return (seen[0] if seen else logits).float()

    head: Any = model.get_output_embeddings()
    with head.register_forward_pre_hook(spare) if head is not None else nullcontext():
        yield said


def _plain_inputs(model: PreTrainedModel, rows: Sequence[list[int]]) -> dict[str, Any]:
    ids = [[*row, *row[-1:] * (LONG - len(row))] for row in rows]
    return {"input_ids": torch.tensor(ids, device=model.device), "use_cache": False}


def _ends(plain_NTH: torch.Tensor, rows: Sequence[list[int]]) -> torch.Tensor:
    """Of the last STEPS tokens of each row, row by row."""
    return torch.cat([plain_TH[len(row) - STEPS : len(row)] for plain_TH, row in zip(plain_NTH, rows, strict=True)])


def _in_slots(
    model: PreTrainedModel, rows: Sequence[list[int]], said: Callable[..., torch.Tensor]
) -> Iterator[torch.Tensor]:
    """The same in slots, step by step, beside a row at the far end of the model's context."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or LONG
    beside = [*rows, rows[0]]
    cache = prefill(model, [row[:-STEPS] for row in beside], rows[0][0])
    if not getattr(model, "_supports_attention_backend", False):
        cache.resize(None, round_up(min(context, FAR), COLUMN_BLOCK))
    for step in range(-STEPS, 0):
        column_S = torch.tensor([len(row) + step for row in beside], device=model.device)
        position_S = torch.tensor([len(row) + step for row in rows] + [context + step], device=model.device)
        cache.write_at(0, column_S, torch.arange(len(beside), device=model.device))
        said_S1H = said(
            input_ids=torch.tensor([[row[step]] for row in beside], device=model.device),
            attention_mask=cache.mask(column_S[:, None], model.dtype),
            position_ids=position_S[:, None],
            **cache.argument,
        )
        yield said_S1H[:-1, -1]


def equal_but_for_rounding(wanted: torch.Tensor, found: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether two computations in `dtype` came to the same. A share of the largest number is tolerated: on 60
    architectures of random weights in float32, rounding made less than a millionth of it, and whatever was really
    different a quarter or more."""
    return bool((found - wanted).abs().max() <= torch.finfo(dtype).eps ** 0.5 * wanted.abs().max())


@contextmanager
def short_window(model: PreTrainedModel) -> Iterator[None]:
    """Within it, layers with a window see WINDOW tokens."""
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if not window:
        yield
        return
    config.sliding_window = min(window, WINDOW)
    try:
        yield
    finally:
        config.sliding_window = window


@contextmanager
def _few_layers(model: PreTrainedModel) -> Iterator[None]:
    """Within it, the model ends with the first layer after which there are only layers like earlier ones."""
    config = model.config.get_text_config()
    count = getattr(config, "num_hidden_layers", 0)
    for module in model.modules():
        for name, layers in module.named_children():
            if isinstance(layers, torch.nn.ModuleList) and len(layers) == count:
                kinds = [_kind(layer, number, config) for number, layer in enumerate(layers)]
                setattr(module, name, layers[: max(map(kinds.index, kinds)) + 1])
                try:
                    yield
                finally:
                    setattr(module, name, layers)
                return
    yield


def _kind(layer: torch.nn.Module, number: int, config: Any) -> tuple:
    """What tells a layer from others: its modules and their settings, but for its own number."""
    settings = [
        (
            name,
            type(module).__name__,
            [
                (key, value)
                for key, value in vars(module).items()
                if isinstance(value, (bool, int, float, str)) and not (value == number and type(value) is int)
            ],
        )
        for name, module in layer.named_modules()
    ]
    types = getattr(config, "layer_types", None)
    return types[number] if types else "", settings

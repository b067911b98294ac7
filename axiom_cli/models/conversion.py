"""What a model's parameters are called in its files, and how they are put together: transformers renames tensors as it
loads them (GPT-NeoX's `embed_out`), and makes one tensor of several (the experts of a mixture).

It is the library's own table that is asked, so that what is read here is what `from_pretrained` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightRenaming, dot_natural_key, rename_source_key

from axiom_cli.models.shards import Place


@dataclass(frozen=True)
class Fused:
    """Parameters that are made together of several tensors: `parts` are their keys, each with the pattern of
    `converter` that it matches."""

    first: str
    parts: tuple[tuple[str, str], ...]
    converter: WeightConverter

    def convert(self, model: PreTrainedModel, read: Callable[[str], torch.Tensor]) -> dict[str, torch.Tensor]:
        """The parameters by name, from what `read` gives for each key."""
        converter = deepcopy(self.converter)
        for key, pattern in self.parts:
            converter.add_tensor(self.first, key, pattern, read(key))  # type: ignore[arg-type]  # or a future of it
        made = converter.convert(self.first, model=model, config=model.config)
        return {name: value[0] if isinstance(value, list) else value for name, value in made.items()}


class Layout:
    """The parameters and buffers of `model` (which may be without data) in files that hold the tensors `places`.

    `keys` has the name in the files of each that is stored by itself, `fused` what the others are made of.
    """

    def __init__(self, model: PreTrainedModel, places: Mapping[str, Place]) -> None:
        self.keys: dict[str, str] = {}
        self.fused: dict[str, Fused] = {}
        for fused in self._read(model, places):
            made = fused.convert(model, lambda key: torch.empty(places[key].shape, device="meta"))
            self.fused |= dict.fromkeys(made, fused)

    def _read(self, model: PreTrainedModel, places: Mapping[str, Place]) -> Iterator[Fused]:
        table = get_model_conversion_mapping(model)
        renamings = [entry for entry in table if isinstance(entry, WeightRenaming)]
        converters = [entry for entry in table if isinstance(entry, WeightConverter)]
        by_pattern = {pattern: entry for entry in converters for pattern in entry.source_patterns}
        state, prefix = model.state_dict(), model.base_model_prefix
        parts: dict[str, list[tuple[str, str]]] = {}
        for key in sorted(places, key=dot_natural_key):
            name, pattern = rename_source_key(key, renamings, converters, prefix, state)
            if name not in state:  # it has the library's name already
                name, pattern = rename_source_key(key, [], [], prefix, state)
            if name not in state:
                continue
            if pattern is None:
                self.keys[name] = key
            else:
                parts.setdefault(name, []).append((key, pattern))
        for name, sources in parts.items():
            yield Fused(name, tuple(sources), by_pattern[sources[0][1]])

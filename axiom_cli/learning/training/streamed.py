"""A model that runs while its weights stay on disk: a block's are loaded, in float32, for as long as the block runs.

So its logits cost the memory of one block, not of the model.
"""

# ruff: noqa: SLF001 - torch has no public way to exchange a module's parameters in place

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from accelerate import init_empty_weights
from torch import nn
from torch.nn import functional
from transformers import AutoModelForCausalLM, initialization

from axiom_cli import permitted
from axiom_cli.errors import InputError
from axiom_cli.models.adapters import tied
from axiom_cli.models.loading import device, load_config
from axiom_cli.models.shards import PIECE, Shards

Place = tuple[nn.Module, str, str]
"""(owner, its parameter's name there, the name in the whole model)."""


class StreamedModel:
    """A causal language model in evaluation mode. `source` are the files that it runs on, and may be exchanged for
    others of the same architecture; `value` has the last word on each parameter (name, the files' own). Large matrices
    outside the blocks are there a piece at a time, but for those named in `entire`."""

    def __init__(self, folder: Path, source: Shards) -> None:
        """The architecture is that of `folder`'s config."""
        config = load_config(folder)
        with init_empty_weights(include_buffers=False), initialization.no_init_weights():
            self.model = AutoModelForCausalLM.from_config(
                config, dtype=torch.float32, trust_remote_code=permitted.remote_code()
            ).eval()
        self.source = source
        self.value: Callable[[str, torch.Tensor], torch.Tensor] = lambda _name, value: value
        self.ties = tied(self.model)
        self.device = device()
        self.entire: set[str] = set()
        for name, buffer in self.model.named_buffers():
            if key := source.find(name):
                buffer.copy_(source.tensor(key))
        for module in self.model.modules():
            for name, buffer in module.named_buffers(recurse=False):
                module._buffers[name] = buffer.to(self.device)
        self._prepare(self.model, "")

    @property
    def context(self) -> int:
        """Positions that the model can be shown."""
        return getattr(self.model.config, "max_position_embeddings", None) or 1024

    @property
    def missing(self) -> list[str]:
        """Parameters that the files do not hold under their names: such a checkpoint is converted as it is loaded."""
        return [name for name, _ in self.model.named_parameters() if self.key(name) is None]

    def key(self, name: str) -> str | None:
        """The parameter's key in the files; where it has none of its own, that of the one that it is tied to."""
        return self.source.find(name) or (self.source.find(self.ties[name]) if name in self.ties else None)

    def tensor(self, name: str) -> torch.Tensor:
        """The parameter as the files hold it, a view that must not be written to. InputError where they do not."""
        return self.source.tensor(self.required_key(name))

    def required_key(self, name: str) -> str:
        """As `key`. InputError where the files do not hold the parameter."""
        key = self.key(name)
        if key is None:
            raise InputError(f"{self.source.folder} does not hold {name}", "copy or download the model again")
        return key

    def logits(self, ids_T: torch.Tensor) -> torch.Tensor:
        """logits_TV in float32, on the processor."""
        return self.model(ids_T[None].to(self.device), use_cache=False).logits[0].float().cpu()

    def _prepare(self, module: nn.Module, path: str) -> None:
        """Hooks for blocks (the members of lists) as wholes, and for what lies outside them module by module; what its
        `forward` reads in pieces is filled in only if it is `entire`."""
        in_pieces: dict[type, Callable[..., torch.Tensor]] = {
            nn.Linear: self._in_pieces,
            nn.Embedding: self._looked_up,
        }
        own = list(_parameters(module, path, recurse=False))
        if isinstance(module, nn.ModuleList):
            for number, block in enumerate(module):
                self._fill_in(block, list(_parameters(block, f"{path}{number}.")))
        elif type(module) in in_pieces and len(own) == 1:
            name = own[0][2]
            module.forward = partial(in_pieces[type(module)], module, name)
            self._fill_in(module, own, lambda: name in self.entire)
        elif own:
            self._fill_in(module, list(_parameters(module, path)))
        else:
            for name, child in module.named_children():
                self._prepare(child, f"{path}{name}.")

    def _in_pieces(self, module: nn.Linear, name: str, x: torch.Tensor) -> torch.Tensor:
        if not module.weight.is_meta:
            return functional.linear(x, module.weight)
        weight_OI = self.value(name, self.tensor(name))
        out = x.new_empty(*x.shape[:-1], len(weight_OI))
        at = 0
        for piece in weight_OI.split(max(1, PIECE // module.in_features)):
            out[..., at : at + len(piece)] = functional.linear(x, piece.to(x.device, x.dtype))
            self.source.forget(self.required_key(name))
            at += len(piece)
        return out

    def _looked_up(self, module: nn.Embedding, name: str, ids: torch.Tensor) -> torch.Tensor:
        weight = module.weight
        if weight.is_meta:
            weight = self.value(name, self.tensor(name))
        return functional.embedding(ids.to(weight.device), weight).to(self.device, torch.float32)

    def _fill_in(self, module: nn.Module, places: list[Place], when: Callable[[], bool] = lambda: True) -> None:
        empty = {(id(owner), name): owner._parameters[name] for owner, name, _ in places}

        def fill(*_: object) -> None:
            for owner, name, full in places if when() else ():
                weight = self.value(full, self.tensor(full).to(self.device, torch.float32))
                owner._parameters[name] = nn.Parameter(weight, requires_grad=False)

        def drop(*_: object) -> None:
            for owner, name, full in places:
                owner._parameters[name] = empty[id(owner), name]
                self.source.forget(self.required_key(full))

        module.register_forward_pre_hook(fill)
        module.register_forward_hook(drop, always_call=True)


def _parameters(module: nn.Module, path: str, *, recurse: bool = True) -> Iterator[Place]:
    for prefix, owner in module.named_modules() if recurse else [("", module)]:
        for name in owner._parameters:
            if owner._parameters[name] is not None:
                yield owner, name, f"{path}{prefix}{'.' if prefix else ''}{name}"

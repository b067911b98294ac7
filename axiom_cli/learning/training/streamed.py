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
from axiom_cli.models.conversion import Layout
from axiom_cli.models.loading import context_length, device, load_config
from axiom_cli.models.shards import PIECE, Shards

Place = tuple[nn.Module, str, str]
"""(owner, its parameter's name there, the name in the whole model)."""


class StreamedModel:
    """A causal language model in evaluation mode. `source` are the files that it runs on; `value` has the last word on
    each parameter (name, the files' own). Large matrices outside the blocks are there a piece at a time, but for those
    named in `entire`. `untied`: the files hold two different tensors where the config ties them, which makes them two,
    as it does for transformers."""

    def __init__(self, folder: Path) -> None:
        """InputError where a file is missing or damaged, or does not hold all parameters of the config's model."""
        config = load_config(folder)
        with init_empty_weights(include_buffers=False), initialization.no_init_weights():
            self.model = AutoModelForCausalLM.from_config(
                config, dtype=torch.float32, trust_remote_code=permitted.remote_code()
            ).eval()
        self.read_from(folder)
        self.value: Callable[[str, torch.Tensor], torch.Tensor] = lambda _name, value: value
        keys, every = self.layout.keys, tied(self.model)
        apart = [
            alias
            for alias, source in every.items()
            if alias in keys and source in keys and not torch.equal(*map(self._stored, (alias, source)))
        ]
        self.ties = {alias: source for alias, source in every.items() if alias not in apart}
        self.untied = bool(apart)
        self.device = device()
        self.entire: set[str] = set()
        if missing := [name for name, _ in self.model.named_parameters() if not self.keys(name)]:
            raise InputError(f"{folder} does not hold {missing[0]}", "copy or download the model again")
        for name, buffer in self.model.named_buffers():
            if self.keys(name):
                buffer.copy_(self.tensor(name))
        for module in self.model.modules():
            for name, buffer in module.named_buffers(recurse=False):
                module._buffers[name] = buffer.to(self.device)
        self._prepare(self.model, "")

    def read_from(self, folder: Path) -> None:
        """Runs on the files of `folder` from now on, which hold a model of the same architecture."""
        self.source = Shards(folder)
        self.layout = Layout(self.model, self.source.places)

    @property
    def context(self) -> int:
        """Positions that the model can be shown."""
        return context_length(self.model.config) or 1024

    def key(self, name: str) -> str | None:
        """The parameter's key in the files; where it has none of its own, that of the one that it is tied to. None
        where it is made of several tensors."""
        return self.layout.keys.get(name) or self.layout.keys.get(self.ties.get(name, name))

    def keys(self, name: str) -> list[str]:
        """The keys of all that the parameter is made of; none where the files do not hold it."""
        if key := self.key(name):
            return [key]
        fused = self.layout.fused.get(name) or self.layout.fused.get(self.ties.get(name, name))
        return [key for key, _ in fused.parts] if fused else []

    def tensor(self, name: str) -> torch.Tensor:
        """The parameter as the files hold it, where it can be a view of them: it must not be written to."""
        if key := self.key(name):
            return self.source.tensor(key)
        own = name if name in self.layout.fused else self.ties[name]
        return self.layout.fused[own].convert(self.model, self.source.tensor)[own]

    def _stored(self, name: str) -> torch.Tensor:
        return self.source.tensor(self.layout.keys[name])

    def forget(self, name: str) -> None:
        """As `Shards.forget`, for all that the parameter is made of."""
        for key in self.keys(name):
            self.source.forget(key)

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
            if isinstance(module, nn.Embedding):  # some models ask it for its device
                nothing = torch.full((1, 1), torch.nan, device=self.device).expand(module.weight.shape)
                module.weight = nn.Parameter(nothing, requires_grad=False)
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
            self.forget(name)
            at += len(piece)
        return out

    def _looked_up(self, module: nn.Embedding, name: str, ids: torch.Tensor) -> torch.Tensor:
        weight = module.weight if name in self.entire else self.value(name, self.tensor(name))
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
                self.forget(full)

        module.register_forward_pre_hook(fill)
        module.register_forward_hook(drop, always_call=True)


def _parameters(module: nn.Module, path: str, *, recurse: bool = True) -> Iterator[Place]:
    for prefix, owner in module.named_modules() if recurse else [("", module)]:
        for name in owner._parameters:
            if owner._parameters[name] is not None:
                yield owner, name, f"{path}{prefix}{'.' if prefix else ''}{name}"

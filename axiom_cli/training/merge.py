"""Adapters into weights: in float32, from the original base, rounded once, never chained (docs/pitfalls.md).

A chain is a list of adapter folders in the order in which they were trained. LoRA changes add up; a folder with whole
weights (`method` full) takes the place of everything before it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from axiom_cli.errors import InputError, UsageError
from axiom_cli.training import base as bases
from axiom_cli.training import certificate, lora
from axiom_cli.training.certificate import Certificate

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def merge(base: Path | str, chain: Sequence[Path], out: Path, dtype: str = "auto") -> Certificate:
    """Writes base + chain as a plain transformers folder to `out`, and proves it by what is read back from there.

    The folder appears whole or not at all. Whether the certificate is good enough is the caller's to judge.
    """
    wanted = _dtype(base, dtype)
    tokenizer = bases.load_tokenizer(base)
    model = bases.load_model(base)
    probes = certificate.probe_ids(tokenizer)
    before = certificate.logits(model, probes)
    compose(model, chain)
    probes = certificate.continued(model, probes)
    reference = certificate.logits(model, probes)
    with whole_folder(out) as draft:
        model.to(wanted).save_pretrained(draft)
        tokenizer.save_pretrained(draft)
    del model
    return _prove(base, chain, out, wanted, certificate.Probed(probes, before, reference))


@torch.no_grad()
def compose(model: torch.nn.Module, chain: Sequence[Path]) -> None:
    """Adds a chain to the float32 weights of `model`, in place."""
    state = dict(model.named_parameters())
    for folder in chain:
        if is_full(folder):
            _replace(state, folder)
        else:
            lora.add(folder, state)


def is_full(folder: Path) -> bool:
    """Whether the folder holds whole weights, not a LoRA adapter."""
    return (folder / "config.json").exists() and not (folder / lora.CONFIG).exists()


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, renamed to `out` at the end; nothing is left of it when that end is not reached."""
    draft = out.with_name(f".{out.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        if out.exists():
            shutil.rmtree(out)
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _dtype(base: Path | str, name: str) -> torch.dtype:
    if name == "auto":
        return bases.stored_dtype(base)
    if name not in DTYPES:
        raise UsageError(f"--dtype {name}: it is auto, {', '.join(DTYPES)}")
    return DTYPES[name]


def _replace(state: Mapping[str, torch.Tensor], folder: Path) -> None:
    for name, value in bases.load_model(folder).named_parameters():
        if name not in state or state[name].shape != value.shape:
            raise InputError(f"{folder} is no model of the base's architecture: {name}")
        state[name].copy_(value)


def _prove(
    base: Path | str, chain: Sequence[Path], out: Path, dtype: torch.dtype, probed: certificate.Probed
) -> Certificate:
    merged = bases.load_model(out)
    original = dict(bases.load_model(base).named_parameters())
    wanted, found = intended(chain, original), dict(merged.named_parameters())
    weights = certificate.compare_weights(original, found, wanted, dtype)
    logits = certificate.logits(merged, probed.ids)
    return certificate.certify(str(dtype).removeprefix("torch."), weights, probed, logits)


@torch.no_grad()
def intended(chain: Sequence[Path], original: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The change that a chain asks for, by parameter, in float32, before it meets any rounding."""
    total: dict[str, torch.Tensor] = {}
    for folder in chain:
        if is_full(folder):
            whole = bases.load_model(folder).named_parameters()
            total = {name: value - original[name] for name, value in whole}
            continue
        for name, delta in lora.deltas(folder):
            delta = delta.to(original[name].device)
            total[name] = total[name] + delta if name in total else delta
    return total

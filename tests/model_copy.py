"""A writable copy of the embedded model, ways to change it, and what it is then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from axiom_cli import models
from axiom_cli.models import loading
from axiom_cli.models.nano import WEIGHTS

IDS = torch.tensor([[7, 8, 9, 10, 60, 61]])


def writable_copy(folder: Path) -> Path:
    shutil.copytree(WEIGHTS, folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object], file: str = "model.safetensors") -> None:
    tensors = load_file(folder / file)
    change(tensors)
    save_file(tensors, folder / file, metadata={"format": "pt"})


def loaded(name: str | Path) -> tuple[torch.nn.Module, object]:
    return loading.load_for_sampling(models.resolve(str(name)))


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS).logits


def cut(name: str, size: int) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])

"""The state of a run in a file, so that an interrupted run resumes and ends with the same weights."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from axiom_cli.errors import WorkspaceDamagedError
from axiom_cli.workspace.atomic import explained_write_errors, flush


@dataclass(frozen=True)
class Checkpoint:
    """Where a long run keeps its state, and how often. A run that finds one resumes from it, to the same weights."""

    path: Path
    every_seconds: float = 120.0

    def write(self, state: Mapping[str, Any]) -> None:
        """Puts `state` (tensors, numbers, strings, containers of them) in the file's place, whole or not at all."""
        draft = self.path.with_suffix(".part")
        with explained_write_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(dict(state), draft)
            flush(draft)
            draft.replace(self.path)

    def read(self) -> dict[str, Any] | None:
        """What was written last, its tensors in main memory; None where nothing was. Raises WorkspaceDamagedError."""
        if not self.path.exists():
            return None
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            hint = "remove it, and training starts again"
            raise WorkspaceDamagedError(f"the checkpoint {self.path} is damaged", hint) from None

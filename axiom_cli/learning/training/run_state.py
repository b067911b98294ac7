"""How far a run is, and the checkpoint that keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from axiom_cli import process_rank
from axiom_cli.ids import content_id
from axiom_cli.learning.training import fsdp
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.rows import Row
from axiom_cli.settings.configs import TrainConfig

STORED_NAMES: Mapping[str, str] = {
    **{name: name for name in ("done", "losses", "tokens", "positions", "seconds", "budget")},
    "num_workers": "hands",
}
"""The fields of a RunState, and their names in the file."""


@dataclass
class RunState:
    """What a run is beside its tensors: `done` steps with their losses, their completion tokens, padded `positions` and
    seconds. `budget`, the padded tokens of a micro-batch, and `num_workers` decide how sums are rounded, so a resumed
    run continues with them."""

    budget: int
    num_workers: int
    done: int = 0
    tokens: int = 0
    positions: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)


class StateKeeper:
    """Writes the state of one run, with its parameters and its optimizer's tensors, and reads it back."""

    def __init__(
        self,
        state: RunState,
        parameters: Sequence[torch.nn.Parameter],
        optimizer: torch.optim.Optimizer,
        identity: Mapping[str, Any],
    ) -> None:
        self.state, self.parameters, self.optimizer, self.identity = state, parameters, optimizer, identity
        self._next_write = 0.0

    def is_due(self) -> bool:
        """Whether it is time to write."""
        return self.state.seconds >= self._next_write

    def write(self, checkpoint: Checkpoint) -> None:
        """Writes the state whole."""
        self._next_write = self.state.seconds + checkpoint.every_seconds
        parameters = [p.detach() for p in self.parameters]
        tensors = fsdp.gather({"parameters": parameters, "optimizer": self.optimizer.state_dict()})
        if process_rank.is_first():
            numbers = {stored: getattr(self.state, name) for name, stored in STORED_NAMES.items()}
            checkpoint.write({"of": self.identity, **numbers, **tensors})

    @torch.no_grad()
    def resume(self, checkpoint: Checkpoint | None) -> None:
        """Continues from a checkpoint of the same rows and config, if there is one."""
        self._next_write = checkpoint.every_seconds if checkpoint else 0.0
        stored = checkpoint.read() if checkpoint and process_rank.is_first() else None
        stored = stored if stored and stored["of"] == self.identity else None
        stored = fsdp.broadcast_state(stored, self.parameters)
        if not (checkpoint and stored):
            return
        for parameter, kept in zip(self.parameters, stored["parameters"], strict=True):
            parameter.copy_(kept)
        self.optimizer.load_state_dict(stored["optimizer"])
        for name, stored_name in STORED_NAMES.items():
            setattr(self.state, name, stored[stored_name])
        self._next_write = self.state.seconds + checkpoint.every_seconds


def run_identity(rows: Sequence[Row], config: TrainConfig, parameters: Sequence[torch.nn.Parameter]) -> dict[str, Any]:
    """What tells a run from any other: what it learns from, how, and the shapes of what it trains."""
    shapes = [list(p.shape) for p in parameters]
    digest = content_id([(row.prompt_ids, row.completion_ids, row.weight, row.label) for row in rows])
    return {"config": config.learning(), "rows": digest, "shapes": shapes}

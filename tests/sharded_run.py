"""What each process of `torchrun -m sharded_run FOLDER` finds out about a sharded model, as JSON in FOLDER/rank-N."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import tiny
from axiom_cli import ranks
from axiom_cli.configs import TrainConfig
from axiom_cli.errors import GateFailed
from axiom_cli.training import group, sharded
from axiom_cli.training.checkpoint import Checkpoint
from axiom_cli.training.rows import Row
from axiom_cli.training.trainer import Trainer

CONFIG = TrainConfig(epochs=2.0, lr=1e-3, method="full", weight_decay=0.1, max_grad_norm=0.05)
SHARDED = replace(CONFIG, shard=True)


class Broken(Exception):
    """The end of a run in its middle."""


def run(folder: Path, name: str, trainer: Trainer, rows: Sequence[Row], checkpoint: Checkpoint | None = None) -> list:
    """The steps that a run took, which breaks off in its fourth one if it is called `broken`."""
    steps = []

    def on_step(progress: Any) -> None:
        steps.append(progress.step)
        if name == "broken" and progress.step == 4:
            raise Broken

    trainer.fit(rows, SHARDED, folder / name, on_step=on_step, checkpoint=checkpoint)
    return steps


def numbers(trainer: Trainer) -> tuple[int, int]:
    """(parameters that this process holds, all there are), in the middle of a run."""
    parameters = list(trainer.model.parameters())
    return sum(sharded.own(p).numel() for p in parameters), sum(p.numel() for p in parameters)


def diverged(folder: Path, trainer: Trainer, rows: Sequence[Row]) -> str:
    """What is said of a run one of whose rows gives no number."""
    bad = [replace(row, weight=torch.nan) if number == 7 else row for number, row in enumerate(rows)]
    try:
        trainer.fit(bad, replace(SHARDED, objective="grpo"), folder / "diverged")
    except GateFailed as error:
        return str(error)
    return ""


def main(folder: Path) -> None:
    found: dict[str, Any] = {}
    kept = Checkpoint(folder / "state.pt", 0.0)
    trainer = Trainer(folder / "base", config=SHARDED)
    rows = tiny.rows(trainer, 41)
    try:
        run(folder, "broken", trainer, rows, kept)
    except Broken:
        found["own"], found["all"] = numbers(trainer)
    found["resumed"] = run(folder, "resumed", trainer, rows, kept)
    found["unbroken"] = run(folder, "unbroken", trainer, rows)
    found["diverged"] = diverged(folder, trainer, rows)
    (folder / f"rank-{ranks.rank()}").write_text(json.dumps(found))


if __name__ == "__main__":
    with group.joined():
        main(Path(sys.argv[1]))

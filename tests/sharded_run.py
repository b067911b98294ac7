"""What each process of `torchrun -m sharded_run FOLDER` finds out about a sharded model, as JSON in FOLDER/rank-N."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import tiny
from axiom_cli import process_rank
from axiom_cli.errors import GateFailedError
from axiom_cli.learning.training import collectives, fsdp
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.run import Progress
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.settings.configs import TrainConfig

CONFIG = TrainConfig(epochs=2.0, lr=1e-3, method="full", weight_decay=0.1, max_grad_norm=0.05)
LONE = replace(CONFIG, grad_accum=1, epochs=0.2)
"""Steps of a single row, so that one of the processes has none."""


class Broken(Exception):
    """The end of a run in its middle."""


def run(
    out: Path, trainer: Trainer, rows: Sequence[Row], config: TrainConfig, checkpoint: Checkpoint | None = None
) -> dict[int, float]:
    """The steps of a run and the norms of their gradients; it breaks off in its fourth step if `out` is `broken`."""
    norms = {}

    def on_step(progress: Progress) -> None:
        norms[progress.step] = progress.grad_norm
        if out.name == "broken" and progress.step == 4:
            raise Broken

    trainer.fit(rows, config, out, on_step=on_step, checkpoint=checkpoint)
    return norms


def numbers(trainer: Trainer) -> tuple[int, int]:
    """(parameters that this process holds, all there are), in the middle of a run."""
    parameters = list(trainer.model.parameters())
    return sum(fsdp.local(p).numel() for p in parameters), sum(p.numel() for p in parameters)


def diverged(folder: Path, trainer: Trainer, rows: Sequence[Row]) -> str:
    """What is said of a run one of whose rows gives no number."""
    bad = [replace(row, weight=torch.nan) if number == 7 else row for number, row in enumerate(rows)]
    try:
        run(folder / "diverged", trainer, bad, replace(CONFIG, objective="grpo", fsdp=True))
    except GateFailedError as error:
        return str(error)
    return ""


def main(folder: Path) -> None:
    found: dict[str, Any] = {}
    config, kept = replace(CONFIG, fsdp=True), Checkpoint(folder / "state.pt", 0.0)
    trainer = Trainer(folder / "base", config=config)
    rows = tiny.rows(trainer, 41)
    try:
        run(folder / "broken", trainer, rows, config, kept)
    except Broken:
        found["own"], found["all"] = numbers(trainer)
    found["resumed"] = run(folder / "resumed", trainer, rows, config, kept)
    found["unbroken"] = run(folder / "unbroken", trainer, rows, config)
    found["lone"] = run(folder / "lone", trainer, rows, replace(LONE, fsdp=True))
    found["diverged"] = diverged(folder, trainer, rows)
    (folder / f"rank-{process_rank.rank()}").write_text(json.dumps(found))


if __name__ == "__main__":
    with collectives.process_group():
        main(Path(sys.argv[1]))
    os._exit(0)

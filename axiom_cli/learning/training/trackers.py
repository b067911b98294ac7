"""A run's figures, step by step, where TensorBoard, Weights & Biases or Trackio show them. None is written unasked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stdout
from typing import Any

from axiom_cli.learning.training import requirements
from axiom_cli.learning.training.fit import OnStep, Progress

PROJECT = "axiom"
FOLDER = "runs"
Log = Callable[[Mapping[str, float], int], None]
"""Figures by name, and the step that they are of."""


@contextmanager
def tracked(names: str, run: str, settings: Mapping[str, Any]) -> Iterator[OnStep]:
    """Within it, what is given tells the trackers in `names` (comma-separated, or none) of each step of the run.

    Raises what `requirements.trackers` raises.
    """
    wanted = requirements.trackers(names)
    with ExitStack() as stack:
        with redirect_stdout(sys.stderr):  # they talk, and stdout is for data
            logs = [stack.enter_context(TRACKERS[name](run, settings)) for name in wanted]

        def on_step(progress: Progress) -> None:
            with redirect_stdout(sys.stderr):
                for log in logs:
                    log(_figures(progress), progress.step)

        yield on_step


def _figures(progress: Progress) -> dict[str, float]:
    shown = {"loss": progress.loss, "lr": progress.lr, "grad_norm": progress.grad_norm, "tokens": progress.tokens}
    return {f"train/{name}": value for name, value in shown.items()}


@contextmanager
def _tensorboard(run: str, settings: Mapping[str, Any]) -> Iterator[Log]:
    """Event files in runs/RUN: `tensorboard --logdir runs`."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(os.path.join(FOLDER, run)) as writer:
        writer.add_text("config", "\n".join(f"    {name} = {value}" for name, value in settings.items()))

        def log(figures: Mapping[str, float], step: int) -> None:
            for name, value in figures.items():
                writer.add_scalar(name, value, step)

        yield log


@contextmanager
def _wandb(run: str, settings: Mapping[str, Any]) -> Iterator[Log]:
    """A run on this disk, under wandb/, unless WANDB_MODE says otherwise: `wandb sync` sends it."""
    import wandb

    mode = os.environ.get("WANDB_MODE", "offline")
    with wandb.init(project=PROJECT, name=run, config=dict(settings), mode=mode) as began:
        yield lambda figures, step: began.log(dict(figures), step=step)


@contextmanager
def _trackio(run: str, settings: Mapping[str, Any]) -> Iterator[Log]:
    """A local database: `trackio show` reads it."""
    import trackio

    trackio.init(project=PROJECT, name=run, config=dict(settings))
    try:
        yield lambda figures, step: trackio.log(dict(figures), step=step)
    finally:
        with redirect_stdout(sys.stderr):
            trackio.finish()


TRACKERS: Mapping[str, Callable[[str, Mapping[str, Any]], AbstractContextManager[Log]]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "trackio": _trackio,
}

"""Figures of a run, step by step, where TensorBoard, Weights & Biases or Trackio show them, through accelerate. None is
written unless asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

from accelerate import PartialState
from accelerate.tracking import GeneralTracker, TensorBoardTracker, TrackioTracker, WandBTracker
from accelerate.utils import clear_environment

from axiom_cli.learning.training import requirements

Log = Callable[[Mapping[str, float], int], None]
"""Takes figures by name, and the step that they belong to."""
PROJECT = "axiom"
FOLDER = "runs"


@contextmanager
def tracked(names: str, run: str, settings: Mapping[str, Any]) -> Iterator[Log]:
    """Gives a function that reports figures of the run to the trackers in `names` (comma-separated, or none).

    Raises what `requirements.trackers` raises.
    """
    wanted = requirements.trackers(names)
    with clear_environment():
        # accelerate's loggers need its state. Only the first process tracks, so the state must not wait for the others.
        PartialState(cpu=True)
    trackers: list[GeneralTracker] = []

    def log(figures: Mapping[str, float], step: int) -> None:
        with redirect_stdout(sys.stderr):
            for tracker in trackers:
                tracker.log(dict(figures), step=step)

    try:
        with redirect_stdout(sys.stderr):  # they print, and stdout is for data
            for name in wanted:
                trackers.append(_started(name, run, dict(settings)))
        yield log
    finally:
        with redirect_stdout(sys.stderr):
            for tracker in trackers:
                tracker.finish()


def _started(name: str, run: str, settings: dict[str, Any]) -> GeneralTracker:
    """TensorBoard: event files in runs/RUN. Weights & Biases: a run on this disk, under wandb/, unless WANDB_MODE says
    otherwise; `wandb sync` sends it. Trackio: a local database, which `trackio show` reads."""
    tracker: GeneralTracker
    if name == "tensorboard":
        tracker = TensorBoardTracker(run, FOLDER)
    elif name == "wandb":
        mode = os.environ.get("WANDB_MODE", "offline")
        tracker = WandBTracker(PROJECT, name=run, config=settings, mode=mode)
    else:
        tracker = _TrackioTracker(PROJECT, name=run, config=settings)
    tracker.start()
    if name == "tensorboard":
        tracker.log({"config": "\n".join(f"    {name} = {value}" for name, value in settings.items())})
    return tracker


class _TrackioTracker(TrackioTracker):
    def finish(self) -> None:
        """Ends the run for trackio itself, which would otherwise end it again at exit, and print that to stdout."""
        import trackio

        trackio.finish()

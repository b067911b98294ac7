"""What a loop would do, step by step, without doing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axiom_cli.configs import LoopConfig
from axiom_cli.stages import controls


def plan(config: LoopConfig) -> Iterator[dict[str, Any]]:
    """One row a step, in order: its arm, iteration and phase, and how many problems and samples it takes."""
    arms = ["", *controls.parse(config.control)]
    for arm in arms:
        yield _step(arm, 0, "validate", config.val_size, 1)
        for iteration in range(config.iterations):
            yield _step(arm, iteration, "collect", config.train_size, config.samples)
            yield _step(arm, iteration, "train")
            yield _step(arm, iteration, "merge")
            yield _step(arm, iteration + 1, "validate", config.val_size, 1)
    for arm in arms:
        for iteration in range(config.iterations + 1):
            yield _step(arm, iteration, "test", config.test_size, 1)


def _step(arm: str, iteration: int, phase: str, problems: int = 0, samples: int = 0) -> dict[str, Any]:
    taken = {"problems": problems, "samples": problems * samples} if problems else {}
    return {"kind": "step", "arm": arm or "run", "iteration": iteration, "phase": phase, **taken}

"""What the loop costs beside its stages: one round on nano, by the processor's time of all processes. By hand:

    PYTHONPATH=. python tests/benchmarks/loop.py [--train-size 600]

The stages are timed where the loop calls them: samples with their verdicts, training, merging, evaluation.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from axiom_cli.experiment import round as stages
from axiom_cli.experiment.loop import Loop
from axiom_cli.learning.training import merge, trainer  # noqa: F401 - what is loaded now is not counted
from axiom_cli.sampling.engines import transformers  # noqa: F401
from axiom_cli.settings.configs import LoopConfig, SolveConfig, TrainConfig
from axiom_cli.workspace.store import Workspace

STAGES = ("remember_rollout", "train_on", "merge", "evaluate", "verify")
spent: Counter[str] = Counter()


def seconds() -> float:
    """Processor seconds so far, of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def timed(name: str) -> Callable[..., Any]:
    """The stage of this name, whose time is added up."""
    stage = getattr(stages, name)

    @wraps(stage)
    def run(*what: Any, **how: Any) -> Any:
        before = seconds()
        try:
            return stage(*what, **how)
        finally:
            spent[name] += seconds() - before

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train-size", type=int, default=600)
    arguments = parser.parse_args()
    config = LoopConfig(
        experiment="timed", iterations=1, train_size=arguments.train_size, val_size=60, test_size=60, ignore_gates=True,
        solve=SolveConfig(samples=1, temperature=0.8, max_tokens=192),
        train=TrainConfig(epochs=2.0, batch_size=32, grad_accum=1, lr=1e-3, lora_r=64, lora_alpha=128),
    )  # fmt: skip
    for name in STAGES:
        setattr(stages, name, timed(name))
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        before = seconds()
        Loop(config, "nano", Workspace.create(Path(home) / ".axiom")).run()
        total = seconds() - before
    for name in STAGES:
        print(f"{name:20}{spent[name]:8.2f} s")
    print(f"{'the loop itself':20}{total - spent.total():8.2f} s, {1 - spent.total() / total:.1%} of {total:.1f} s")


if __name__ == "__main__":
    main()

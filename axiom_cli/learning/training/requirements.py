"""What can be said of a training before anything is loaded: names, settings that exclude each other, missing packages.

It loads no heavy package, so that a typing error is told before the first record is read.
"""

from __future__ import annotations

import importlib.util

from axiom_cli.errors import MissingError, UsageError
from axiom_cli.settings.configs import TrainConfig

TRACKERS = ("tensorboard", "wandb", "trackio")


def check(config: TrainConfig) -> None:
    """UsageError for settings that exclude each other or an unknown tracker, MissingError for a package."""
    for told, hint in _excluded(config):
        raise UsageError(f"{told} do not go together", hint)
    trackers(config.tracker)
    packed = f"--quantize {config.quantize}" * (config.quantize != "none")
    packed = packed or f"--optimizer {config.optimizer}" * (config.optimizer == "adamw8bit")
    if packed and importlib.util.find_spec("bitsandbytes") is None:
        raise MissingError(f"{packed} needs bitsandbytes", "pip install 'axiom-rl[qlora]'")


def trackers(names: str) -> list[str]:
    """The trackers in `names` (comma-separated, or none). UsageError for a name that is none of them, MissingError
    where one is not installed."""
    wanted = [name.strip() for name in names.split(",") if name.strip() not in ("", "none")]
    for name in wanted:
        if name not in TRACKERS:
            raise UsageError(f"no tracker {name!r}", f"there are: none, {', '.join(TRACKERS)}")
        if importlib.util.find_spec(name) is None:
            raise MissingError(f"--tracker {name} needs the package {name}", f"pip install 'axiom-rl[{name}]'")
    return wanted


def idle(config: TrainConfig) -> list[str]:
    """What was set and decides nothing with these settings, in words."""
    learning, found = config.learning(), []
    for name in ("beta", "clip", "lora_r", "lora_alpha", "lora_dropout", "rslora"):
        if name not in learning and getattr(config, name) != getattr(TrainConfig(), name):
            by = f"--objective {config.objective}" if name in ("beta", "clip") else f"--method {config.method}"
            found.append(f"--{name.replace('_', '-')} means nothing with {by}")
    if config.objective in ("grpo", "value") and config.max_per_problem != TrainConfig().max_per_problem:
        found.append(f"--max-per-problem means nothing with --objective {config.objective}, which keeps all")
    return found


def _excluded(config: TrainConfig) -> list[tuple[str, str]]:
    """The settings that exclude each other, each with what to do instead."""
    found = []
    if config.method == "full" and config.quantize != "none":
        found.append((f"--method full and --quantize {config.quantize}", "quantised weights are not trained"))
    if config.method == "dora" and config.quantize == "8bit":
        found.append(("--method dora and --quantize 8bit", "--quantize 4bit, or --method lora"))
    if config.objective == "value" and (config.method == "full" or config.optimizer == "muon"):
        said = "--method full" if config.method == "full" else "--optimizer muon"
        found.append((f"--objective value and {said}", "use --method lora and --optimizer adamw"))
    return found

"""What is checked before anything is loaded: settings that exclude each other, and missing packages.

No heavy package is imported here, so that a typing error is reported before the first record is read.
"""

from __future__ import annotations

import importlib.util

from axiom_cli import installation
from axiom_cli.errors import MissingError, UsageError
from axiom_cli.settings.configs import VERIFIERS, TrainConfig

TRACKERS = ("tensorboard", "wandb", "trackio")


def check_requirements(config: TrainConfig) -> None:
    """UsageError for settings that exclude each other or an unknown tracker, MissingError for a package."""
    if config.method == "full" and config.quantize != "none":
        fault = f"--method full and --quantize {config.quantize} do not go together"
        raise UsageError(fault, "quantised weights are not trained")
    if config.method == "dora" and config.quantize == "8bit":
        raise UsageError("--method dora and --quantize 8bit do not go together", "--quantize 4bit, or --method lora")
    if config.objective in VERIFIERS and (config.method == "full" or config.optimizer == "muon"):
        option = "--method full" if config.method == "full" else "--optimizer muon"
        raise UsageError(
            f"--objective {config.objective} and {option} do not go together", "use --method lora and --optimizer adamw"
        )
    trackers(config.tracker)
    option = f"--quantize {config.quantize}" if config.quantize != "none" else f"--optimizer {config.optimizer}"
    if option not in ("--optimizer adamw", "--optimizer muon") and importlib.util.find_spec("bitsandbytes") is None:
        raise MissingError(f"{option} needs bitsandbytes", installation.extra("qlora"))


def gguf() -> None:
    """MissingError without the package that writes .gguf files."""
    if importlib.util.find_spec("gguf") is None:
        raise MissingError("writing a .gguf file needs the package gguf", installation.extra("gguf"))


def trackers(names: str) -> list[str]:
    """The trackers in `names` (comma-separated, or none). UsageError for an unknown one, MissingError for one that is
    not installed."""
    wanted = [name.strip() for name in names.split(",") if name.strip() not in ("", "none")]
    for name in wanted:
        if name not in TRACKERS:
            raise UsageError(f"unknown tracker {name!r}", f"choose none, {', '.join(TRACKERS)}")
        if importlib.util.find_spec(name) is None:
            raise MissingError(f"--tracker {name} needs the package {name}", installation.extra(name))
    return wanted


def unused_options(config: TrainConfig) -> list[str]:
    """A sentence for each option that was set and has no effect with these settings."""
    used, default = config.learning(), TrainConfig()
    sentences = []
    for name in ("beta", "clip", "lora_r", "lora_alpha", "lora_dropout", "rslora"):
        if name not in used and getattr(config, name) != getattr(default, name):
            cause = f"--objective {config.objective}" if name in ("beta", "clip") else f"--method {config.method}"
            sentences.append(f"--{name.replace('_', '-')} has no effect with {cause}")
    if config.objective in ("grpo", "value") and config.max_per_problem != default.max_per_problem:
        sentences.append(f"--max-per-problem has no effect with --objective {config.objective}, which keeps all")
    return sentences

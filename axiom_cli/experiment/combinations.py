"""Which settings of the stages go together in a loop: what does not is refused before anything is made or loaded."""

from __future__ import annotations

from importlib.util import find_spec

from axiom_cli import installation
from axiom_cli.errors import MissingError, UsageError
from axiom_cli.sampling import engines
from axiom_cli.settings.configs import LoopConfig


def stays_adapter(config: LoopConfig) -> bool:
    """Whether a round's model is its base and adapter: a server takes nothing else."""
    return config.unmerged or bool(config.solve.server)


def check_combinations(config: LoopConfig, model: str) -> None:
    """UsageError for settings that exclude each other, MissingError for a package that they need, and for a model that
    is a server: what it serves cannot be trained."""
    if engines.is_endpoint(model):
        raise MissingError(
            f"{model} is a server: its weights are not on this machine, where they are trained",
            "--model BASE --server URL: the base is trained here, and the server samples",
        )
    if config.start == "continue" and config.train.method != "full":
        raise UsageError(
            f"--start continue and --method {config.train.method} do not go together: each round has new matrices",
            "choose --method full, or --start previous",
        )
    if config.train.quantize != "none" and config.start != "base":
        raise UsageError(
            f"--start {config.start} and --quantize {config.train.quantize} do not go together",
            "a chain of adapters needs the unquantised base: use --start base",
        )
    engine = engines.choose(model, config.solve)
    _check_engine(config, engine)
    _check_cluster(config, engine)
    if stays_adapter(config):
        _check_unmerged(config, engine)


def _check_engine(config: LoopConfig, engine: str) -> None:
    if engine == "scripted":
        raise UsageError("--engine scripted does not sample from a model", "choose auto, transformers or vllm")
    if engine == "remote":
        raise UsageError("--engine remote needs the address of a server that has the base", "add --server URL")
    if engine == "server" and not config.solve.server:
        raise UsageError("--engine server needs the address of a server that has the base", "add --server URL")
    if engine == "vllm" and find_spec("vllm") is None:
        raise MissingError("--engine vllm needs vLLM", installation.extra("vllm"))
    engines.check_supported(engine, config.solve)


def _check_cluster(config: LoopConfig, engine: str) -> None:
    cluster = config.distribute
    if cluster.distribute and engine == "server":
        raise UsageError("--distribute and --server do not go together: a server is asked from one place", "choose one")
    if cluster.distribute and find_spec(cluster.distribute) is None:
        raise MissingError(f"--distribute {cluster.distribute} needs Ray", installation.extra(cluster.distribute))


def _check_unmerged(config: LoopConfig, engine: str) -> None:
    cause = "--server" if config.solve.server else "--unmerged"
    if config.train.method == "full":
        fault = f"--method full and {cause} do not go together: whole weights are no adapter"
        raise UsageError(fault, f"choose --method lora, or leave out {cause}")
    if engine == "vllm":
        fault = "--engine vllm and --unmerged do not go together: it loads whole models"
        raise UsageError(fault, "leave out --unmerged, or choose --engine transformers")
    if not config.solve.server:
        return
    if config.coldstart:
        raise UsageError(
            "--coldstart and --server do not go together: the rounds train what round 0 makes, and the server lacks it",
            "axiom coldstart --train first; start the server with that model, and name it with --model",
        )
    if config.train.method == "dora":
        raise UsageError("--method dora and --server do not go together: vLLM takes plain LoRA", "choose --method lora")
    if config.start != "base":
        raise UsageError(
            f"--start {config.start} and --server do not go together: a server takes one adapter at a time",
            "choose --start base",
        )

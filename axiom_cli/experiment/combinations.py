"""Which settings of the stages go together in a loop: what does not is refused before anything is made or loaded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from axiom_cli import installation
from axiom_cli.errors import MissingError, UsageError
from axiom_cli.evaluation.experiment_folder import UNJUDGED
from axiom_cli.experiment import control_arms, dense_reward, transfer, wrong_labels
from axiom_cli.experiment.control_arms import COLD_ONLY, ONE_SHOT
from axiom_cli.importing import source_names
from axiom_cli.importing.splitting import HELD_OUT, parse_shares
from axiom_cli.learning import replay
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.train import check_settings as check_training
from axiom_cli.sampling import engines
from axiom_cli.sampling.strategies.registry import check_strategy
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.workspace import refs


def stays_adapter(config: LoopConfig) -> bool:
    """Whether a round's model is its base and adapter: a server takes nothing else."""
    return config.unmerged or bool(config.solve.server)


def check_settings(config: LoopConfig) -> None:
    """Raises UsageError for settings that do not go together; nothing is made or loaded before."""
    if "@" in config.experiment or not refs.is_name(f"{config.experiment}@0"):
        hint = "use letters, digits, dots, dashes and underscores; the loop adds the @ and the number of a round"
        raise UsageError(f"{config.experiment!r} is not a valid name for a run", hint)
    if config.min_difficulty > config.max_difficulty:
        levels = f"--min-difficulty {config.min_difficulty} is above --max-difficulty {config.max_difficulty}"
        raise UsageError(levels, "set both, the lower one first")
    if config.climb_from > config.max_difficulty:
        levels = f"--climb-from {config.climb_from} is above --max-difficulty {config.max_difficulty}"
        raise UsageError(levels, "begin at a level that the model solves, and leave some to climb")
    wrong_labels.check_wrong_labels(config)
    dense_reward.check_dense_reward(config)
    transfer.check_transfer(config)
    parse_shares(config.split)
    for option in ("problems", *HELD_OUT):
        if option == "problems" or getattr(config, option):
            source_names.parse(getattr(config, option), f"--{option}")
    shares, arms = replay.parse_shares(config.replay), control_arms.parse(config.control)
    check_strategy(config.solve)
    check_training(config.train)
    if OBJECTIVES[config.train.objective].compares:
        _check_comparing(config, shares["cold"], shares["history"], arms)


def _check_comparing(config: LoopConfig, cold: float, history: float, arms: Sequence[str]) -> None:
    """UsageError for what an objective that compares attempts cannot use; `cold` and `history` are the rows' shares."""
    name = config.train.objective
    default_replay = "leave out --replay, and --objective chooses it"
    if config.solve.samples < 2:
        few = f"--objective {name} compares attempts at a problem: --samples {config.solve.samples}"
        raise UsageError(few, "choose 8")
    if cold:
        fault = f"--objective {name} cannot use --replay {config.replay}: nothing in the cold start failed"
        raise UsageError(fault, default_replay)
    if COLD_ONLY in arms:
        fault = f"--objective {name} cannot use --control {COLD_ONLY}: nothing in the cold start failed"
        raise UsageError(fault, "choose --control shuffled")
    if unjudged := [arm for arm in arms if arm in UNJUDGED]:
        fault = f"--objective {name} cannot use --control {unjudged[0]}: without verdicts there is nothing to compare"
        raise UsageError(fault, "choose --control shuffled")
    if ONE_SHOT in arms:
        raise UsageError(f"--objective {name} has no --control {ONE_SHOT}", "choose --control shuffled")
    if name == "grpo" and history:
        fault = f"--objective grpo cannot use --replay {config.replay}: earlier models wrote the history"
        raise UsageError(fault, default_replay)
    if name == "grpo" and config.start == "base" and config.iterations > 1:
        fault = "--objective grpo learns from samples of the model that it starts from"
        raise UsageError(fault, "choose --start previous")


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
        raise UsageError(
            "--distribute and --server do not go together: a server is asked from one place",
            "leave out --distribute, or --server",
        )
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

"""What several processes make together: the first one has the workspace, the others lend a hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from axiom_cli import process_rank
from axiom_cli.errors import UsageError
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Recipe, Workspace

LAUNCH = "torchrun --nproc-per-node 2 -m axiom_cli train FILE --fsdp"


def with_launcher_settings(config: TrainConfig) -> TrainConfig:
    """`config` as the launcher has it: accelerate's --use_fsdp is --fsdp. UsageError for what cannot be sharded."""
    if not (config.fsdp or process_rank.are_sharded()):
        return config
    if process_rank.size() == 1:
        raise UsageError("--fsdp divides a model over several processes, and this is one", LAUNCH)
    if config.quantize != "none":
        raise UsageError(f"--quantize {config.quantize} and --fsdp do not go together", "quantised weights stay whole")
    if config.objective == "value":
        raise UsageError("--objective value and --fsdp do not go together", "a value function is fitted whole")
    if config.optimizer != "adamw":
        raise UsageError(f"--optimizer {config.optimizer} and --fsdp do not go together", "adamw can")
    return replace(config, fsdp=True)


def remember(workspace: Workspace, recipe: Recipe, make: Callable[[], Mapping[str, Any]]) -> Receipt:
    """As `workspace.remember`, and every process gets the receipt.

    `make` is called in all of them, or in none where the receipt was there. Only what it returns in the first one
    counts, and only that one may write.
    """
    if process_rank.size() == 1:
        return workspace.remember(recipe, make)
    from axiom_cli.learning.training.collectives import broadcast, process_group

    with process_group():
        if process_rank.is_first():
            broadcast(workspace.recall(recipe) is None)
            return broadcast(workspace.remember(recipe, make))
        if broadcast(value=False):
            make()
        return broadcast(cast(Receipt, None))

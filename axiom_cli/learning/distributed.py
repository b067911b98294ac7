"""What several processes make together: the first one has the workspace, the others lend a hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from axiom_cli import process_rank
from axiom_cli.errors import UsageError
from axiom_cli.settings.configs import VERIFIERS, TrainConfig
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Recipe, Workspace

LAUNCH = "torchrun --nproc-per-node 2 -m axiom_cli train FILE --fsdp"
BETWEEN = timedelta(days=30)
"""How long the others wait for the first process, which samples between two trainings."""
_LEADS: ContextVar[bool] = ContextVar("leads", default=False)
"""Whether others follow this process."""


def with_launcher_settings(config: TrainConfig) -> TrainConfig:
    """`config` as the launcher has it: accelerate's --use_fsdp is --fsdp. UsageError for what cannot be sharded."""
    if not (config.fsdp or process_rank.are_sharded()):
        return config
    if process_rank.size() == 1:
        raise UsageError("--fsdp divides a model over several processes, and this is one", LAUNCH)
    if config.quantize != "none":
        raise UsageError(f"--quantize {config.quantize} and --fsdp do not go together", "quantised weights stay whole")
    if config.objective in VERIFIERS:
        fault = f"--objective {config.objective} and --fsdp do not go together"
        raise UsageError(fault, "a value function is fitted whole")
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


@contextmanager
def leading() -> Iterator[None]:
    """Within it, the first process does what only one can do, and the others `follow`: they are told at the end that
    there is no more. One process alone tells nobody."""
    if process_rank.size() == 1:
        yield
        return
    from axiom_cli.learning.training.collectives import broadcast, process_group

    with process_group(BETWEEN):
        leads = _LEADS.set(True)
        try:
            yield
        finally:
            _LEADS.reset(leads)
            broadcast(None)


def tell(task: object) -> None:
    """Tells the processes that follow what all of them do next."""
    if _LEADS.get():
        from axiom_cli.learning.training.collectives import broadcast

        broadcast(task)


def follow(do: Callable[[Any], object]) -> None:
    """Does what the first process tells, until there is no more."""
    from axiom_cli.learning.training.collectives import broadcast, process_group

    with process_group(BETWEEN):
        while (task := broadcast(cast(Any, None))) is not None:
            do(task)

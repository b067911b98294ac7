"""`--distribute`: opens the engine or the verifier, here or on a cluster, and reports workers that were lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from axiom_cli.errors import UsageError
from axiom_cli.records import Sample, Verdict
from axiom_cli.settings.configs import DistributeConfig, SolveConfig, VerifyConfig
from axiom_cli.settings.fields import flag


@contextmanager
def engine(model_name: str, config: SolveConfig, workspace: Any, distributed: DistributeConfig) -> Iterator[Any]:
    """The engine for `axiom solve`: in this process, or on the workers of a cluster."""
    _refuse_unused_options(distributed)
    if distributed.distribute:
        from axiom_cli.cluster.engine import open_engine

        opened: Any = open_engine(model_name, config, workspace, distributed)
    else:
        from axiom_cli.sampling import solve

        opened = solve.open_engine(model_name, config, workspace)
    try:
        yield opened
    finally:
        opened.close()


def opener(distributed: DistributeConfig) -> Callable[..., Any]:
    """What opens a loop's engines: here, or on the workers of a cluster."""
    if not distributed.distribute:
        from axiom_cli.sampling import engines

        return engines.open_engine
    from axiom_cli.cluster.engine import open_engine

    return lambda model, config, workspace: open_engine(model, config, workspace, distributed)


@contextmanager
def verifier(
    config: VerifyConfig, distributed: DistributeConfig
) -> Iterator[Callable[[Iterable[Sample]], Iterator[Verdict]]]:
    """The function from samples to verdicts for `axiom verify`: sandboxes here, or on the workers of a cluster."""
    _refuse_unused_options(distributed)
    if not distributed.distribute:
        from axiom_cli.verification.verify import verify

        yield lambda samples: verify(samples, config)
        return
    from axiom_cli.cluster import verify as on_cluster

    scheduler = on_cluster.open_sandboxes(config, distributed)
    try:
        yield lambda samples: on_cluster.verify(samples, scheduler, config)
    finally:
        scheduler.close()


def _refuse_unused_options(distributed: DistributeConfig) -> None:
    for name in ("ray_address", "workers"):
        if getattr(distributed, name) and not distributed.distribute:
            raise UsageError(f"{flag(name)} has no effect without --distribute ray", "add --distribute ray")

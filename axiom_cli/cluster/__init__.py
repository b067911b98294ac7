"""A stage's work on several machines: shards go to the workers of a cluster, results come back in order.

To add a kind of cluster: a file here with a `Pool` that is called as `Class(config, role)`, and a line in CLUSTERS.
A cluster's package is not imported before it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol

from axiom_cli.settings.configs import DistributeConfig

CLUSTERS: Mapping[str, str] = MappingProxyType({"ray": "axiom_cli.cluster.ray:RayPool"})


@dataclass(frozen=True)
class Role:
    """What the workers of a run are: instances of `worker`, each with `cores` processor cores, and an accelerator if
    it can use one and the cluster has any."""

    worker: type
    cores: int = 1
    uses_accelerator: bool = False


@dataclass(frozen=True)
class Lost:
    """A worker that has ended, and what is known of why."""

    reason: str


Answer = tuple[int, Any]
"""The number of a worker, and what a call gave: its result, the exception that it raised, or Lost."""


class Pool(Protocol):
    """Workers somewhere. Each carries out its calls in the order in which they were made."""

    size: int
    """How many workers there should be."""

    def start(self) -> int:
        """Asks for one more worker; returns its number at once. The worker is there when its first call is answered."""
        ...

    def call(self, worker: int, method: str, args: Sequence[Any] = ()) -> None:
        """Calls a method of a worker; `poll` gives the answer. A worker that is lost does not answer any more."""
        ...

    def poll(self, seconds: float) -> list[Answer]:
        """The answers that have come; waits up to `seconds` for the first."""
        ...

    def close(self) -> None:
        """Ends all workers, whatever they are doing, and what was started for them."""
        ...


def open_pool(config: DistributeConfig, role: Role) -> Pool:
    """Workers in the cluster that `config.distribute` names. Raises MissingError where its package is not installed or
    no cluster answers."""
    module, _, attribute = CLUSTERS[config.distribute].partition(":")
    return getattr(import_module(module), attribute)(config, role)

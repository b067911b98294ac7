"""An engine that hands its problems to many engines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from axiom_cli import models
from axiom_cli.cluster import Role, open_pool
from axiom_cli.cluster.node import EngineWorker
from axiom_cli.cluster.scheduler import Scheduler, Shard
from axiom_cli.errors import UsageError
from axiom_cli.records import Sample
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines.protocol import Engine, Request
from axiom_cli.sampling.engines.scripted import ScriptedEngine
from axiom_cli.settings.configs import DistributeConfig, SolveConfig
from axiom_cli.workspace.objects import short
from axiom_cli.workspace.store import Workspace

BATCHES = 2
"""How many full loads of all workers one call asks for: workers are idle only at its end."""
PARTS = 2
"""A shard is at most what is left divided by PARTS times the workers: large ones first, small ones at the end."""
LEAST = 8
"""A shard is at least a LEASTth of what one engine takes at once, where every worker gets so much: the last rows of
each shard keep an engine only half busy."""
CORES = 1
"""Cores for each engine: a small model is sampled fastest by many processes of one thread."""


class RequestShards:
    """The shards of a list of requests, smaller and smaller towards the end."""

    def __init__(self, requests: Sequence[Request], params: SolveConfig, samples: int, most: int, workers: int) -> None:
        self._requests, self._params, self._samples = requests, params, samples
        self._parts = PARTS * workers
        self._most = max(1, most // samples)
        self._least = max(1, min(self._most // LEAST, -(-len(requests) // workers)))
        self._place = 0

    @property
    def ended(self) -> bool:
        """Whether all were taken."""
        return self._place >= len(self._requests)

    def take(self, *, hungry: bool) -> Shard | None:  # noqa: ARG002 - requests are all there from the start
        """The next shard."""
        if self.ended:
            return None
        fair = -(-(len(self._requests) - self._place) // self._parts)
        part = self._requests[self._place :][: min(self._most, max(fair, self._least))]
        self._place += len(part)
        name = f"the shard of problems {part[0].problem.id} to {part[-1].problem.id}"
        return Shard(part, (part, self._params, self._samples), name)


class DistributedEngine(Engine):
    """An `Engine` over the engines of a cluster's workers, all with the same model.

    A sample depends on its problem, its index and the seed, as in one engine: if the workers' engine is not
    `batch_dependent` and their processors are of one kind, the samples are the same, bit by bit.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        about = scheduler.describe()
        self.scheduler = scheduler
        self.name, self.model, self.batch_dependent = about["name"], about["model"], about["batch_dependent"]
        self._batch_size = about["batch_size_hint"]

    def batch_size_hint(self, params: SolveConfig) -> int:  # noqa: ARG002 - the workers have told theirs
        """As `Engine.batch_size_hint`: what keeps all workers busy for a while."""
        return BATCHES * self._batch_size * self.scheduler.size

    def generate(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Iterator[list[Sample]]:
        """As `Engine.generate`. Raises what `Scheduler` raises."""
        shards = RequestShards(requests, params, samples, self._batch_size, self.scheduler.size)
        for shard in self.scheduler.run(shards):
            yield from shard.result

    def close(self) -> None:
        """Ends the workers."""
        self.scheduler.close()


def open_engine(
    model_name: str, config: SolveConfig, workspace: Workspace, distributed: DistributeConfig
) -> DistributedEngine:
    """The engine called `config.engine` with the model on every worker of a cluster, ready on the first.

    Raises UsageError for a model that is a server, and what `open_pool` and `Scheduler` raise.
    """
    if engines.is_endpoint(model_name) or config.engine in ("remote", "server") or config.server:
        raise UsageError(
            "--distribute does not work with a server, which is asked from one place",
            "leave out --distribute, or name a model that the nodes can load",
        )
    path = models.expand_user(model_name)
    if path.exists():
        model_name = str(path.resolve())
    role = Role(EngineWorker, CORES, uses_accelerator=config.engine != ScriptedEngine.name)
    pool = open_pool(distributed, role)

    def in_words(about: dict[str, Any]) -> str:
        return f"{about['model'].name} ({short(about['model'].digest)}) in the engine {about['name']}"

    setup = (model_name, config, str(workspace.root.resolve()), CORES)
    try:
        return DistributedEngine(Scheduler(pool, setup, "generate", signature=in_words))
    except BaseException:
        pool.close()
        raise

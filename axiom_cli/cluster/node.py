"""What runs on the nodes of a cluster: an engine, or a sandbox. One call at a time."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axiom_cli import __version__, errors
from axiom_cli.records import Program, Sample
from axiom_cli.sampling.engines.protocol import Request
from axiom_cli.sandbox import Outcome
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.workspace.store import Workspace

MODEL_ON_EVERY_NODE = (
    "every node needs the model: at the same path, on a file system that all share, or in its own hub cache"
)


class NodeWorker:
    """What every worker can do before it is opened."""

    def hello(self) -> dict[str, str]:
        """The version of this program on the node, and where that is. Plain values: another version can read them."""
        return {"version": __version__, "place": f"{platform.node()} (process {os.getpid()})"}


class EngineWorker(NodeWorker):
    """An engine in a process that has `cores` processor cores for itself, or an accelerator."""

    def open(self, model_name: str, config: SolveConfig, workspace: str, cores: int) -> dict[str, Any]:
        """Loads the model. Raises what `open_engine` raises."""
        import torch

        from axiom_cli.models import worker_pool
        from axiom_cli.sampling.solve import open_engine

        root = Path(workspace)
        torch.set_num_threads(cores)  # the node's other cores are for the other workers
        worker_pool.MAX_WORKERS = cores
        try:
            kept = Workspace.open(root) if (root / "format").exists() else None
            self._engine = open_engine(model_name, config, kept)
        except errors.MissingError as error:
            raise errors.MissingError(str(error), hint_for_every_node(error.hint)) from None
        return {
            "name": self._engine.name,
            "model": self._engine.model,
            "batch_dependent": self._engine.batch_dependent,
            "batch_size_hint": self._engine.batch_size_hint(config),
        }

    def generate(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> list[list[Sample]]:
        """As `Engine.generate`, all at once."""
        return list(self._engine.generate(requests, params, samples))


def hint_for_every_node(hint: str) -> str:
    """A hint about what is missing, as it goes for every node."""
    if " install " in hint or " inject " in hint:
        return f"on every node: {hint}"
    return f"{hint}; {MODEL_ON_EVERY_NODE}" if hint else MODEL_ON_EVERY_NODE


class SandboxWorker(NodeWorker):
    """A sandbox. Where the process ends, so do the programs that it runs."""

    def open(self, config: VerifyConfig) -> dict[str, Any]:
        """Opens it. Raises what `open_sandbox` raises."""
        from axiom_cli.verification.verify import open_sandbox

        self._sandbox = open_sandbox(config)
        return {"level": self._sandbox.level}

    def run(
        self, programs: Sequence[Program], attempts: Sequence[tuple[str, int]]
    ) -> tuple[str, list[Outcome], errors.AxiomError | None]:
        """The isolation level, the outcome of each (code, place of its program), and what ended it before the last."""
        outcomes: list[Outcome] = []
        try:
            items = [(None, code, programs[place]) for code, place in attempts]
            outcomes += (outcome for _, outcome in self._sandbox.run_many(items))
        except errors.AxiomError as error:
            return self._sandbox.level, outcomes, error
        return self._sandbox.level, outcomes, None

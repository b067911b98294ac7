"""What runs on the nodes of a cluster: an engine that writes, or a sandbox that runs programs. One call at a time."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axiom_cli import __version__, errors
from axiom_cli.records import Problem, Program, Sample
from axiom_cli.sampling import engines
from axiom_cli.sandbox import Outcome
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.workspace.store import Workspace

UNKNOWN = "every node needs the model: at the same path, on a file system that all share, or in its own hub cache"


class OnNode:
    """What every worker can say before it does anything."""

    def hello(self) -> dict[str, str]:
        """The version of this program there, and where that is. Plain values: another version can read them."""
        return {"version": __version__, "place": f"{platform.node()} (process {os.getpid()})"}


class Writer(OnNode):
    """An engine in a process that has `processors` cores for itself, or an accelerator."""

    def open(self, model_name: str, config: SolveConfig, workspace: str, processors: int) -> dict[str, Any]:
        """Loads the model. Raises what `open_engine` raises."""
        from axiom_cli.sampling.solve import open_engine

        root = Path(workspace)
        _keep_to(processors)
        try:
            kept = Workspace.open(root) if (root / "format").exists() else None
            self._engine = open_engine(model_name, config, kept)
        except errors.MissingError as error:
            raise errors.MissingError(str(error), _everywhere(error.hint)) from None
        return {
            "name": self._engine.name,
            "model": self._engine.model,
            "together": getattr(self._engine, "together", False),
            "at_once": engines.at_once(self._engine, config),
        }

    def write(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int],
        messages: Sequence[engines.Messages | None],
    ) -> list[list[Sample]]:
        """As `Engine.generate`, all at once."""
        return list(self._engine.generate(problems, params, samples, starts, messages))


def _everywhere(hint: str) -> str:
    """A hint about what is missing, as it goes for every node."""
    if "pip install" in hint:
        return f"on every node: {hint}"
    return f"{hint}; {UNKNOWN}" if hint else UNKNOWN


def _keep_to(processors: int) -> None:
    """Leaves the node's other cores to the other workers."""
    import torch

    from axiom_cli.models import worker_pool

    torch.set_num_threads(processors)
    worker_pool.MOST = processors


class Runner(OnNode):
    """A sandbox. Where the process ends, so do the programs that it runs."""

    def open(self, config: VerifyConfig) -> dict[str, Any]:
        """Opens it. Raises what `open_sandbox` raises."""
        from axiom_cli.verification.verify import open_sandbox

        self._box = open_sandbox(config)
        return {"level": self._box.level}

    def run(
        self, programs: Sequence[Program], attempts: Sequence[tuple[str, int]]
    ) -> tuple[str, list[Outcome], errors.AxiomError | None]:
        """The isolation level, the outcome of each (code, place of its program), and what ended it before the last."""
        outcomes: list[Outcome] = []
        try:
            items = [(None, code, programs[place]) for code, place in attempts]
            outcomes += (outcome for _, outcome in self._box.check_many(items))
        except errors.AxiomError as error:
            return self._box.level, outcomes, error
        return self._box.level, outcomes, None

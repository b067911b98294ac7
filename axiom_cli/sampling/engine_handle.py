"""One engine for a whole run: it changes its weights between rounds, and is opened with the first request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from axiom_cli.models import NVIDIA, Resolved
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines.protocol import Engine
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

Opener = Callable[[str, SolveConfig, Workspace | None], Engine]
"""As `engines.open_engine`."""


class EngineHandle:
    """Opens an engine when it is first needed, and keeps it for other weights. Close it when done."""

    def __init__(
        self,
        model: Resolved,
        workspace: Workspace,
        config: SolveConfig | None = None,
        opener: Opener = engines.open_engine,
    ) -> None:
        """`model` decides which engine `auto` stands for; `opener` opens it, here or elsewhere."""
        config = config or SolveConfig()
        name = engines.choose(model.name, config)
        self.config, self.workspace = replace(config, engine=name), workspace
        self._open = opener
        self._engine: Engine | None = None

    def load_weights(self, model: Resolved) -> Engine:
        """The engine with the weights of `model`. Raises what `open_engine` and `Engine.load_weights` raise."""
        if self._engine is not None and self._engine.model.digest != model.digest:
            if self._engine.reloads:
                self._engine.load_weights(model)
            else:
                self.close()
        if self._engine is None:
            self._engine = self._open(model.name, self.config, self.workspace)
        return self._engine

    def sleep(self) -> None:
        """Frees the accelerator's memory until the next request: training needs it. On a processor the engine stays as
        it is: memory is plentiful there, and the engine would have to start again."""
        if self._engine is not None and NVIDIA.exists():
            self._engine.sleep()

    def close(self) -> None:
        """Frees the engine."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None

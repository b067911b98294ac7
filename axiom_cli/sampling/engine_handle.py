"""One engine for a whole run: it changes its weights between rounds, and is opened only when something must be said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axiom_cli.models import NVIDIA, Resolved
from axiom_cli.records import ModelRef, Sample
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines import Engine
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace


class Speaker:
    """An `Engine` that speaks with the weights of the model that it last became."""

    def __init__(self, model: Resolved, workspace: Workspace, config: SolveConfig | None = None) -> None:
        self.config, self.workspace = config or SolveConfig(), workspace
        self.name = engines.choose(model.name) if self.config.engine == "auto" else self.config.engine
        self.together = getattr(engines.get(self.name), "together", False)
        self._target = model
        self._engine: Engine | None = None

    @property
    def model(self) -> ModelRef:
        """Whose samples these are."""
        return self._target.ref

    def become(self, model: Resolved) -> None:
        """Speaks with these weights from now on; they are loaded with the next word."""
        self._target = model

    def at_once(self, config: SolveConfig) -> int:
        """How many samples the engine wants to be asked for at once."""
        return engines.at_once(self._ready(), config)

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[list[Sample]]:
        """As `Engine.generate`."""
        return self._ready().generate(*args, **kwargs)

    def arriving(self, *args: Any, **kwargs: Any) -> Iterator[tuple[int, Sample]]:
        """As the engine's own, where it has one."""
        return self._ready().arriving(*args, **kwargs)

    @property
    def singly(self) -> bool:
        """As `engines.keeps_singly`."""
        return engines.keeps_singly(self._ready())

    def _ready(self) -> Engine:
        engine = self._engine
        if engine is not None and engine.model.digest != self._target.digest:
            if hasattr(engine, "swap"):
                engine.swap(self._target)
            else:
                self.close()
        if self._engine is None:
            self._engine = engines.get(self.name)(self._target.name, self.config, self.workspace)
        return self._engine

    def rest(self) -> None:
        """Gives back the accelerator's memory until the next word: training needs it. On a processor the engine stays:
        there is more memory, and it would have to start anew."""
        if NVIDIA.exists() and hasattr(self._engine, "rest"):
            self._engine.rest()

    def close(self) -> None:
        """Frees the engine."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None

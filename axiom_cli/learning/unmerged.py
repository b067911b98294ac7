"""A model that stays what it was trained as: a base with adapters on top, put together whenever it is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from axiom_cli import models
from axiom_cli.errors import UsageError
from axiom_cli.models import Resolved
from axiom_cli.records import Adapter, Model
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace

VERSION = 1


def on_top(adapter: Adapter, base: Resolved, workspace: Workspace) -> Model:
    """`base` with the adapter's chain and the adapter on top, made once and then remembered. Nothing is rounded, so
    there is no certificate. UsageError for whole weights, and for a base that has an adapter already."""
    if adapter.method == "full":
        raise UsageError("--method full trains whole weights, which no base is kept beside", "leave out --unmerged")
    if base.adapters:
        raise UsageError(f"{base.name} is a base with an adapter already", "merge it first, or leave out --unmerged")
    adapters = [*adapter.extra.get("chain", ()), adapter.digest]
    inputs = {"base": base.digest, "adapters": adapters}
    recipe = {"stage": "unmerged", "version": VERSION, "config": {}, "inputs": inputs}

    def make() -> dict[str, Any]:
        parts = {"base": {"name": base.name, "digest": base.digest}, "adapters": adapters}
        with TemporaryDirectory(dir=workspace.objects.scratch().parent, ignore_cleanup_errors=True) as folder:
            (Path(folder) / models.UNMERGED).write_text(json.dumps(parts, indent=2) + "\n", encoding="utf-8")
            return {"model": workspace.put_tree(Path(folder))}

    receipt = workspace.remember(recipe, make)
    digest = receipt["model"]
    path = str(workspace.tree_path(digest))
    return Model(adapter=adapter, digest=digest, certificate={}, path=path, extra={"seconds": receipt.seconds})


def try_adapter(engine: EngineHandle, base: Resolved, config: TrainConfig, workspace: Workspace) -> None:
    """Hands the engine an adapter such as training with `config` gives, of small random weights, and takes it away: a
    rank that is too high, or a server that does not see these files, is told before anything is spent. Raises what
    `Engine.load_weights` raises."""
    from axiom_cli.learning.training.lora import write_trial

    with TemporaryDirectory(dir=workspace.objects.scratch().parent, ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "adapter"
        write_trial(base.path, config, path, base.name)
        trial = Resolved(f"{base.name}+trial", models.folder_digest(path), base.path, path, base, base.remote_code)
        engine.load_weights(base)
        engine.load_weights(trial)
        engine.load_weights(base)

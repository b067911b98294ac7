"""Merge: an adapter in, a model out, proved by its certificate."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from axiom_cli import models
from axiom_cli.configs import MergeConfig
from axiom_cli.errors import GateFailed, InputError, UsageError
from axiom_cli.records import Adapter, Model
from axiom_cli.stages.train import Base, adapter_folder, tree_or_path
from axiom_cli.workspace import Workspace

VERSION = 1


def merge(
    adapter: Adapter,
    config: MergeConfig,
    workspace: Workspace,
    export: Path | None = None,
    base: Base | None = None,
) -> Model:
    """The merged model, made once and then remembered. Base and chain are added up in float32 and rounded once.

    `export` names a new folder that gets a copy, tokenizer and chat template included. GateFailed if the certificate
    does not hold, and then nothing is kept; InputError if the base is not the one that was trained.
    """
    if export and export.exists() and not (export.is_dir() and not any(export.iterdir())):
        raise UsageError(f"{export} exists already", "name a new folder; nothing is overwritten")
    if adapter.method == "value":
        raise InputError(
            "a value function is not merged: it judges samples and writes none",
            "axiom solve --strategy value --value NAME ranks with it",
        )
    origin = base or models.resolve(adapter.base.name, workspace)
    if origin.digest != adapter.base.digest:
        raise InputError(
            f"{origin.name} has changed since it was trained: {origin.digest[:12]}, not {adapter.base.digest[:12]}",
            "merge with the weights that the adapter was made from",
        )
    chain = list(adapter.extra.get("chain", ()))
    folders = [tree_or_path(digest, "", workspace) for digest in chain] + [adapter_folder(adapter, workspace)]
    inputs = {"base": origin.digest, "chain": chain, "adapter": adapter.digest}
    recipe = {"stage": "merge", "version": VERSION, "config": asdict(config), "inputs": inputs}
    receipt = workspace.remember(recipe, lambda: _make(origin.path, folders, config, workspace))
    path = workspace.tree_path(receipt["model"])
    if export:
        _copy(path, export)
    return Model(
        adapter=adapter,
        digest=receipt["model"],
        certificate=receipt["certificate"],
        path=str(path),
        extra={"seconds": receipt.seconds},
    )


def _make(base: Path | str, chain: list[Path], config: MergeConfig, workspace: Workspace) -> dict[str, Any]:
    from axiom_cli.training.merge import merge as merged

    with tempfile.TemporaryDirectory() as folder:
        certificate = merged(base, chain, Path(folder) / "model", config.dtype)
        failures = certificate.failures(config.max_relative_error)
        if failures:
            raise GateFailed(f"the merge is not what was trained: {'; '.join(failures)}", "try --dtype float32")
        digest = workspace.put_tree(Path(folder) / "model")
    return {"model": digest, "certificate": certificate.to_dict()}


def _copy(source: Path, target: Path) -> None:
    """A copy that appears whole, and that may be written to, unlike what lies in the workspace."""
    draft = Path(tempfile.mkdtemp(dir=_existing(target.parent), prefix=f".{target.name}."))
    try:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                copy = draft / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        draft.chmod(0o755)
        draft.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _existing(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

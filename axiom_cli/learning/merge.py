"""Merge: an adapter in, a model out, proved by its certificate."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from axiom_cli import models
from axiom_cli.errors import AxiomError, GateFailedError, InputError, MissingError, UsageError
from axiom_cli.files import explained_write_errors
from axiom_cli.learning import model_card
from axiom_cli.learning.adapter_files import adapter_folder, tree_or_path
from axiom_cli.models import Resolved
from axiom_cli.records import Adapter, Model, ModelRef
from axiom_cli.settings.configs import VERIFIERS, MergeConfig
from axiom_cli.workspace import inspect
from axiom_cli.workspace.objects import absent, bare, short
from axiom_cli.workspace.store import Workspace

VERSION = 2


def merge(  # noqa: PLR0913 - what is merged, and where copies go
    adapter: Adapter,
    config: MergeConfig,
    workspace: Workspace,
    export: Path | None = None,
    base: Resolved | None = None,
    gguf: Path | None = None,
) -> Model:
    """The merged model, made once and then remembered. Base and chain are added up in float32 and rounded once.

    `export` names a new folder that gets a copy, tokenizer, chat template and model card included; `gguf` a new file
    that gets the model in llama.cpp's format. GateFailedError if the certificate does not hold, and then nothing is
    kept; InputError if base or adapter are not the ones that were trained, or damaged, or of a kind that is not merged.
    """
    _refuse_existing(export, gguf)
    if adapter.method in VERIFIERS:
        raise InputError(
            "a value function cannot be merged: it scores samples and does not write any",
            "axiom solve --strategy value --value-function NAME ranks with it",
        )
    origin = base or models.resolve(adapter.base.name, workspace)
    adapter_path = _unchanged(adapter, origin, workspace)
    if gguf and Path(origin.path).is_dir():
        from axiom_cli.learning.training import gguf_file

        gguf_file.check_exportable(origin.path)
    chain = list(adapter.extra.get("chain", ()))
    folders = [*origin.adapters, *(tree_or_path(digest, "", workspace) for digest in chain), adapter_path]
    inputs = {"base": origin.digest, "chain": chain, "adapter": adapter.digest}
    card = model_card.facts(adapter, origin)
    recipe = {"stage": "merge", "version": VERSION, "config": {**asdict(config), "card": card}, "inputs": inputs}

    def make() -> dict[str, Any]:
        from axiom_cli.learning.training.merge import merge as merge_weights

        with explained_write_errors(workspace.root):
            scratch = TemporaryDirectory(dir=workspace.objects.scratch().parent, ignore_cleanup_errors=True)
        with scratch as outer:
            folder = Path(outer) / "model"
            certificate = merge_weights(origin.path, folders, folder, config.dtype)
            if failures := certificate.failures(config.max_relative_error):
                narrow = certificate.dtype != "float32"
                hint = "try --dtype float32" if narrow else "a --lr too small leaves such a change"
                raise GateFailedError(f"the merged model is not what was trained: {'; '.join(failures)}", hint)
            with explained_write_errors(folder):
                text = model_card.text(card, inputs, asdict(certificate))
                (folder / "README.md").write_text(text, encoding="utf-8")
            return {"model": workspace.put_tree(folder), "certificate": asdict(certificate)}

    receipt = workspace.remember(recipe, make)
    path = workspace.tree_path(receipt["model"])
    if export:
        inspect.export(workspace, receipt["model"], export)
    if gguf:
        from axiom_cli.learning.training import gguf_file

        gguf_file.write(path, gguf)
    return Model(
        adapter=adapter,
        digest=receipt["model"],
        certificate=receipt["certificate"],
        path=str(path),
        extra={"seconds": receipt.seconds},
    )


def remake(digest: str, workspace: Workspace) -> None:
    """Makes a merged model again whose weights were freed. MissingError where it was not made here, or its base is not
    to be found."""
    receipt = next((made for made in workspace.makers().get(digest) if made.stage == "merge"), None)
    if receipt is None:
        raise absent(digest)
    recipe: Mapping[str, Any] = receipt.recipe
    card, inputs = recipe["config"]["card"], recipe["inputs"]
    adapter = Adapter(
        base=ModelRef(card["base"], inputs["base"]),
        digest=inputs["adapter"],
        method=card["method"],
        config=card["settings"],
        rows=card["rows"],
        metrics=card["metrics"],
        extra={"chain": inputs["chain"]},
    )
    for name in (inputs["base"], models.NANO, card["base"]):
        with suppress(AxiomError):
            base = models.resolve(name, workspace)
            if base.digest == inputs["base"]:
                settings = {key: value for key, value in recipe["config"].items() if key != "card"}
                merge(adapter, MergeConfig(**settings), workspace, base=base)
                return
    raise MissingError(
        f"the weights of {short(digest)} were freed, and its base {card['base']} is not here to make them again",
        "run the axiom merge or axiom loop that made it once more",
    )


def _unchanged(adapter: Adapter, origin: Resolved, workspace: Workspace) -> Path:
    """The adapter's folder. InputError where it or its base is not what its record says."""
    if not models.is_still(origin, adapter.base.digest):
        raise InputError(
            f"{origin.name} has changed since it was trained: {short(origin.digest)}, not {short(adapter.base.digest)}",
            "merge with the weights that the adapter was made from",
        )
    folder = adapter_folder(adapter, workspace)
    if not workspace.has(adapter.digest) and models.folder_digest(folder) != bare(adapter.digest):
        raise InputError(
            f"the adapter in {folder} has changed since it was trained", "train again, or name its workspace"
        )
    return folder


def _refuse_existing(export: Path | None, gguf: Path | None) -> None:
    export_exists = export and export.exists() and not (export.is_dir() and not any(export.iterdir()))
    if export_exists or (gguf and gguf.exists()):
        existing = export if export_exists else gguf
        raise UsageError(f"{existing} already exists", "choose a new name; nothing is overwritten")

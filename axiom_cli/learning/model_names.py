"""The name of what is trained (`--experiment NAME`): first the adapter's, and once that is merged the model's.

Names with an @ are those of a loop's rounds, which the loop assigns itself.
"""

from __future__ import annotations

from pathlib import Path

from axiom_cli.errors import UsageError
from axiom_cli.workspace import refs
from axiom_cli.workspace.objects import bare, short
from axiom_cli.workspace.store import Workspace


def check_name(name: str, workspace: Workspace) -> None:
    """UsageError for an invalid name, and for one that a loop's models have."""
    refs.path(Path(), name)
    if "@" in name or any(known.startswith(f"{name}@") for known in workspace.refs()):
        raise UsageError(f"--experiment {name}: this is the name of a loop's models", "choose another name")


def assign(name: str, adapter: str, workspace: Workspace) -> str:
    """Gives the adapter of this digest the name; a model that was merged from it keeps it. Returns a sentence where
    something else had the name, else an empty one."""
    adapter = bare(adapter)
    before = workspace.refs().get(name, adapter)
    if before != adapter and before in _models(adapter, workspace):
        return ""
    workspace.set_ref(name, adapter)
    return f"{name} was {short(before)} and is now {short(adapter)}" if before != adapter else ""


def transfer(adapter: str, model: str, workspace: Workspace) -> list[str]:
    """Gives the names of an adapter, and of what was merged from it before, to its model. Returns them."""
    holders = {bare(adapter), *_models(adapter, workspace)}
    names = [name for name, digest in workspace.refs().items() if digest in holders and "@" not in name]
    for name in names:
        workspace.set_ref(name, model)
    return names


def _models(adapter: str, workspace: Workspace) -> set[str]:
    """The models that were merged from an adapter."""
    merges = (receipt for receipt in workspace.receipts() if receipt.stage == "merge")
    return {bare(receipt["model"]) for receipt in merges if ("adapter", bare(adapter)) in receipt.inputs}

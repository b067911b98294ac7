"""The name of what is learnt (`--experiment NAME`): the adapter's, and once it is merged its model's.

Names with an @ are those of a loop's rounds, which give themselves theirs.
"""

from __future__ import annotations

from pathlib import Path

from axiom_cli.errors import UsageError
from axiom_cli.workspace import refs
from axiom_cli.workspace.objects import bare, short
from axiom_cli.workspace.store import Workspace


def check(name: str, workspace: Workspace) -> None:
    """UsageError where `name` is none, or is that of a loop, whose models it would hide."""
    refs.path(Path(), name)
    if "@" in name or any(known.startswith(f"{name}@") for known in workspace.refs()):
        raise UsageError(f"--experiment {name}: that is how a loop's models are called", "choose another name")


def give(name: str, adapter: str, workspace: Workspace) -> str:
    """Names an adapter, by its digest; a model that was merged of it keeps the name that it has. Returns a sentence
    where something else had the name, else nothing."""
    adapter = bare(adapter)
    before = workspace.refs().get(name, adapter)
    if before == adapter or before not in _models(adapter, workspace):
        workspace.set_ref(name, adapter)
        return f"{name} was {short(before)}, and is {short(adapter)} now" if before != adapter else ""
    return ""


def hand_over(adapter: str, model: str, workspace: Workspace) -> list[str]:
    """Gives the names of an adapter, and of what was merged of it before, to its model. Returns them."""
    holders = {bare(adapter), *_models(adapter, workspace)}
    names = [name for name, digest in workspace.refs().items() if digest in holders and "@" not in name]
    for name in names:
        workspace.set_ref(name, model)
    return names


def _models(adapter: str, workspace: Workspace) -> set[str]:
    """The models that were merged of an adapter."""
    merges = (one for one in workspace.receipts() if one.stage == "merge")
    return {bare(one["model"]) for one in merges if ("adapter", bare(adapter)) in one.inputs}

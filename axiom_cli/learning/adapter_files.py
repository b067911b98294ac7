"""Where the files of an adapter are."""

from __future__ import annotations

from pathlib import Path

from axiom_cli.errors import MissingError
from axiom_cli.records import Adapter
from axiom_cli.workspace.objects import short
from axiom_cli.workspace.store import Workspace


def adapter_folder(adapter: Adapter, workspace: Workspace) -> Path:
    """Where an adapter's files are: in the workspace, else where its record says. MissingError if in neither."""
    return tree_or_path(adapter.digest, adapter.path, workspace)


def tree_or_path(digest: str, path: str, workspace: Workspace) -> Path:
    """The tree `digest`, else the folder `path`."""
    if workspace.has(digest):
        return workspace.tree_path(digest)
    if path and Path(path).is_dir():
        return Path(path)
    raise MissingError(
        f"the adapter {short(digest)} is not in this workspace", "use --workspace to name the one it was trained in"
    )

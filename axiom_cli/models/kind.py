"""What kind of model a name stands for, which a run's settings follow. Nothing is loaded or downloaded to find out."""

from __future__ import annotations

from pathlib import Path

from axiom_cli.errors import AxiomError
from axiom_cli.models import expand_user, folders
from axiom_cli.settings.model_kinds import NANO, PRETRAINED
from axiom_cli.workspace.store import Workspace

SMALL = 1 << 26
"""Bytes of weights up to which a model is of nano's kind; nano has 4 million."""
WEIGHTS = (".safetensors", ".bin", ".gguf")


def kind_of(model: str, workspace: str = "") -> str:
    """`nano` for the embedded model, and for a folder, a file or a model of the workspace of its size; `pretrained` for
    all others: a model of the hub may not be here yet."""
    if model in ("", NANO):
        return NANO
    path = _path(model, workspace) or _path(model.partition("+")[0], workspace)
    if path is None:
        return NANO if model.partition("+")[0] == NANO else PRETRAINED
    if path.is_dir() and not (path / folders.CONFIG).is_file() and (path / folders.ADAPTER_CONFIG).is_file():
        base = folders.read_json(path / folders.ADAPTER_CONFIG).get("base_model_name_or_path")
        return PRETRAINED if not isinstance(base, str) or base == model else kind_of(base, workspace)
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.suffix in WEIGHTS]
    return NANO if sum(file.stat().st_size for file in files) <= SMALL else PRETRAINED


def _path(model: str, workspace: str) -> Path | None:
    path = expand_user(model)
    if path.exists():
        return path
    try:
        kept = Workspace.open(workspace or None)
        tree = kept.resolve(model)
        return kept.tree_path(tree) if kept.has(tree) and kept.is_tree(tree) else None
    except (AxiomError, OSError):
        return None

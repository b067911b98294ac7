"""Where a model's name leads: to the embedded model, a folder, a .gguf file, the workspace or the hub's cache.

Tried in that order, a name of the workspace before one of the hub. Nothing heavy is imported to look.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from logging import ERROR, getLogger
from pathlib import Path

from axiom_cli.errors import InputError, MissingError
from axiom_cli.ids import canonical, digest, file_digest
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.records import ModelRef
from axiom_cli.workspace.objects import is_digest
from axiom_cli.workspace.store import Workspace

# bitsandbytes warns at every import and every step, where nothing is wrong. Set here, before anything imports it.
getLogger("bitsandbytes").setLevel(ERROR)
NANO = "nano"
"""The embedded model, which is meant, on every machine, when none is named."""
NVIDIA = Path("/dev/nvidiactl")
VALUE_FACTS = "value.json"
"""The file that makes a folder one of a value function, and says what it was fitted on."""


@dataclass(frozen=True)
class Resolved:
    """A model on this disk: `path` is a folder as transformers reads it, or a .gguf file."""

    name: str
    digest: str
    path: Path

    @property
    def ref(self) -> ModelRef:
        """What records keep of it."""
        return ModelRef(self.name, self.digest)


def resolve(name: str, workspace: Workspace | None = None) -> Resolved:
    """The model called `name`. MissingError that says what was tried, InputError for a folder that is not a model."""
    if "://" in name:
        raise MissingError(
            f"{name} is a server: its weights are not on this machine", "name a folder, a hub id or a workspace name"
        )
    if name == NANO:
        if not (WEIGHTS / "config.json").is_file():
            raise MissingError("nano's weights are not in this installation", "pip install --force-reinstall axiom-rl")
        return Resolved(NANO, folder_digest(WEIGHTS), WEIGHTS)
    if model := _local(name) or _kept(name, workspace) or _hub(name):
        return model
    tried = "the embedded model (nano), a folder, a .gguf file, a name or digest in the workspace, the hub"
    on_hub = "/" in name and not name.startswith((".", "/"))
    made_here = "axiom workspace ls shows the models made here; nano is always there"
    hint = f"to download it: hf download {name}" if on_hub else made_here
    raise MissingError(f"there is no model called {name!r}; tried {tried}", hint)


def _local(name: str) -> Resolved | None:
    path = Path(name).expanduser()
    if path.is_file() and path.suffix == ".gguf":
        return Resolved(str(path.resolve()), file_digest(path), path)
    if not path.is_dir():
        return None
    if not (path / "config.json").is_file():
        is_adapter = (path / "adapter_config.json").exists()
        what = "it is a LoRA adapter: merge it first" if is_adapter else "it is not a model"
        raise InputError(f"{path} has no config.json: {what}", "a model's folder holds config.json and weights")
    return Resolved(str(path.resolve()), folder_digest(path), path)


def _kept(name: str, workspace: Workspace | None) -> Resolved | None:
    if workspace is None or "/" in name:
        return None
    try:
        model_digest = workspace.resolve(name)
    except MissingError:
        return None
    if not is_digest(model_digest) or not workspace.has(model_digest) or not workspace.is_tree(model_digest):
        return None
    files = workspace.tree(model_digest)
    if VALUE_FACTS in files:
        raise InputError(
            f"{name} is a value function: it judges samples and writes none", f"axiom solve --value-function {name}"
        )
    if "config.json" not in files and "adapter_config.json" in files:
        raise InputError(f"{name} is an adapter, not a model", "axiom merge makes a model of it, with the same name")
    if "config.json" not in files:
        raise InputError(f"{name} is not a model but something else in the workspace", f"axiom workspace show {name}")
    return Resolved(name, model_digest, workspace.tree_path(model_digest))


def _hub(name: str) -> Resolved | None:
    """A hub id: from the cache, else downloaded where the hub can be reached."""
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    patterns = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]
    for offline in (True, False):
        if not offline and os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
            return None
        try:
            path = Path(snapshot_download(name, allow_patterns=patterns, local_files_only=offline))
        except HFValidationError:
            return None
        except (OSError, ValueError):
            continue
        return Resolved(name, digest(f"{name}@{path.name}".encode()), path)
    return None


def has_changed(name: str, found: str, path: Path) -> bool:
    """Whether a model's folder no longer holds what it was resolved to. A snapshot of the hub never changes."""
    snapshot = digest(f"{name}@{path.name}".encode()) == found
    return path.is_dir() and not snapshot and folder_digest(path) != found


def folder_digest(folder: Path) -> str:
    """The digest that the folder has, or would have, in a workspace."""
    files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    stamp = tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files.values())
    return _tree_digest(tuple(files.items()), stamp)


@lru_cache(maxsize=32)
def _tree_digest(files: tuple[tuple[str, Path], ...], _stamp: tuple[tuple[str, int, int], ...]) -> str:
    """Remembered as long as the stamp, sizes and times of the files, is the same."""
    return digest(canonical({"kind": "tree", "files": {name: file_digest(path) for name, path in files}}))

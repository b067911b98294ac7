"""Where a model's name leads: to the embedded model, a folder, a .gguf file, the workspace or the hub's cache.

Tried in that order, a name of the workspace before one of the hub. What is found is checked (folder_checks.py), and
nothing heavy is imported for it.
"""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from logging import ERROR, getLogger
from pathlib import Path

from axiom_cli import permitted
from axiom_cli.errors import InputError, MissingError, UsageError, did_you_mean
from axiom_cli.ids import canonical, content_id, digest
from axiom_cli.models import folder_checks, folders, hub
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.records import ModelRef
from axiom_cli.terminal import console
from axiom_cli.workspace.file_stamps import FileStamps
from axiom_cli.workspace.objects import is_digest
from axiom_cli.workspace.store import STAMPS, TREES, Workspace

# bitsandbytes warns at every import and every step, where nothing is wrong. Set here, before anything imports it.
getLogger("bitsandbytes").setLevel(ERROR)
NANO = "nano"
"""The embedded model, which is meant, on every machine, when none is named."""
NVIDIA = Path("/dev/nvidiactl")
UNMERGED = "unmerged.json"
"""The file that makes a tree of the workspace a base with adapters on top: the name and the digest of the base, and the
digests of the adapters."""
LONGEST_NAME = 255
"""Bytes of a file's name at most: the system refuses to look for a longer one."""
VALUE_FACTS = "value.json"
"""The file that makes a folder one of a value function, and says what it was fitted on."""

_stamps = FileStamps()


@dataclass(frozen=True)
class Resolved:
    """A model on this disk: `path` is a folder as transformers reads it, or a .gguf file.

    With an `adapter`, the folder of a plain peft adapter, it is `base` changed by it, and `path` leads to the files of
    the base. `remote_code`: it brings Python of its own, which the user allowed to run.
    """

    name: str
    digest: str
    path: Path
    adapter: Path | None = None
    base: Resolved | None = None
    remote_code: bool = False

    @property
    def ref(self) -> ModelRef:
        """What records keep of it."""
        return ModelRef(self.name, self.digest, remote_code=self.remote_code or None)

    @property
    def adapters(self) -> tuple[Path, ...]:
        """The folders of the adapters, in the order in which they change the model in `path`."""
        return (*(self.base.adapters if self.base else ()), *([self.adapter] if self.adapter else ()))


def same_weights(a: Resolved, b: Resolved) -> bool:
    """Whether the files with the weights of two models are equal, byte for byte, whatever else their folders hold.
    False where one of them is gone."""
    ours, theirs = (_weight_paths(model) for model in (a, b))
    if not ours or len(ours) != len(theirs):
        return False
    return all(filecmp.cmp(our, their, shallow=False) for our, their in zip(ours, theirs, strict=True))


def _weight_paths(model: Resolved) -> list[Path]:
    """The files with a model's weights, its adapters' after those of its base; empty where one of them is gone."""
    names = folders.weight_files(model.path) if model.path.is_dir() else [""]
    paths = [model.path / name for name in names]
    paths += [adapter / folders.ADAPTER_WEIGHTS for adapter in model.adapters]
    return paths if all(path.is_file() for path in paths) else []


def resolve(name: str, workspace: Workspace | None = None) -> Resolved:
    """The model called `name`. UsageError for a blank name, MissingError that says what was tried, InputError for a
    folder that is not a model, or whose files are damaged. The workspace remembers what its files hash to, until one of
    them changes."""
    if workspace:
        _stamps.keep_in(workspace.root / STAMPS / "models.json")
    model = _resolved(name, workspace)
    if workspace:
        _stamps.save(workspace.objects.scratch)
    return model


def _resolved(name: str, workspace: Workspace | None, above: frozenset[Path] = frozenset()) -> Resolved:
    """`above`: the adapters whose configs have led to `name`."""
    if not name.strip():  # as an unset shell variable gives; it is not the folder one is in
        raise UsageError("a model's name is blank", "nano is always there; . is the model in this folder")
    if "://" in name:
        raise MissingError(
            f"{name} is a server: its weights are not on this machine", "name a folder, a hub id or a workspace name"
        )
    if name == NANO:
        if not (WEIGHTS / folders.CONFIG).is_file():
            raise MissingError("nano's weights are not in this installation", "install axiom again")
        return Resolved(NANO, model_digest(WEIGHTS), WEIGHTS)
    if (
        model := _local(name, workspace, above)
        or _adapted(name, workspace, above)
        or _kept(name, workspace)
        or _hub(name)
    ):
        return model
    tried = (
        "the embedded model (nano), a folder, a .gguf file, BASE+ADAPTER, a name or digest in the workspace, the hub"
    )
    known = (NANO, *(workspace.refs() if workspace else ()))
    hint = did_you_mean(name, known, "axiom workspace ls shows the models made here; nano is always there")
    raise MissingError(f"there is no model called {name!r}; tried {tried}", hint)


def _local(name: str, workspace: Workspace | None, above: frozenset[Path]) -> Resolved | None:
    path = expand_user(name)
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        return None
    if path.suffix == ".gguf" and not path.is_dir() and folders.is_there(path):
        folder_checks.check_gguf(path)
        return Resolved(str(path.resolve()), _stamps.digest(path.absolute()), path)
    if not path.is_dir():
        return None
    if not folders.is_there(path / folders.CONFIG):
        if not folders.is_there(path / folders.ADAPTER_CONFIG):
            hint = "a model's folder holds config.json and weights"
            raise InputError(f"{path} has no config.json: it is not a model", hint)
        base = folders.read_json(path / folders.ADAPTER_CONFIG).get("base_model_name_or_path")
        if not isinstance(base, str) or not base:
            raise InputError(f"{path} is an adapter that does not name its base", f"name both: BASE+{path}")
        if path.resolve() in above:
            raise InputError(f"the adapter in {path} names a base that leads back to it", f"name both: BASE+{path}")
        return _with_adapter(str(path.resolve()), base, path, workspace, above | {path.resolve()})
    folder_checks.check_model(path)
    if folders.is_there(path / folders.ADAPTER_CONFIG):
        console.warn_once(
            f"{path.resolve()} holds a model and an adapter: the model alone is used; FOLDER+FOLDER adds the adapter"
        )
    return Resolved(str(path.resolve()), model_digest(path), path, remote_code=_brings_code(path))


def _adapted(name: str, workspace: Workspace | None, above: frozenset[Path]) -> Resolved | None:
    """BASE+ADAPTER, whose names may hold a plus themselves."""
    for plus in re.finditer(r"\+", name):
        base, path = name[: plus.start()], expand_user(name[plus.end() :])
        if base and folders.is_there(path / folders.ADAPTER_CONFIG):
            return _with_adapter(f"{base}+{path.resolve()}", base, path, workspace, above)
    return None


def _with_adapter(
    name: str, base_name: str, path: Path, workspace: Workspace | None, above: frozenset[Path]
) -> Resolved:
    if path.resolve().parent.name == TREES and is_digest(path.resolve().name):
        raise InputError(f"{path} is an adapter of a workspace", "axiom merge makes a model of it")
    files = folder_checks.adapter_files(path)
    try:
        base = _resolved(base_name, workspace, above)
    except MissingError as error:
        message = f"the base of the adapter in {path} is not here: {error}"
        raise MissingError(message, f"{error.hint}; or name its folder: BASE+{path}") from None
    parts = {"kind": "adapted", "base": base.digest, "adapter": _files_digest(files)}
    return Resolved(name, content_id(parts), base.path, path, base, base.remote_code)


def _kept(name: str, workspace: Workspace | None) -> Resolved | None:
    if workspace is None or "/" in name or "+" in name:  # a name there has neither
        return None
    try:
        tree = workspace.resolve(name)
    except MissingError:
        return None
    if not is_digest(tree) or not workspace.has(tree) or not workspace.is_tree(tree):
        return None
    files = workspace.tree(tree)
    if VALUE_FACTS in files:
        raise InputError(
            f"{name} is a value function: it judges samples and writes none", f"axiom solve --value-function {name}"
        )
    if UNMERGED in files:
        return _unmerged(name, tree, workspace)
    if folders.CONFIG not in files and folders.ADAPTER_CONFIG in files:
        raise InputError(f"{name} is an adapter, not a model", "axiom merge makes a model of it, with the same name")
    if folders.CONFIG not in files:
        raise InputError(f"{name} is not a model but something else in the workspace", f"axiom workspace show {name}")
    path = workspace.tree_path(tree)
    folder_checks.check_model(path)
    return Resolved(name, tree, path, remote_code=_brings_code(path))


def _unmerged(name: str, tree: str, workspace: Workspace) -> Resolved:
    """The model that the tree says is a base with adapters on top."""
    parts = folders.read_json(workspace.tree_path(tree) / UNMERGED)
    base = _resolved(parts["base"]["name"], workspace)
    if base.digest != parts["base"]["digest"]:
        raise InputError(
            f"{base.name} has changed since {name} was trained of it", "put the files back that it was trained of"
        )
    adapters = [workspace.tree_path(adapter) for adapter in parts["adapters"]]
    for path in adapters[:-1]:
        digest = content_id({"kind": "adapted", "base": base.digest, "adapter": path.name})
        base = Resolved(f"{base.name}+{path.name[:12]}", digest, base.path, path, base, base.remote_code)
    return Resolved(name, tree, base.path, adapters[-1], base, base.remote_code)


def _hub(name: str) -> Resolved | None:
    """A hub id: from the cache if it is whole there, else downloaded."""
    path = hub.snapshot(name) if hub.is_hub_id(name) else None
    if path is None:
        return None
    folder_checks.check_model(path)
    return Resolved(name, digest(f"{name}@{path.name}".encode()), path, remote_code=_brings_code(path))


def _brings_code(folder: Path) -> bool:
    return permitted.remote_code() and folder_checks.brings_code(folder)


def expand_user(name: str) -> Path:
    """The path called `name`, whose `~` stands for the user's home, if there is one."""
    try:
        return Path(name).expanduser()
    except RuntimeError:  # a user without a home
        return Path(name)


def is_still(model: Resolved, wanted: str = "") -> bool:
    """Whether the files of `model` are still those of the digest `wanted` (its own, if empty). A snapshot of the hub
    never changes; digests of earlier versions were of every file in a folder."""
    wanted = wanted or model.digest
    if model.base and model.adapter:
        if model.adapter.parent.name == TREES:
            return is_still(model.base)
        again = {"kind": "adapted", "base": model.base.digest}
        files = folder_checks.adapter_files(model.adapter)
        return is_still(model.base) and content_id({**again, "adapter": _files_digest(files)}) == wanted
    if not model.path.is_dir():
        return _stamps.digest(model.path.absolute()) == wanted
    if model.path.parent.name == TREES:
        return folder_digest(model.path) == wanted
    snapshot = digest(f"{model.name}@{model.path.name}".encode())
    return wanted in (snapshot, model_digest(model.path)) or folder_digest(model.path) == wanted


def model_digest(folder: Path) -> str:
    """The digest of the files that are loaded of a model's folder. InputError where some are missing."""
    return _files_digest(folders.model_files(folder))


def folder_digest(folder: Path) -> str:
    """The digest that the folder has, or would have, in a workspace."""
    return _files_digest({p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()})


def _files_digest(files: Mapping[str, Path]) -> str:
    digests = {name: _stamps.digest(path.absolute()) for name, path in files.items()}
    return digest(canonical({"kind": "tree", "files": digests}))

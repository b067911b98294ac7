"""Models of the hub: what the cache holds of one, else what is downloaded, else why it cannot be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axiom_cli import permitted
from axiom_cli.errors import InputError, MissingError
from axiom_cli.models import folders
from axiom_cli.terminal import console

IGNORED = ["consolidated*", "onnx/*", "original/*", folders.ADAPTER_WEIGHTS]
"""The same weights again, for other libraries, and what is not the model's own."""


def is_hub_id(name: str) -> bool:
    """Whether `name` looks like OWNER/MODEL and not like a path."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def snapshot(name: str) -> Path | None:
    """The folder of the model called `name`: the cache's if that is whole, else what is missing is downloaded. None for
    what cannot be the name of a model. MissingError that says why it cannot be had; InputError for one that holds no
    weights that may be read."""
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError

    if constants.HF_HUB_CACHE.startswith("~"):
        raise MissingError(
            f"there is no model called {name!r}: it is not a folder, and without a home directory there is no cache of "
            "the hub's models",
            "set HF_HOME to a folder that you can write to",
        )
    _hush()
    try:
        cached, missing = _cached(name)
    except HFValidationError:
        return None
    if cached and not missing:
        return cached
    if constants.HF_HUB_OFFLINE:
        held = f"the hub's cache holds only a part of {name} ({missing})"
        none = f"there is no model called {name!r}: it is not a folder, and not in the hub's cache"
        raise MissingError(
            f"{held if cached else none}; HF_HUB_OFFLINE is set, so nothing is downloaded",
            f"to download it: HF_HUB_OFFLINE=0 hf download {name}",
        )
    try:
        return _downloaded(name)
    except _failures() as error:
        raise _explained(name, error) from None


def published_config(name: str) -> dict[str, Any] | None:
    """The config.json of a model that is not here yet, by itself. None for a model that is here, and where it cannot be
    had: `snapshot` says why."""
    from huggingface_hub import constants, hf_hub_download

    if constants.HF_HUB_CACHE.startswith("~"):
        return None
    _hush()
    try:
        cached, missing = _cached(name)
        if cached and not missing:
            return None
        return folders.read_json(Path(hf_hub_download(name, folders.CONFIG)))
    except (InputError, ValueError, *_failures()):  # a name that is not valid is a ValueError
        return None


def _hush() -> None:
    """What the library warns of on its way, such as a cache that it cannot write to, is told here."""
    from huggingface_hub.utils import disable_progress_bars, logging

    logging.set_verbosity_error()
    if console.is_quiet() or not console.is_terminal():
        disable_progress_bars()


def _failures() -> Any:
    """What a download raises: the HTTP library has an error of its own for a lost connection."""
    from huggingface_hub.errors import HfHubHTTPError

    return OSError, *HfHubHTTPError.__bases__


def _cached(name: str) -> tuple[Path | None, str]:
    """The cache's folder, if it has one, and what that lacks to be the whole model; empty if nothing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

    try:
        path = snapshot_download(name, allow_patterns=_patterns(), ignore_patterns=IGNORED, local_files_only=True)
    except IncompleteSnapshotError as error:
        return Path(error.snapshot_path), "some of its files are missing"
    except (LocalEntryNotFoundError, PermissionError):
        return None, ""
    return Path(path), _lacks(Path(path))


def _patterns() -> list[str]:
    names = [folders.CONFIG, folders.GENERATION_CONFIG, *sorted(folders.TOKENIZER), "*.tiktoken"]
    code = ["*.py"] if permitted.remote_code() else []
    return [*names, f"{folders.TEMPLATES}/*.jinja", folders.INDEX, "*.safetensors", *code]


def _lacks(folder: Path) -> str:
    """What a snapshot lacks to be a model; empty if nothing. What is damaged is not missing."""
    if not (folder / folders.CONFIG).is_file():
        return f"{folders.CONFIG} is missing"
    if lost := next((path.name for path in folder.iterdir() if not path.exists()), ""):
        return f"{lost} is missing"
    if not any(folders.is_tokenizer(path.name) for path in folder.iterdir()):
        return "its tokenizer is missing"
    try:
        folders.weight_files(folder)
    except InputError as error:
        return str(error)
    return ""


def _downloaded(name: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    path = Path(snapshot_download(name, allow_patterns=_patterns(), ignore_patterns=IGNORED))
    if (path / folders.SINGLE).is_file() or (path / folders.INDEX).is_file():
        return path
    held = HfApi().list_repo_files(name, revision=path.name)
    pickles = [file for file in held if file in (folders.PICKLE_SINGLE, folders.PICKLE_INDEX)]
    if pickles and permitted.pickle():
        snapshot_download(name, revision=path.name, allow_patterns=[folders.PICKLE_INDEX, "pytorch_model*.bin"])
        return path
    if pickles:
        raise InputError(
            f"{name} holds its weights as pickles alone ({pickles[0]}), which can run code",
            f"choose a model with safetensors, or trust them with {permitted.PICKLE}",
        )
    gguf = next((file for file in held if file.endswith(".gguf")), "")
    hint = f"hf download {name} {gguf} --local-dir . ; then name that file" if gguf else "choose another model"
    raise InputError(f"{name} holds no safetensors", hint)


def _explained(name: str, error: Exception) -> MissingError:
    """What the hub's library raised, as what the user can do about it."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    host = constants.ENDPOINT
    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
    line = (str(cause).strip() or type(cause).__name__).split("\n")[0]
    if isinstance(cause, GatedRepoError):
        return MissingError(
            f"{name} is gated: only those may download it whom its owner has given access",
            f"ask for it at {host}/{name}, then: hf auth login",
        )
    if isinstance(cause, RepositoryNotFoundError):
        return MissingError(
            f"there is no model called {name!r}: it is not a folder, and the hub at {host} does not know it",
            "check the spelling; if it is private: hf auth login",
        )
    if isinstance(cause, HfHubHTTPError):
        status = cause.response.status_code
        hint = "hf auth login with a token that may read it" if status in (401, 403) else "try again later"
        denied = "does not permit" if status in (401, 403) else "failed"
        return MissingError(f"the hub at {host} {denied} the download of {name}: {line}", hint)
    number = getattr(error, "errno", None)
    if isinstance(error, LocalEntryNotFoundError | ConnectionError) or not number:
        return MissingError(
            f"{name} is not in the cache, and the hub at {host} cannot be reached: {line}",
            f"on a machine with a network: hf download {name} --local-dir DIR; then name that folder",
        )
    return MissingError(
        f"cannot write to the hub's cache {constants.HF_HUB_CACHE}: {os.strerror(number)}",
        "set HF_HOME to a folder that you can write to and that has room",
    )

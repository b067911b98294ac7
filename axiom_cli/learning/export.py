"""A model in the form that other programs read: a plain folder, a .gguf file, or both halves of a model for Ollama.

Each appears whole or not at all, with a certificate that says what it was made from and what was checked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from axiom_cli import installation, models
from axiom_cli.drafts import filling, room_beside
from axiom_cli.errors import AxiomError, GateFailedError, InputError, MissingError, UsageError
from axiom_cli.files import explained_write_errors
from axiom_cli.ids import file_digest
from axiom_cli.learning import model_card
from axiom_cli.learning.merge import remake
from axiom_cli.models import Resolved, folders
from axiom_cli.settings.configs import MergeConfig
from axiom_cli.wording import as_markdown
from axiom_cli.workspace.objects import is_digest
from axiom_cli.workspace.store import Workspace

CERTIFICATE, MODELFILE, WEIGHTS, README = "certificate.json", "Modelfile", "model.gguf", "README.md"
KIND = "export"
OLLAMA_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)*(:[\w.-]+)?")
CARD = """\
# {name}

Exported by `axiom export`. Weights: {weights}. `{certificate}` has the digests.

`axiom ask FOLDER "..."`, transformers and vLLM read this folder.
"""
Certificate = dict[str, Any]


def export_folder(name: str, folder: Path, workspace: Workspace) -> Certificate:
    """Writes the model to `folder` as transformers and vLLM read it: safetensors, tokenizer, chat template, the tokens
    that end an answer, a model card. An earlier export there is replaced.

    Raises UsageError for a folder of other files, GateFailedError where an adapter cannot be merged exactly, and what
    `models.resolve` raises.
    """
    _check_target(folder)
    model = _resolve(name, workspace)
    with _target(folder) as (draft, room), _plain(model, room) as (source, facts):
        from axiom_cli.learning.training.merge import carry

        carry(source, draft)
        for file in (*folders.safetensors_files(source), README):
            if (source / file).is_file():
                shutil.copyfile(source / file, draft / file)
        _name_ends(draft)
        if not (draft / README).exists():
            card = CARD.format(name=as_markdown(Path(name).name), weights=facts["weights"], certificate=CERTIFICATE)
            sections = [model_card.taught()] if model_card.comes_from_nano(model) else []
            (draft / README).write_text("\n".join([card, *sections]), encoding="utf-8")
        return _certify(draft, model, facts)


def export_gguf(name: str, file: Path, dtype: str, workspace: Workspace) -> Certificate:
    """Writes the model to the new file `file`, for llama.cpp. The certificate says what llama.cpp's own runtime answers
    from it, if that is installed.

    GateFailedError where those answers are not the model's, and then nothing is kept; InputError for a model that
    cannot be written; UsageError if `file` exists.
    """
    if file.exists():
        raise UsageError(f"{file} already exists", "choose a new name; nothing is overwritten")
    model = _resolve(name, workspace)
    with room_beside(file, file) as room, _plain(model, room, dtype) as (source, facts):
        draft = room / file.name
        checked = _write_gguf(source, draft, dtype)
        draft.rename(file)
    digests = {file.name: file_digest(file)}
    return {"kind": KIND, "model": _ref(model), **facts, **checked, "files": digests}


def export_ollama(name: str, called: str, folder: Path, dtype: str, workspace: Workspace) -> Certificate:
    """Writes what `ollama create` takes to `folder`: the .gguf file, and a Modelfile with the chat template and the
    tokens that end an answer. Raises what `export_gguf` raises, and InputError for a template that cannot be
    translated."""
    if not OLLAMA_NAME.fullmatch(called):
        raise UsageError(f"--ollama {called!r} is not a name that Ollama takes", "such as mine or mine:v2")
    _check_target(folder)
    model = _resolve(name, workspace)
    with _target(folder) as (draft, room), _plain(model, room, dtype) as (source, facts):
        from axiom_cli.learning import ollama
        from axiom_cli.learning.tokens import tokenizer_of

        tokenizer, ends = tokenizer_of(Resolved(model.name, model.digest, source))
        (draft / MODELFILE).write_text(ollama.modelfile(WEIGHTS, tokenizer, ends), encoding="utf-8")
        checked = _write_gguf(source, draft / WEIGHTS, dtype)
        return _certify(draft, model, {**facts, **checked})


def create_in_ollama(called: str, folder: Path) -> None:
    """Has Ollama take the model in `folder`. MissingError, with the command to type, where Ollama is not installed, or
    does not take it."""
    command = ["ollama", "create", called, "-f", MODELFILE]
    typed = f"cd {folder} && {' '.join(command)}"
    if shutil.which("ollama") is None:
        raise MissingError(f"ollama is not on the PATH; the model for it is in {folder}", typed)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()] or ["it gave no reason"]
        raise MissingError(f"ollama did not take the model in {folder}: {said[-1]}", typed)


def _resolve(name: str, workspace: Workspace) -> Resolved:
    """The model called `name`; one of the workspace whose weights were freed is made again."""
    if "/" not in name and "+" not in name and name != models.NANO and not Path(name).exists():
        try:
            digest = workspace.resolve(name)
        except AxiomError:
            digest = ""
        if is_digest(digest) and not workspace.has(digest) and workspace.makers().get(digest):
            remake(digest, workspace)
    return models.resolve(name, workspace)


@contextmanager
def _plain(model: Resolved, room: Path, dtype: str = "") -> Iterator[tuple[Path, Certificate]]:
    """A folder of safetensors, and how its weights came to be; what has to be made lies in `room` meanwhile. With a
    `dtype`, it is a model that a .gguf file can hold: InputError otherwise, before anything is made."""
    from axiom_cli.learning.training import gguf_file
    from axiom_cli.learning.training.merge import merge, plain

    if dtype and model.path.is_dir():
        gguf_file.check_exportable(model.path, dtype)
    with ExitStack() as made:
        if model.path.is_dir() and not model.adapters and folders.safetensors_files(model.path):
            yield model.path, {"weights": "as they are"}
            return
        if not model.adapters:
            yield made.enter_context(plain(model.path, room)), {"weights": "converted"}
            return
        merged = room / ".merged"
        certificate = merge(model.path, model.adapters, merged)
        if failures := certificate.failures(MergeConfig().max_relative_error):
            raise GateFailedError(
                f"the merged model is not base and adapter: {'; '.join(failures)}", "use a base of float32 weights"
            )
        yield merged, {"weights": "merged", "merge": asdict(certificate)}


def _write_gguf(source: Path, file: Path, dtype: str) -> Certificate:
    """Writes the file, and says what llama.cpp makes of it. GateFailedError where that is not the model."""
    from axiom_cli.learning.training import gguf_certificate, gguf_file, llama_runtime

    gguf_file.write(source, file, dtype)
    if not llama_runtime.is_here():
        return {"dtype": dtype, "llama.cpp": f"not asked: {installation.extra('llamacpp')} installs its runtime"}
    certificate = gguf_certificate.certify(source, file, dtype)
    if failures := certificate.failures:
        hint = "--dtype float32 or auto loses nothing" if dtype not in ("auto", "float32") else gguf_file.OWN_CONVERTER
        raise GateFailedError(f"llama.cpp does not answer from the file as the model does: {'; '.join(failures)}", hint)
    return {"dtype": dtype, "llama.cpp": asdict(certificate)}


def _check_target(folder: Path) -> None:
    """UsageError for anything but a new folder, an empty one, or an earlier export to which nothing was added."""
    if folder.resolve() == Path.cwd():
        raise UsageError(f"{folder} is the folder that you are in", "name a new one")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file", "name a folder")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    known = _earlier(folder)
    if files and not known:
        raise UsageError(f"{folder} is not empty, and not an earlier export", "choose a new folder")
    if added := sorted(files - known):
        raise UsageError(f"{folder} holds {added[0]}, which is not of the earlier export", "move it, or choose another")


def _earlier(folder: Path) -> set[str]:
    """The files of an earlier export; none if there was none."""
    try:
        data = folders.read_json(folder / CERTIFICATE)
    except InputError:
        return set()
    files = data.get("files")
    return {CERTIFICATE, *files} if data.get("kind") == KIND and isinstance(files, dict) else set()


@contextmanager
def _target(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A folder to fill, which takes the place of `folder` at the end, and one for what is needed meanwhile. Nothing is
    left of either if that end is not reached."""
    target = folder.resolve()
    with filling(target, folder) as draft, room_beside(target, folder) as room, explained_write_errors(folder):
        yield draft, room


def _name_ends(draft: Path) -> None:
    """Names in the generation config every token that ends an answer here."""
    from axiom_cli.learning.tokens import tokenizer_of

    path = draft / folders.GENERATION_CONFIG
    config: dict[str, Any] = folders.read_json(path) if path.is_file() else {}
    _, ends = tokenizer_of(Resolved("", "", draft))
    named = config.get("eos_token_id")
    if set(ends) != {named} if isinstance(named, int) else list(ends) != named:
        config["eos_token_id"] = list(ends)
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _certify(draft: Path, model: Resolved, facts: Mapping[str, Any]) -> Certificate:
    """Writes the certificate of what is in `draft`, and returns it."""
    files = sorted(path for path in draft.rglob("*") if path.is_file())
    digests = {path.relative_to(draft).as_posix(): file_digest(path) for path in files}
    certificate = {"kind": KIND, "model": _ref(model), **facts, "files": digests}
    (draft / CERTIFICATE).write_text(json.dumps(certificate, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in (*files, draft / CERTIFICATE):
        os.chmod(path, 0o644)
    return certificate


def _ref(model: Resolved) -> dict[str, str]:
    return {"name": model.name, "digest": model.digest}

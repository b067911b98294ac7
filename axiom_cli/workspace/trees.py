"""Trees: a folder stored as an object whose bytes are a manifest of path -> digest. Checked out when first needed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import orjson

from axiom_cli.errors import InputError, WorkspaceDamagedError
from axiom_cli.ids import canonical
from axiom_cli.workspace.atomic import explained_write_errors, link_or_copy
from axiom_cli.workspace.objects import Objects, absent, short

_HEAD, _TAIL = b'{"files":{', b'},"kind":"tree"}'


def put(objects: Objects, folder: Path) -> str:
    """Stores every file under `folder`, then the manifest; returns the manifest's digest. Raises InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", "name a folder that exists")
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            files[path.relative_to(folder).as_posix()] = objects.put_file(path)
        elif path.is_symlink():
            raise InputError(f"{path} is a link to a folder, or a broken link", "replace the link with a copy")
    if not files:
        raise InputError(f"{folder} contains no files", "name a folder with files")
    return objects.put(canonical({"kind": "tree", "files": files}))


def is_manifest(objects: Objects, digest: str) -> bool:
    """Whether the object is a manifest, judged by its first and last bytes so that large objects are not read."""
    try:
        with objects.path(digest).open("rb") as stream:
            if stream.read(len(_HEAD)) != _HEAD:
                return False
            stream.seek(-len(_TAIL), os.SEEK_END)
            return stream.read() == _TAIL
    except FileNotFoundError:
        raise absent(digest) from None


def files(objects: Objects, digest: str) -> dict[str, str]:
    """The manifest's path -> digest. Raises InputError if the object is not a manifest, WorkspaceDamagedError if a path
    leads out of the folder."""
    if not is_manifest(objects, digest):
        raise InputError(f"object {short(digest)} is not a folder", f"axiom workspace show {short(digest)}")
    manifest: dict[str, str] = orjson.loads(objects.get(digest))["files"]
    for path in map(PurePosixPath, manifest):
        if path.is_absolute() or ".." in path.parts:
            raise WorkspaceDamagedError(f"tree {short(digest)} names a file outside itself: {path}", "do not use it")
    return manifest


def is_checked_out(objects: Objects, files: Mapping[str, str], target: Path) -> bool:
    """Whether `target` holds every file, each of its object's size."""
    try:
        return all((target / p).stat().st_size == objects.path(d).stat().st_size for p, d in files.items())
    except (FileNotFoundError, NotADirectoryError):
        return False


def check_out(objects: Objects, files: Mapping[str, str], target: Path) -> None:
    """Makes `target` the folder of these files, in one step, by hard links if the file system has them. Hashes every
    file first: raises MissingError or WorkspaceDamagedError. The caller holds the tree's lock."""
    sources = {path: objects.verified(digest) for path, digest in files.items()}
    with explained_write_errors(target.parent):
        draft = objects.scratch()
        try:
            for path, source in sources.items():
                (draft / path).parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(source, draft / path)
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

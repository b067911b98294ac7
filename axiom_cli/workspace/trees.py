"""Trees: a folder stored as an object whose bytes are a manifest of path -> digest. Checked out when first needed, as
read-only copies: what happens to them does not happen to the objects.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import orjson

from axiom_cli.errors import InputError, WorkspaceDamagedError
from axiom_cli.files import create, explained_write_errors, is_regular, remove, replace
from axiom_cli.ids import canonical
from axiom_cli.workspace.file_stamps import FileStamps, stamp
from axiom_cli.workspace.objects import CHUNK, Objects, bare, is_digest, short

HEAD, _TAIL = b'{"files":{', b'},"kind":"tree"}'


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
    with objects.open(digest) as stream:
        if stream.read(len(HEAD)) != HEAD:
            return False
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - len(_TAIL)))
        return stream.read() == _TAIL


def files(objects: Objects, digest: str) -> dict[str, str]:
    """The manifest's path -> digest. Raises InputError if the object is not a manifest, and what `parse` raises."""
    if not is_manifest(objects, digest):
        raise InputError(f"object {short(digest)} is not a folder", f"axiom workspace show {short(digest)}")
    return parse(objects.get(digest), digest)


def looks_like_manifest(data: bytes) -> bool:
    """Whether an object of these bytes is a manifest, as `is_manifest` judges it."""
    return data.startswith(HEAD) and data.endswith(_TAIL)


def parse(data: bytes, digest: str) -> dict[str, str]:
    """A manifest's path -> digest. Raises WorkspaceDamagedError if it does not say which file has which digest, or if a
    path leads out of the folder."""
    hint = "axiom workspace fsck --repair sets it aside; then run the command that made it"
    try:
        manifest: dict[str, str] = orjson.loads(data)["files"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        manifest = {}
    if not isinstance(manifest, dict) or not manifest or not all(map(is_digest, manifest.values())):
        raise WorkspaceDamagedError(f"tree {short(digest)} is damaged: it does not list files and their digests", hint)
    for name in manifest:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise WorkspaceDamagedError(f"tree {short(digest)} names a file outside itself: {name!r}", hint)
        if str(path) != name or name == "." or "\0" in name or any(str(above) in manifest for above in path.parents):
            raise WorkspaceDamagedError(f"tree {short(digest)} names a file that cannot be there: {name!r}", hint)
    return manifest


def is_checked_out(objects: Objects, files: Mapping[str, str], target: Path) -> bool:
    """Whether `target` holds a copy of every file, each of its object's size, and nothing else. Earlier versions made
    links."""
    if found(target) != set(files):
        return False
    try:
        pairs = [((target / path).lstat(), objects.path(digest).lstat()) for path, digest in files.items()]
    except (FileNotFoundError, NotADirectoryError):
        return False
    return all(copy.st_size == source.st_size and copy.st_ino != source.st_ino for copy, source in pairs)


def found(folder: Path) -> set[str]:
    """The paths of everything in a folder but real folders that hold something, and the folder itself where it is not a
    real one: a link is found, and not followed."""
    if folder.is_symlink() or not folder.is_dir():
        return {"."}
    paths: set[str] = set()
    for place, folders, names in os.walk(folder):
        inside = Path(place)
        if not folders and not names:
            paths.add(inside.relative_to(folder).as_posix() + "/")
        links = [name for name in folders if (inside / name).is_symlink()]
        paths |= {(inside / name).relative_to(folder).as_posix() for name in (*names, *links)}
        paths |= {
            (inside / name).relative_to(folder).as_posix() + "/" for name in names if not is_regular(inside / name)
        }
    return paths


def check_out(objects: Objects, files: Mapping[str, str], target: Path, stamps: FileStamps) -> None:
    """Makes `target` the folder of these files, in one step. Hashes every file as it is copied: raises MissingError or
    WorkspaceDamagedError. The caller holds the tree's lock."""
    with explained_write_errors(target.parent):
        draft = objects.scratch()
    try:
        for path, digest in files.items():
            before = _copied(objects, digest, draft / path)
            stamps.add(objects.path(digest), digest, before)
        with explained_write_errors(target.parent):
            remove(target)
            replace(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for path, digest in files.items():
        stamps.add(target / path, digest, stamp(target / path))


def _copied(objects: Objects, digest: str, copy: Path) -> list[int]:
    """The stamp of the object when its copying to the read-only file `copy` began."""
    sha = hashlib.sha256()
    with objects.open(digest) as stream, explained_write_errors(objects.folder.parent):
        before = stamp(objects.path(digest))
        copy.parent.mkdir(parents=True, exist_ok=True)
        with create(copy, objects.folder.parent, 0o444) as out:
            while chunk := stream.read(CHUNK):
                sha.update(chunk)
                out.write(chunk)
        copy.chmod(0o444)
    if sha.hexdigest() != bare(digest):
        raise objects.damaged(digest)
    return before


def verify(objects: Objects, files: Mapping[str, str], target: Path, stamps: FileStamps) -> None:
    """Hashes what has changed of the objects and of their copies in `target` since it was last hashed.
    WorkspaceDamagedError where one is not what it was."""
    for path, digest in files.items():
        if stamps.digest(objects.path(digest)) != bare(digest):
            raise objects.damaged(digest)
        if stamps.digest(target / path) != bare(digest):
            hint = "axiom workspace fsck --repair removes it; it is made again when it is needed"
            raise WorkspaceDamagedError(f"the file {target / path} is damaged: it is not what was stored", hint)

"""A name with everything behind it as one file: what it points to, the receipts that made that, and what those used.

docs/formats.md has every byte. A bundle is read as data, and nothing is stored before all of it has been verified.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from axiom_cli import jsonl
from axiom_cli.errors import InputError, NoWorkspaceError, UsageError, WorkspaceDamagedError
from axiom_cli.records import KINDS, Record
from axiom_cli.workspace import receipts, refs, trees
from axiom_cli.workspace.gc import EVICTABLE
from axiom_cli.workspace.objects import CHUNK, absent, bare, is_digest, short
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace

FORMAT = 1
LONGEST = 1 << 26
"""Bytes of a receipt, of a name, or of a tree's manifest."""
_MARK, _END = "axiom bundle ", "end"
_ENTRY = re.compile(r"(?P<kind>objects|receipts|refs)/(?P<name>[A-Za-z0-9._@-]+) (?P<size>0|[1-9][0-9]{0,14})\n")
_ORDER = ("objects", "receipts", "refs")
_AGAIN = "get the file again, or have it written again by axiom workspace export --bundle"


@dataclass(frozen=True)
class Contents:
    """What a bundle holds: the digests of objects, the receipts, and name -> digest."""

    objects: list[str]
    receipts: list[Receipt]
    names: dict[str, str]


def behind(workspace: Workspace, name: str) -> Contents:
    """Everything behind what `name` points to: the objects and receipts of its whole origin. Of those, weights that gc
    has freed are left out: their receipts say how they are made again. Raises MissingError if it is not here itself."""
    digest, makers = workspace.resolve(name), workspace.makers()
    if not workspace.has(digest):
        raise absent(digest)
    objects: dict[str, None] = {}
    made_by: dict[str, Receipt] = {}
    for step in receipts.origin(digest, lambda made: makers.get(made), lambda made: _models_of(workspace, made)):
        outputs = step.receipt.outputs.values() if step.receipt else ()
        if step.receipt and (step.receipt.stage in EVICTABLE or all(map(workspace.has, outputs))):
            made_by[step.receipt.id] = step.receipt
        for made in filter(is_digest, (step.digest, *outputs)):
            if workspace.objects.has(made):
                objects[bare(made)] = None
                members = workspace.tree(made).values() if workspace.is_tree(made) else ()
                objects |= {bare(file): None for file in members if workspace.objects.has(file)}
    names = {ref: to for ref, to in workspace.refs().items() if to == digest}
    return Contents(sorted(objects), [made_by[receipt_id] for receipt_id in sorted(made_by)], names)


def _models_of(workspace: Workspace, digest: str) -> list[tuple[str, str]]:
    """The models in an object's records, those that are here."""
    if not is_digest(digest) or workspace.kind(digest) != "records":
        return []
    models: dict[str, None] = {}
    try:
        for record in workspace.get_records(digest, *KINDS.values()):
            models |= dict.fromkeys(_digests(record))
    except InputError:  # JSON lines of another program
        return []
    return [("model", model) for model in models if workspace.objects.has(model)]


def _digests(record: Record) -> Iterator[str]:
    for name in record.parents:
        if isinstance(part := getattr(record, name), Record):
            yield from _digests(part)
    if is_digest(digest := getattr(record, "digest", None)):
        yield str(digest)


def write(workspace: Workspace, name: str, target: Path) -> Contents:
    """Writes `name` with everything behind it to the file `target`, every object hashed again. UsageError if there is
    one already that is not a bundle."""
    if target.exists() and not (target.is_file() and is_bundle(target)):
        raise UsageError(f"{target} already exists", "give a new path; only a bundle is replaced")
    contents = behind(workspace, name)
    sha = hashlib.sha256()
    with jsonl.atomic(target) as out:

        def put(data: bytes) -> None:
            sha.update(data)
            out.write(data)

        put(f"{_MARK}{FORMAT}\n".encode())
        for digest in contents.objects:
            with workspace.objects.verified(digest) as stream:
                put(f"objects/{digest} {os.fstat(stream.fileno()).st_size}\n".encode())
                while chunk := stream.read(CHUNK):
                    put(chunk)
        small = [(f"receipts/{receipt.id}", receipts.encode(receipt)) for receipt in contents.receipts]
        small += [(f"refs/{receipt}", refs.line(digest)) for receipt, digest in contents.names.items()]
        for place, data in small:
            put(f"{place} {len(data)}\n".encode() + data)
        out.write(f"{_END} {sha.hexdigest()}\n".encode())
    return contents


def is_bundle(file: Path) -> bool:
    """Whether a file begins as a bundle does."""
    with _opened(file) as stream:
        return stream.read(len(_MARK)) == _MARK.encode()


def read(workspace: Workspace, source: Path) -> Contents:
    """Stores what the bundle `source` holds. What is here already stays.

    Raises InputError for what is not a whole bundle and NoWorkspaceError for one of a newer format; UsageError for a
    name that points elsewhere here. Nothing is stored then.
    """
    with _opened(source) as stream:
        contents = _verified(stream, source)
        taken = workspace.refs()
        for name, digest in contents.names.items():
            if taken.get(name, digest) != digest:
                hint = f"axiom workspace import {source} --workspace DIR puts it into another workspace"
                raise UsageError(f"the name {name} is taken: it points to {short(taken[name])} here", hint)
        stream.seek(0)
        with workspace.prepared().writer():
            for kind, name, size in _entries(stream, source, whole := hashlib.sha256()):
                chunks = _chunks(stream, size, whole)
                if kind == "objects" and workspace.objects.put_chunks(chunks) != name:
                    raise _damaged(source, "it has changed meanwhile")
                for _ in chunks:  # read already, and stored below
                    pass
            workspace.restore(contents.receipts)
            for name, digest in contents.names.items():
                workspace.set_ref(name, digest)
    return contents


def _opened(source: Path) -> BinaryIO:
    try:
        if not source.is_file():
            raise InputError(f"{source} is not a file", "name a file that axiom workspace export --bundle wrote")
        return source.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}", "check the path and its permissions") from None


def _damaged(source: Path, why: str) -> InputError:
    return InputError(f"{source} is not a whole bundle: {why}", _AGAIN)


def _chunks(stream: BinaryIO, size: int, sha: hashlib._Hash) -> Iterator[bytes]:
    """The next `size` bytes of a stream, or fewer where it ends; added to `sha`."""
    while size and (chunk := stream.read(min(size, CHUNK))):
        size -= len(chunk)
        sha.update(chunk)
        yield chunk


def _entries(stream: BinaryIO, source: Path, sha: hashlib._Hash) -> Iterator[tuple[str, str, int]]:
    """(kind, name, size) of each entry, whose bytes are then to be read and added to `sha`. Raises InputError if they
    are not in order, or if the end does not hold the digest of everything before it."""
    first = stream.readline(len(_MARK) + 8)
    version = first.decode("ascii", "replace").removeprefix(_MARK).removesuffix("\n")
    if not first.startswith(_MARK.encode()) or not version.isdecimal():
        raise InputError(f"{source} is not a bundle", "axiom workspace export NAME FILE --bundle writes one")
    if int(version) > FORMAT:
        message = f"{source} has the format {version}; this version of axiom reads formats up to {FORMAT}"
        raise NoWorkspaceError(message, "install a newer version of axiom")
    sha.update(first)
    before = (-1, "")
    while line := stream.readline(300):
        entry = _ENTRY.fullmatch(line.decode("ascii", "replace"))
        if not entry:
            break
        sha.update(line)
        place = (_ORDER.index(entry["kind"]), entry["name"])
        if place <= before:
            raise _damaged(source, f"{entry['kind']}/{entry['name']} is not in its place")
        before = place
        yield entry["kind"], entry["name"], int(entry["size"])
    if line != f"{_END} {sha.hexdigest()}\n".encode() or stream.read(1):
        raise _damaged(source, "it is cut off, or bytes of it have changed")


def _verified(stream: BinaryIO, source: Path) -> Contents:
    """What is in the file, after hashing all of it. InputError if anything is not what its name says, or if a name or a
    receipt leads to nothing."""
    whole = hashlib.sha256()
    objects: dict[str, None] = {}
    receipts_read: list[Receipt] = []
    names: dict[str, str] = {}
    for kind, name, size in _entries(stream, source, whole):
        sha, data = hashlib.sha256(), b""
        for chunk in _chunks(stream, size, whole):
            sha.update(chunk)
            if len(data) <= LONGEST and (kind != "objects" or data or chunk.startswith(trees.HEAD)):
                data += chunk
        try:
            if kind == "objects":
                if sha.hexdigest() != name:
                    raise _damaged(source, f"the object {short(name)} is not the one that its name says")
                if len(data) == size and trees.looks_like_manifest(data):
                    trees.parse(data, name)
                objects[name] = None
            elif size > LONGEST:
                raise _damaged(source, f"{kind}/{name} has {size:,} bytes")
            elif kind == "receipts":
                receipts_read.append(receipts.decode(data, name))
            elif not refs.is_name(name):
                raise _damaged(source, f"{name!r} is not a name")
            else:
                names[name] = refs.parse(data, name)
        except WorkspaceDamagedError as error:
            raise _damaged(source, str(error)) from None
    if lost := next((name for name, digest in names.items() if digest not in objects), None):
        raise _damaged(source, f"the name {lost} leads to nothing in it")
    for receipt in receipts_read:
        if receipt.stage not in EVICTABLE and not set(map(bare, receipt.outputs.values())) <= objects.keys():
            raise _damaged(source, f"the receipt {receipt.id[:12]} leads to nothing in it")
    return Contents(list(objects), receipts_read, names)

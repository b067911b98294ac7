"""Names that move: `myrun`, `myrun@3`, `myrun@best`. One file per name, holding one line: `sha256:` and the digest."""

from __future__ import annotations

import re
from pathlib import Path

from axiom_cli.errors import MissingError, UsageError, WorkspaceDamagedError, did_you_mean
from axiom_cli.files import read_regular
from axiom_cli.workspace.objects import bare

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(@[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_LINE = re.compile(r"sha256:[0-9a-f]{64}\n")


def is_name(name: str) -> bool:
    """Whether `name` is spelled as a ref's name must be."""
    return NAME.fullmatch(name) is not None


def path(folder: Path, name: str) -> Path:
    """The file of `name`. Raises UsageError if the spelling is not allowed."""
    if not is_name(name):
        hint = "use letters, digits, dots, dashes and underscores: myrun, myrun@3, myrun@best"
        raise UsageError(f"{name!r} is not a valid name", hint)
    return folder / name


def line(digest: str) -> bytes:
    """What a ref's file holds."""
    return f"sha256:{bare(digest)}\n".encode()


def load(path: Path) -> str:
    """The digest in a ref's file. Raises WorkspaceDamagedError."""
    return parse(read_regular(path), str(path))


def parse(data: bytes, where: str) -> str:
    """The digest in the bytes of a ref's file, which lies at `where`. Raises WorkspaceDamagedError."""
    text = data.decode("utf-8", "replace")
    if not _LINE.fullmatch(text):
        name = where.rpartition("/")[2]
        raise WorkspaceDamagedError(f"the name {name} is damaged: {where}", "delete that file, then set the name again")
    return bare(text.strip())


def load_all(folder: Path) -> dict[str, str]:
    """Every name -> digest, sorted by name."""
    return {file.name: load(file) for file in sorted(folder.glob("*")) if is_name(file.name)}


def lookup(folder: Path, name: str) -> str:
    """The digest of `name`; `myrun` alone also means `myrun@best`, or else the last `myrun@N`. Raises MissingError."""
    for candidate in (name,) if "@" in name else (name, f"{name}@best"):
        if path(folder, candidate).is_file():
            return load(folder / candidate)
    known = load_all(folder)
    rounds = [ref for ref in known if re.fullmatch(rf"{re.escape(name)}@[0-9]+", ref)]
    if rounds:
        return known[max(rounds, key=lambda ref: int(ref.rpartition("@")[2]))]
    hint = did_you_mean(name, known, "axiom workspace ls lists what is there")
    raise MissingError(f"nothing in the workspace is called {name}", hint)

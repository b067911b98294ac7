"""Names that move: `myrun`, `myrun@3`, `myrun@best`. A file a name, one line each: `sha256:` and the digest."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from axiom_cli.errors import MissingError, UsageError, WorkspaceDamagedError
from axiom_cli.workspace.objects import bare

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(@[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_LINE = re.compile(r"sha256:[0-9a-f]{64}\n")


def is_name(name: str) -> bool:
    """Whether `name` can be a ref's."""
    return _NAME.fullmatch(name) is not None


def path(folder: Path, name: str) -> Path:
    """The file of `name`. Raises UsageError if it can be no name."""
    if not is_name(name):
        hint = "a name is letters, digits, dots and dashes: myrun, myrun@3, myrun@best"
        raise UsageError(f"{name!r} is no name", hint)
    return folder / name


def line(digest: str) -> bytes:
    """What a ref's file holds."""
    return f"sha256:{bare(digest)}\n".encode()


def load(path: Path) -> str:
    """The digest in a ref's file. Raises WorkspaceDamagedError."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if not _LINE.fullmatch(text):
        raise WorkspaceDamagedError(
            f"the name {path.name} is damaged: {path}", "delete that file and set the name again"
        )
    return bare(text.strip())


def everything(folder: Path) -> dict[str, str]:
    """Every name -> digest, in order."""
    return {one.name: load(one) for one in sorted(folder.glob("*")) if is_name(one.name)}


def lookup(folder: Path, name: str) -> str:
    """The digest of `name`; `myrun` alone is also `myrun@best`, else the last `myrun@N`. Raises MissingError."""
    for one in (name,) if "@" in name else (name, f"{name}@best"):
        if path(folder, one).is_file():
            return load(folder / one)
    known = everything(folder)
    rounds = [one for one in known if re.fullmatch(rf"{re.escape(name)}@[0-9]+", one)]
    if rounds:
        return known[max(rounds, key=lambda one: int(one.rpartition("@")[2]))]
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}?" if close else "axiom workspace ls shows what is there"
    raise MissingError(f"nothing is called {name} in the workspace", hint)

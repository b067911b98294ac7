"""The formats of rows, by name: to add one, a file here and a line in FORMATS."""

from __future__ import annotations

from collections.abc import Mapping

from axiom_cli.errors import UsageError
from axiom_cli.importing import formats
from axiom_cli.importing.imported import Format

FORMATS: Mapping[str, Format] = {
    **formats.FORMATS,
}


def format_of(name: str) -> Format:
    """The format called `name`. Raises UsageError if there is none."""
    if name not in FORMATS:
        raise UsageError(f"no import format called {name!r}", f"--as {', '.join(FORMATS)}")
    return FORMATS[name]

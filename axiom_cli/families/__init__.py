"""Problem families. To add one: a file here and a line in BUILT_IN; from outside, an `axiom.families` entry point."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import import_module, metadata
from types import MappingProxyType

from axiom_cli.errors import MissingError
from axiom_cli.families.family import Family

GROUP = "axiom.families"
BUILT_IN = MappingProxyType(
    {
        "arithmetic": "axiom_cli.families.arithmetic:Arithmetic",
        "rpn": "axiom_cli.families.rpn:Rpn",
        "parentheses": "axiom_cli.families.parentheses:Parentheses",
        "list_ops": "axiom_cli.families.list_ops:ListOps",
        "colouring": "axiom_cli.families.colouring:Colouring",
    }
)


@cache
def _plug_ins() -> dict[str, metadata.EntryPoint]:
    return {entry.name: entry for entry in metadata.entry_points(group=GROUP) if entry.name not in BUILT_IN}


def names() -> list[str]:
    """Every family there is: the built-in ones in the order of the table, then plug-ins by name."""
    return [*BUILT_IN, *sorted(_plug_ins())]


@cache
def get(name: str) -> Family:
    """The family called `name`. Raises MissingError, with the closest name there is as its hint."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)()
    if name in _plug_ins():
        return _load(_plug_ins()[name])
    close = difflib.get_close_matches(name, names(), n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names())}"
    raise MissingError(f"no family called {name!r}", hint)


def _load(entry: metadata.EntryPoint) -> Family:
    try:
        family = entry.load()()
    except (ImportError, AttributeError) as error:
        raise MissingError(f"the plug-in family {entry.name!r} ({entry.value}) does not load: {error}") from error
    if not isinstance(family, Family) or family.name != entry.name:
        raise MissingError(f"the plug-in {entry.value} is no family called {entry.name!r}")
    return family

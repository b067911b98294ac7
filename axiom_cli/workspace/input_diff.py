"""Why two objects differ: the settings and the inputs, however far back, in which what made them differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from axiom_cli import json_codec
from axiom_cli.ids import canonical
from axiom_cli.workspace.objects import is_digest, short
from axiom_cli.workspace.receipts import Receipt, flat
from axiom_cli.workspace.store import Workspace

MOST = 200
"""Differences that are listed; two runs that share nothing have no end of them."""


@dataclass(frozen=True)
class Cause:
    """A difference that no other one explains: at the end of `path`, the names of inputs that lead to it from the
    object. `sign` is `-` for what only the first has, `+` for what only the second has, `~` for what changed."""

    path: tuple[str, ...]
    sign: str
    what: str

    def __str__(self) -> str:
        return " < ".join([*self.path, self.what])


def causes(workspace: Workspace, first: str, second: str) -> list[Cause]:
    """The differences behind two objects. Where both were made by one stage, its settings and inputs are compared, and
    so on with those inputs that differ; what no receipt tells more about is a difference of its own. Each pair of
    objects is looked at once. Raises what `Workspace.resolve` raises."""
    makers, seen = workspace.makers(), set[tuple[str, str]]()
    differences: list[Cause] = []
    waiting: list[tuple[tuple[str, ...], str, str]] = [((), workspace.resolve(first), workspace.resolve(second))]
    while waiting and len(differences) < MOST:
        path, one, other = waiting.pop()
        if one == other or (one, other) in seen:
            continue
        seen.add((one, other))
        made = [next(iter(makers.get(digest)), None) if is_digest(digest) else None for digest in (one, other)]
        if made[0] is None or made[1] is None or made[0].stage != made[1].stage:
            differences.append(
                Cause(path, "~", " -> ".join(_named(*pair) for pair in zip((one, other), made, strict=True)))
            )
            continue
        differences += [Cause(path, *change) for change in _settings(made[0], made[1])]
        for name, a, b in _inputs(made[0], made[1]):
            if a and b:
                waiting.append(((*path, name), a, b))
            else:
                differences.append(
                    Cause((*path, name), "-" if a else "+", short(a or b) if is_digest(a or b) else a or b)
                )
    return sorted(differences, key=lambda cause: (len(cause.path), cause.path, cause.what))


def _named(digest: str, made: Receipt | None) -> str:
    name = short(digest) if is_digest(digest) else digest
    return f"{name} (by {made.stage})" if made else name


def _settings(one: Receipt, other: Receipt) -> Iterator[tuple[str, str]]:
    a, b = (_told(receipt) for receipt in (one, other))
    for key in sorted({*a, *b}):
        if key not in b:
            yield "-", f"{key} {json_codec.text(a[key])} ({one.stage})"
        elif key not in a:
            yield "+", f"{key} {json_codec.text(b[key])} ({one.stage})"
        elif canonical(a[key]) != canonical(b[key]):
            yield "~", f"{key} {json_codec.text(a[key])} -> {json_codec.text(b[key])} ({one.stage})"


def _told(receipt: Receipt) -> dict[str, Any]:
    recipe: Mapping[str, Any] = receipt.recipe
    return {"version": recipe["version"], **dict(flat({"config": recipe["config"]}))}


def _inputs(one: Receipt, other: Receipt) -> Iterator[tuple[str, str, str]]:
    """(name, digest of the first, digest of the second) of each input; empty where one has no such input. The items of
    a list are paired by their place."""
    a, b = (receipt.recipe["inputs"] for receipt in (one, other))
    for name in sorted({*a, *b}):
        left, right = (value if isinstance(value, list) else [value] for value in (a.get(name, []), b.get(name, [])))
        numbered = max(len(left), len(right)) > 1
        for place, pair in enumerate(zip_longest(left, right, fillvalue=""), 1):
            yield f"{name} {place}" if numbered else name, *pair

"""Receipts: what was made, by which recipe, from what. They point backwards, so an object's origin can be read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import WorkspaceDamagedError
from axiom_cli.files import in_disk_order, open_to_list, read_regular
from axiom_cli.ids import canonical, content_id
from axiom_cli.workspace.objects import bare, is_digest

_STAGE = re.compile(r"[a-z][a-z0-9_-]*")
_KEYS = {"stage", "version", "config", "inputs"}


def normal(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe as JSON gives it back, with bare digests: {stage, version, config, inputs: {name: digest(s)}}.

    An input is a digest, or any other string that identifies something for certain. Raises ValueError, which is a bug
    in the caller.
    """
    if set(recipe) != _KEYS:
        raise ValueError(f"a recipe has {sorted(_KEYS)}, not {sorted(recipe)}")
    plain: dict[str, Any] = json_codec.loads(canonical(dict(recipe)))
    if not _STAGE.fullmatch(plain["stage"]) or not isinstance(plain["version"], int):
        raise ValueError(f"bad stage {plain['stage']!r} or version {plain['version']!r}")
    plain["inputs"] = {name: _bare_input(name, value) for name, value in plain["inputs"].items()}
    return plain


def _bare_input(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_bare_input(name, item) for item in value]
    if not isinstance(value, str):
        raise ValueError(f"input {name} is {value!r:.40}, not a digest")
    return bare(value)


def recipe_id(recipe: Mapping[str, Any]) -> str:
    """The recipe's content id, under which its receipt is stored."""
    return content_id(normal(recipe))


@dataclass(frozen=True)
class Receipt:
    """What a recipe made: `outputs` are digests of stored objects, `facts` any other JSON values.

    `receipt["name"]` looks in both. `made` (UTC) and `seconds` are observed, and do not count for equality.
    """

    recipe: Mapping[str, Any]
    outputs: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    made: str = field(default="", compare=False)
    seconds: float = field(default=0.0, compare=False)

    def __getitem__(self, name: str) -> Any:
        return self.outputs[name] if name in self.outputs else self.facts[name]

    @property
    def id(self) -> str:
        """The recipe's content id."""
        return content_id(self.recipe)

    @property
    def stage(self) -> str:
        """The stage that made it."""
        return str(self.recipe["stage"])

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """(name, digest) of everything it was made from; a list of digests gives one pair each."""
        inputs = self.recipe["inputs"].items()
        return [(name, digest) for name, value in inputs for digest in (value if isinstance(value, list) else [value])]

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, ready for JSON."""
        body = {"recipe": self.recipe, "outputs": self.outputs, "facts": self.facts}
        return {"kind": "receipt", "id": self.id, **body, "made": self.made, "seconds": self.seconds}


def split(made: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """What a stage returned, as (digests of stored objects, other facts)."""
    outputs = {name: bare(value) for name, value in made.items() if is_digest(value)}
    facts = {name: value for name, value in made.items() if name not in outputs}
    return outputs, json_codec.loads(canonical(facts))


def encode(receipt: Receipt) -> bytes:
    """The receipt's file: canonical JSON with its own checksum, and a newline."""
    body = receipt.to_dict()
    return canonical({**body, "sum": content_id(body)}) + b"\n"


def decode(data: bytes, name: str) -> Receipt:
    """The receipt of the id `name` in `data`. Raises WorkspaceDamagedError if its checksum does not match, or if it is
    another's."""
    try:
        body = json_codec.loads(data)
        intact = body.pop("sum") == content_id(body) and body["id"] == content_id(body["recipe"]) and _is_whole(body)
    except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
        intact = False
    if not intact:
        hint = "run axiom workspace fsck --repair to set it aside, then the command that wrote it"
        raise WorkspaceDamagedError(f"receipt {name} is damaged", hint)
    if body["id"] != name:
        hint = "axiom workspace fsck --repair sets it aside"
        raise WorkspaceDamagedError(f"receipt {name} is damaged: it is that of another recipe", hint)
    return Receipt(body["recipe"], body["outputs"], body["facts"], body["made"], body["seconds"])


def _is_whole(body: Mapping[str, Any]) -> bool:
    """Whether every part is of the type that `encode` writes: a checksum only says that nothing has changed since."""
    recipe, outputs = body["recipe"], body["outputs"]
    return (
        set(recipe) == _KEYS
        and _STAGE.fullmatch(recipe["stage"]) is not None
        and isinstance(recipe["version"], int)
        and isinstance(recipe["config"], dict)
        and all(map(_is_input, recipe["inputs"].values()))
        and all(map(is_digest, outputs.values()))
        and isinstance(body["facts"], dict)
        and isinstance(body["made"], str)
        and isinstance(body["seconds"], (int, float))
    )


def _is_input(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def load(path: Path) -> Receipt:
    """The receipt in a file, which is named by its recipe's id. Raises FileNotFoundError, WorkspaceDamagedError."""
    return decode(read_regular(path), path.stem)


def load_all(folder: Path) -> Iterator[Receipt]:
    """Every receipt in a folder, in any order."""
    return (decode(data, name) for name, data in read_all(folder))


def read_all(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The name, which should be its id, and the bytes of every receipt in a folder, in any order. Raises as `load`
    does."""
    with suppress(FileNotFoundError):
        handle = open_to_list(folder)
        try:
            for name in in_disk_order(handle, lambda entry: entry.name.endswith(".json")):
                yield name.removesuffix(".json"), read_regular(folder / name, folder=handle)
        finally:
            os.close(handle)


@dataclass(frozen=True)
class OriginStep:
    """One step of an object's origin: at `depth`, the object `digest`, called `name` by what used it, and what made it.

    `receipt` is None if nothing here made it. An object that several recipes made has one step for each, of which only
    one is `first`. `repeated` means that its own origin was listed further up.
    """

    depth: int
    name: str
    digest: str
    receipt: Receipt | None = None
    first: bool = True
    repeated: bool = False


def origin(
    digest: str,
    made_by: Callable[[str], Iterable[Receipt]],
    inside: Callable[[str], Iterable[tuple[str, str]]] = lambda _digest: (),
) -> Iterator[OriginStep]:
    """The whole chain behind an object, nearest first, each object expanded once. Not recursive: chains may be long.

    `inside` returns (name, digest) of what an object's own content says that it came from, besides its receipts.
    """
    pending, expanded = [(0, "", bare(digest))], set()
    while pending:
        depth, name, current = pending.pop()
        if current in expanded:
            yield OriginStep(depth, name, current, repeated=True)
            continue
        expanded.add(current)
        receipts = list(made_by(current))
        inputs = dict.fromkeys([pair for receipt in receipts for pair in receipt.inputs] + list(inside(current)))
        for number, receipt in enumerate(receipts or [None]):
            yield OriginStep(depth, name, current, receipt, first=number == 0)
        pending += [(depth + 1, *pair) for pair in reversed(inputs)]


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested mappings, each with the names that lead to it: {"config": {"lr": 1}} -> config.lr."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value

"""Receipts: what was made, by which recipe, from what. They point backward, so an object's whole origin can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import WorkspaceDamagedError
from axiom_cli.ids import canonical, content_id
from axiom_cli.workspace.objects import bare, is_digest

_KEYS = {"stage", "version", "config", "inputs"}


def normal(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe as JSON gives it back, its digests bare: {stage, version, config, inputs: {name: digest(s)}}.

    ValueError is a bug in the caller. An input is a digest, or any other string that names something for certain.
    """
    if set(recipe) != _KEYS:
        raise ValueError(f"a recipe has {sorted(_KEYS)}, not {sorted(recipe)}")
    plain = json_codec.loads(canonical(dict(recipe)))
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", plain["stage"]) or not isinstance(plain["version"], int):
        raise ValueError(f"bad stage {plain['stage']!r} or version {plain['version']!r}")
    plain["inputs"] = {name: _bare_input(name, value) for name, value in plain["inputs"].items()}
    return plain


def _bare_input(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_bare_input(name, one) for one in value]
    if not isinstance(value, str):
        raise ValueError(f"input {name} is {value!r:.40}, not a digest")
    return bare(value)


def recipe_id(recipe: Mapping[str, Any]) -> str:
    """The name under which the recipe's receipt is kept."""
    return content_id(normal(recipe))


@dataclass(frozen=True)
class Receipt:
    """What making a recipe gave: `outputs` are digests of stored objects, `facts` any other JSON value.

    `receipt["name"]` is either. `made` (UTC) and `seconds` were merely observed.
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
        """Which stage made it."""
        return self.recipe["stage"]

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """(name, digest) of everything it was made from; a list of digests gives a pair each."""
        pairs = []
        for name, value in self.recipe["inputs"].items():
            pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
        return pairs

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, ready for JSON."""
        body = {"recipe": self.recipe, "outputs": self.outputs, "facts": self.facts}
        return {"kind": "receipt", "id": self.id, **body, "made": self.made, "seconds": self.seconds}


def split(made: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """What a maker returned, as (digests of stored objects, other facts)."""
    outputs = {name: bare(value) for name, value in made.items() if is_digest(value)}
    facts = {name: value for name, value in made.items() if name not in outputs}
    return outputs, json_codec.loads(canonical(facts))


def encode(receipt: Receipt) -> bytes:
    """The receipt's file: canonical JSON with its own checksum, and a newline."""
    body = receipt.to_dict()
    return canonical({**body, "sum": content_id(body)}) + b"\n"


def decode(data: bytes, name: str) -> Receipt:
    """The receipt in the file `name`. Raises WorkspaceDamagedError unless it is what was written there."""
    try:
        body = json_codec.loads(data)
        whole = body.pop("sum") == content_id(body) and body["id"] == content_id(body["recipe"])
    except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
        whole = False
    if not whole:
        hint = "axiom workspace fsck --repair sets it aside; then the command that wrote it makes it again"
        raise WorkspaceDamagedError(f"receipt {name} is damaged", hint)
    return Receipt(body["recipe"], body["outputs"], body["facts"], body["made"], body["seconds"])


def load(path: Path) -> Receipt:
    """The receipt in a file. Raises FileNotFoundError, WorkspaceDamagedError."""
    return decode(path.read_bytes(), path.stem)


@dataclass(frozen=True)
class Step:
    """One line of an origin: at `depth`, the object `digest`, called `name` by what used it, and what made it.

    `receipt` is None where nothing here made it (given from outside). An object that several recipes made has a step
    for each, the later ones not `first`; `repeated` says that its own origin is told further up.
    """

    depth: int
    name: str
    digest: str
    receipt: Receipt | None = None
    first: bool = True
    repeated: bool = False


def _nothing(digest: str) -> Iterable[tuple[str, str]]:
    return ()


def origin(
    digest: str,
    made_by: Callable[[str], Iterable[Receipt]],
    inside: Callable[[str], Iterable[tuple[str, str]]] = _nothing,
) -> Iterator[Step]:
    """The whole chain behind an object, nearest first, each object told once. No recursion: chains may be long.

    `inside` names what an object itself says that it came from, beside its receipts: (name, digest).
    """
    waiting, told = [(0, "", bare(digest))], set()
    while waiting:
        depth, name, one = waiting.pop()
        if one in told:
            yield Step(depth, name, one, repeated=True)
            continue
        told.add(one)
        receipts = list(made_by(one))
        inputs = dict.fromkeys([pair for receipt in receipts for pair in receipt.inputs] + list(inside(one)))
        for number, receipt in enumerate(receipts or [None]):
            yield Step(depth, name, one, receipt, first=number == 0)
        waiting += [(depth + 1, *pair) for pair in reversed(inputs)]

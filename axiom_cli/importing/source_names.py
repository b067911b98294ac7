"""What `--problems` says: names of sources of problems, each with levels and a weight if it has them.

arithmetic,rpn:4-8          families, one of them at levels of its own
arithmetic*2,mine.csv       of every three problems, two from the family
handwritten,gym:NAME        problems that come with axiom, a data set of reasoning-gym
hub:OWNER/NAME,folder/      data sets; hub:OWNER/NAME:SUBSET
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from axiom_cli.errors import InputError, MissingError, UsageError, did_you_mean
from axiom_cli.importing.readers import READERS, suffix
from axiom_cli.problems import families
from axiom_cli.problems.families import draw, handwritten

Kind = Literal["family", "handwritten", "file", "data set"]
HUB = "hub:"
LEVELS_BEHIND = re.compile(r"(.+):(-?\d+(?:-\d*)?)")
DATA = (*READERS, ".arrow")
NO_SOURCE = "axiom problems list shows the families; a data set of the hub is written hub:OWNER/NAME"
EXAMPLE = "arithmetic,rpn:4-8,mine.csv*2"


@dataclass(frozen=True)
class SourceName:
    """One source: its `name` as it is looked up, what `kind` it is of, the `levels` asked of it (None: all that are
    wanted), and the `weight` of its problems among those of other sources."""

    name: str
    kind: Kind
    levels: Sequence[int] | None = None
    weight: float = 1.0

    def __str__(self) -> str:
        """The name, and the weight if it is not 1."""
        return self.name if self.weight == 1 else f"{self.name}*{self.weight:g}"

    @property
    def stem(self) -> str:
        """The family of a file's rows that name none: `mine` for `data/mine.csv.gz`."""
        name = Path(self.name.removeprefix(HUB)).name
        return name.removesuffix(".gz").removesuffix(suffix(name)) or name


def parse(text: str, option: str = "--problems") -> list[SourceName]:
    """The sources that a comma-separated list names, each once, in order.

    Raises UsageError for an empty name, a weight that is not above 0, levels that are not between 1 and 10, and one
    source named twice in different ways; MissingError for a family that there is not; InputError for a file.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        named = "names nothing" if not any(parts) else f"{text!r} has an empty name in it"
        raise UsageError(f"{option} {named}", f"{option} {EXAMPLE}")
    sources: dict[str, SourceName] = {}
    for part in dict.fromkeys(parts):
        source = _parse_one(part, option)
        earlier = sources.setdefault(source.name, source)
        if earlier is not source and earlier != source:
            raise UsageError(f"{option} {text}: {source.name} is named twice", "name it once, with one range of levels")
    return list(sources.values())


def _parse_one(part: str, option: str) -> SourceName:
    name, weight = _weight(part, option)
    if name == handwritten.FAMILY:
        return SourceName(name, "handwritten", None, weight)
    if name in families.names():
        return SourceName(name, "family", None, weight)
    name, levels = _levels(name)
    return SourceName(name, _kind(name), levels, weight)


def _weight(part: str, option: str) -> tuple[str, float]:
    name, star, number = (piece.strip() for piece in part.rpartition("*"))
    if not star or Path(part).exists():
        return part, 1.0
    try:
        weight = float(number)
    except ValueError:
        weight = 0.0
    if not (weight > 0 and isfinite(weight)):
        raise UsageError(f"{option} {part}: the weight {number!r} is not a number above 0", f"{option} {EXAMPLE}")
    if not name:
        raise UsageError(f"{option} {part}: there is no name before the weight", f"{option} {EXAMPLE}")
    return name, weight


def _levels(name: str) -> tuple[str, Sequence[int] | None]:
    """A name without the levels behind it, and those. Behind a family's name everything has to be levels."""
    head, colon, tail = name.partition(":")
    if colon and head in (*families.names(), handwritten.FAMILY):
        return head, draw.parse_levels(tail)
    match = LEVELS_BEHIND.fullmatch(name)
    if match and not Path(name).exists():
        return match[1], draw.parse_levels(match[2])
    return name, None


def _kind(name: str) -> Kind:
    """What `name` is. Raises MissingError where nothing is called so, and InputError for a file that is not there."""
    path = Path(name)
    folder = path if path.exists() else Path(name.partition(":")[0])
    if name == handwritten.FAMILY:
        return "handwritten"
    if name in families.names() or name.startswith(families.GYM):
        return "family"
    if name.startswith(HUB):
        return "data set"
    if folder.is_dir():
        if not any(suffix(file.name) in DATA for file in folder.rglob("*")):
            raise InputError(f"{name} is a folder without a file of problems", "name a file, or a folder that has one")
        return "data set"
    if path.exists():
        return "file"
    if path.suffix or "/" in name:
        raise InputError(f"cannot read {name}: there is no such file", _nearest_file(path))
    raise _no_such_family(name)


def _no_such_family(name: str) -> MissingError:
    try:
        families.get(name)
    except MissingError as error:
        near = error.hint if error.hint.startswith(("did you mean", "that is")) else NO_SOURCE
        return MissingError(f"there is no family or file called {name!r}", near)
    raise AssertionError(name)


def _nearest_file(path: Path) -> str:
    folder = path.parent
    names = [file.name for file in folder.iterdir() if suffix(file.name) in READERS] if folder.is_dir() else []
    hint = f"check the path; a data set of the hub is written {HUB}OWNER/NAME"
    return did_you_mean(path.name, names, hint)

"""What an audit is asked for, shared by its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

PROGRAM_SHARE = 100
Tasks = Mapping[int, Sequence[Any]]
"""Tasks that have been drawn already, by level: a slow family need not draw them again."""
NO_TASKS: Tasks = MappingProxyType({})
Progress = Callable[[str], None]


def silent(text: str) -> None:
    """Reports no progress."""


@dataclass(frozen=True)
class AuditRequest:
    """How many draws to make, and in which `splits` to look for `count` problems of each level."""

    draws: int
    count: int
    splits: tuple[str, ...]
    seed: int = 0
    progress: Progress = silent

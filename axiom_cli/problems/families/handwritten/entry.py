"""What a hand-written problem is, and random lists of numbers for the calls of its function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Handwritten:
    """One problem: its level, its title, what the function returns in words, where calls come from, and the teacher's
    plan."""

    level: int
    title: str
    returns: str
    arguments: Callable[[Random], list[Any]]
    edges: tuple[list[Any], ...]
    plan: tuple[str, ...]


def numbers(random: Random, low: int = -20, high: int = 20, least: int = 1, most: int = 12) -> list[int]:
    """Between `least` and `most` integers from `low` to `high`."""
    return [random.randint(low, high) for _ in range(random.randint(least, most))]


def ascending(random: Random, most: int = 12) -> list[int]:
    """Distinct integers in ascending order."""
    return sorted(set(numbers(random, -40, 40, most=most)))

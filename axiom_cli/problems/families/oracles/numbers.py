"""Understands steps on a list of integers from their words."""

from __future__ import annotations

import re
from typing import Any

from axiom_cli.problems.families.oracles.dict_programs import compared
from axiom_cli.problems.families.oracles.list_ops import merge_sorted


def step(words: str, xs: list[int]) -> Any:
    """The result of the step: a list or an integer."""
    number = int((re.findall(r"-?\d+", words) or [0])[-1])
    if words.startswith("keep only the numbers"):
        return list(filter(compared(words), xs))
    if words.startswith("keep"):
        return [x for x in xs if bool(x & 1) == ("odd" in words)]
    if words.startswith("sort"):
        return merge_sorted(xs)[:: 1 if "ascending" in words else -1]
    if words.startswith("reverse"):
        return list(reversed(xs))
    if words.startswith("add"):
        return [number + x for x in xs]
    if words.startswith("multiply every number by its"):
        return [place * x for place, x in zip(range(number, 999), xs, strict=False)]
    if words.startswith("multiply"):
        return [number * x for x in xs]
    if words.startswith("remove"):
        return [x for place, x in enumerate(xs) if xs.index(x) == place]
    return -sum(-x for x in xs)

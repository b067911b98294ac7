"""Overlap: how much of one file of problems another one has seen, by equal prompts and by shared runs of 8 words.

The words that a family's every statement holds say nothing about content, so that runs found in many problems of one
file are boilerplate and do not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from axiom_cli.records import Problem

WORDS = 8
BOILERPLATE_SHARE = 0.05
BOILERPLATE_LEAST = 3
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Overlap:
    """Of the `left` problems of the first file: how many have an equal in the second, and how many share a run."""

    left: int
    right: int
    exact: int
    ngram: int
    boilerplate: int
    examples: list[str]

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, rates included."""
        rates = {"exact_rate": self.exact / max(1, self.left), "ngram_rate": self.ngram / max(1, self.left)}
        return {"kind": "overlap", **asdict(self), **rates}


def overlap(left: Iterable[Problem], right: Iterable[Problem]) -> Overlap:
    """Compares the prompts of two files. Case and white space do not count. Reads both to the end.

    A problem with fewer than 8 words has no runs and can only be equal.
    """
    lefts = [_tokens(problem.prompt) for problem in left]
    rights = [_tokens(problem.prompt) for problem in right]
    boilerplate = _frequent(lefts) | _frequent(rights)
    whole = set(map(tuple, rights))
    runs = {run for tokens in rights for run in _runs(tokens)} - boilerplate
    equal = [tuple(tokens) in whole for tokens in lefts]
    shared = [any(run in runs for run in _runs(tokens)) for tokens in lefts]
    touched = [" ".join(tokens) for tokens, same, run in zip(lefts, equal, shared, strict=True) if same or run]
    return Overlap(len(lefts), len(rights), sum(equal), sum(shared), len(boilerplate), touched[:5])


def _tokens(prompt: str) -> list[str]:
    return _TOKEN.findall(prompt.lower())


def _runs(tokens: list[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(tokens[at : at + WORDS]) for at in range(len(tokens) - WORDS + 1))


def _frequent(prompts: list[list[str]]) -> set[tuple[str, ...]]:
    """The runs that stand in more than a twentieth of the prompts, and in more than three."""
    counts = Counter(run for tokens in map(tuple, set(map(tuple, prompts))) for run in set(_runs(list(tokens))))
    most = max(BOILERPLATE_LEAST, BOILERPLATE_SHARE * len(prompts))
    return {run for run, times in counts.items() if times > most}

"""Sweeps over the ends of intervals, as pairs of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

Pairs = list[tuple[int, int]]


def _pairs(text: str) -> Pairs:
    return [(int(low), int(high)) for low, high in re.findall(r"(\d+)-(\d+)", text)]


def _swept(a: Pairs, b: Pairs, holds: Callable[[bool, bool], bool]) -> Pairs:
    """Where `holds` is true of lying in `a` and lying in `b`."""
    ends = sorted({end for pair in a + b for end in pair})
    out: Pairs = []
    for low, high in zip(ends, ends[1:], strict=False):
        within = [any(left <= low and high <= right for left, right in pairs) for pairs in (a, b)]
        if not holds(*within):
            continue
        if out and out[-1][1] == low:
            out[-1] = out[-1][0], high
        else:
            out.append((low, high))
    return out


def _step(pairs: Pairs, words: str) -> Pairs:
    others = _pairs(words)
    if words.startswith(("merge", "add")):
        return _swept(pairs, others, lambda a, b: a or b)
    if words.startswith("cut"):
        return _swept(pairs, others, lambda a, b: a and not b)
    if words.startswith("intersect"):
        return _swept(pairs, others, lambda a, b: a and b)
    return _swept(pairs, others, lambda a, b: b and not a)


def answer(prompt: str) -> str:
    """The remaining intervals, and their length if it is asked."""
    given, done = re.search(r"Take ([\d -]+) and do in order: ([^.]+)\.", prompt).groups()  # type: ignore[union-attr]
    pairs = _pairs(given)
    steps = [words for words in done.split("; ") if "length" not in words]
    for words in steps:
        pairs = _step(pairs, words)
    length = [str(sum(high - low for low, high in pairs))] if "length" in done else []
    return " ".join([*(f"{low}-{high}" for low, high in pairs), *length])

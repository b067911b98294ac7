"""Looks for the shortest path among all simple paths, longest detours cut off by the Bellman-Ford lengths."""

from __future__ import annotations

import re


def _lengths(edges: list[tuple[str, str, int]], end: str) -> dict[str, int]:
    """The length of a shortest path from each node to `end`: every edge relaxed as often as there are nodes."""
    nodes = sorted({node for a, b, _ in edges for node in (a, b)})
    far = sum(weight for _, _, weight in edges) + 1
    lengths = {node: 0 if node == end else far for node in nodes}
    for _ in nodes:
        for a, b, weight in edges:
            lengths[a] = min(lengths[a], lengths[b] + weight)
            lengths[b] = min(lengths[b], lengths[a] + weight)
    return lengths


def _paths(
    edges: list[tuple[str, str, int]], path: list[str], end: str, left: int, lengths: dict[str, int]
) -> list[list[str]]:
    """Every way on along simple paths whose length is exactly `left`."""
    if path[-1] == end:
        return [path] if left == 0 else []
    out = []
    for a, b, weight in edges:
        other = b if a == path[-1] else a if b == path[-1] else None
        if other and other not in path and lengths[other] + weight <= left:
            out += _paths(edges, [*path, other], end, left - weight, lengths)
    return out


def answer(prompt: str) -> str:
    """The path and its length. Raises ValueError unless it is the only shortest one."""
    edges = [(a, b, int(weight)) for a, b, weight in re.findall(r"([A-Z])-([A-Z]) (\d+)", prompt)]
    start, end = re.search(r"from ([A-Z]) to ([A-Z])\.", prompt).groups()  # type: ignore[union-attr]
    lengths = _lengths(edges, end)
    (path,) = _paths(edges, [start], end, lengths[start], lengths)
    return f"{' '.join(path)} ({lengths[start]})"

"""Shortest paths in small graphs with weights."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HEAVIEST = 9


@dataclass(frozen=True)
class Graph:
    """Undirected edges (one end, other end, weight) between letters, two of these, and the one shortest path."""

    edges: tuple[tuple[str, str, int], ...]
    start: str
    end: str
    path: tuple[str, ...]
    length: int


# How a node is reached: the length of the shortest paths, the node before, and how many such paths there are.
Reached = tuple[int, str, int]


def _neighbours(edges: list[tuple[str, str, int]]) -> dict[str, list[tuple[str, int]]]:
    out: dict[str, list[tuple[str, int]]] = {}
    for a, b, weight in edges:
        out.setdefault(a, []).append((b, weight))
        out.setdefault(b, []).append((a, weight))
    return out


def dijkstra(edges: list[tuple[str, str, int]], start: str) -> dict[str, Reached]:
    """Every node that `start` reaches, nearest first, equally near ones by letter (Dijkstra 1959)."""
    near = _neighbours(edges)
    settled: dict[str, Reached] = {}
    best = {start: (0, "", 1)}
    queue = [(0, start)]
    while queue:
        length, node = heappop(queue)
        if node in settled:
            continue
        settled[node] = best[node]
        ways = best[node][2]
        for other, weight in near[node]:
            known = best.get(other)
            if known is None or length + weight < known[0]:
                best[other] = (length + weight, node, ways)
                heappush(queue, (length + weight, other))
            elif length + weight == known[0] and other not in settled:
                best[other] = (known[0], known[1], known[2] + ways)
    return settled


def _path(settled: dict[str, Reached], end: str) -> tuple[str, ...]:
    out = [end]
    while before := settled[out[-1]][1]:
        out.append(before)
    return tuple(out[::-1])


def _edges(random: Random, nodes: list[str], extra: int) -> list[tuple[str, str, int]]:
    """A tree over the nodes and `extra` more edges, all between nodes at most three places apart."""
    pairs = [(max(0, at - 1 - int(random.random() * 2)), at) for at in range(1, len(nodes))]
    while extra:
        first = int(random.random() * (len(nodes) - 1))
        pair = (first, min(len(nodes) - 1, first + 1 + int(random.random() * 3)))
        if pair not in pairs:
            pairs.append(pair)
            extra -= 1
    random.shuffle(pairs)
    return [(nodes[a], nodes[b], 1 + int(random.random() * HEAVIEST)) for a, b in pairs]


class ShortestPath(Family):
    """The path with the least sum of weights, which is unique."""

    name: ClassVar[str] = "shortest_path"
    about: ClassVar[str] = "the only shortest path between two nodes of a graph with weights, and its length"
    levels: ClassVar[str] = "level n: n + 3 nodes and n + 4 + n // 2 edges"

    def draw(self, random: Random, level: int) -> Graph:
        while True:
            nodes = random.sample(LETTERS, level + 3)
            edges = _edges(random, nodes, 2 + level // 2)
            start = nodes[0]
            settled = dijkstra(edges, start)
            # The far half, as long as only one path of several edges leads there.
            far = list(settled)[len(settled) // 2 :]
            ends = [node for node in far if settled[node][2] == 1 and settled[node][1] != start]
            if ends:
                end = ends[int(random.random() * len(ends))]
                return Graph(tuple(edges), start, end, _path(settled, end), settled[end][0])

    def statement(self, task: Graph) -> str:
        edges = ", ".join([f"{a}-{b} {weight}" for a, b, weight in task.edges])
        return (
            f"Edges of an undirected graph with their lengths: {edges}. Find the shortest path from {task.start} to "
            f"{task.end}. Write its nodes separated by spaces, then its length in parentheses, as in X Y Z (12)."
        )

    def answer(self, task: Graph) -> str:
        return f"{' '.join(task.path)} ({task.length})"

    def trace(self, task: Graph) -> list[str]:
        """Each settled node with the tentative lengths it gives its neighbours, then the path from its end."""
        lines = []
        settled = dijkstra(list(task.edges), task.start)
        near = _neighbours(list(task.edges))
        done: list[str] = []
        for node, (length, before, _) in settled.items():
            done.append(node)
            lines.append(f"{node} {length} from {before}" if before else f"{node} 0")
            if node == task.end:
                break
            ahead = [(other, weight) for other, weight in near[node] if other not in done]
            reached = ", ".join(f"{other} {length} + {weight} = {length + weight}" for other, weight in ahead)
            lines[-1] += f": {reached}" if reached else ""
        return [*lines, f"back: {' '.join(task.path[::-1])}"]

"""Graph colouring: any proper colouring is right, so the family checks the answer itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.errors import InputError
from axiom_cli.problems.families.family import Family

COLOURS = 3
LETTERS = "ABCDEFGHIJKLMNOP"
AVOIDED = ((0,), (1,), (0, 1), (0, 1), (0, 2), (1, 2), (0, 1))  # the colours that a vertex meets among those before it
STATED = re.compile("from A to ([A-Z]) .*: ([A-Z]-[A-Z](?: [A-Z]-[A-Z])*)$", re.DOTALL)


@dataclass(frozen=True)
class Graph:
    """The edges, each from a vertex to an earlier one, of a graph whose vertices are 0 to `size` - 1."""

    size: int
    edges: tuple[tuple[int, int], ...]


def greedy(task: Graph) -> list[int]:
    """Each vertex in turn gets the first colour, counted from 0, that none of its earlier neighbours has."""
    met: list[set[int]] = [set() for _ in range(task.size)]
    colours: list[int] = []
    edges = iter(task.edges)
    edge = next(edges, None)
    for vertex in range(task.size):
        while edge and edge[1] == vertex:
            met[vertex].add(colours[edge[0]])
            edge = next(edges, None)
        colours.append(next(colour for colour in range(COLOURS) if colour not in met[vertex]))
    return colours


class Colouring(Family):
    """Draws graphs that can be coloured from the first vertex to the last without backtracking."""

    name: ClassVar[str] = "colouring"
    about: ClassVar[str] = "colour the vertices of a graph with three colours so that neighbours differ"
    levels: ClassVar[str] = "level n: n + 5 vertices"
    open_ended: ClassVar[bool] = True

    def draw(self, random: Random, level: int) -> Graph:
        size = level + 5
        classes: list[list[int]] = [[0], [], []]
        edges = []
        for vertex in range(1, size):
            avoided = [colour for colour in AVOIDED[int(random.random() * len(AVOIDED))] if classes[colour]]
            for colour in avoided or [0]:
                known = classes[colour]
                first = int(random.random() * len(known))
                edges.append((known[first], vertex))
                if len(known) > 1 and random.random() < 0.5:
                    edges.append((known[first - 1], vertex))
            mine = next(colour for colour in range(COLOURS) if colour not in (avoided or [0]))
            classes[mine].append(vertex)
        return Graph(size, tuple(edges))

    def statement(self, task: Graph) -> str:
        edges = " ".join(f"{LETTERS[a]}-{LETTERS[b]}" for a, b in task.edges)
        return (
            f"Give each vertex from A to {LETTERS[task.size - 1]} one of the colours 1, 2 and 3 so that no edge joins "
            f"two of one colour, and write the colours in the order of the vertices, with spaces. Edges: {edges}"
        )

    def answer(self, task: Graph) -> str:
        return " ".join(str(colour + 1) for colour in greedy(task))

    def accepts(self, prompt: str, answer: str) -> bool:
        match = STATED.search(prompt)
        if not match:
            raise InputError("the problem states no graph as this family does", "was it edited?")
        size, edges = LETTERS.index(match[1]) + 1, match[2].split()
        colours = answer.split(" ")
        if len(colours) != size or not set(colours) <= {"1", "2", "3"}:
            return False
        return all(colours[LETTERS.index(edge[0])] != colours[LETTERS.index(edge[2])] for edge in edges)

    def trace(self, task: Graph) -> list[str]:
        lines, colours = [], greedy(task)
        for vertex, colour in enumerate(colours):
            met = [f"{LETTERS[a]} {colours[a] + 1}" for a, b in task.edges if b == vertex]
            lines.append(f"{LETTERS[vertex]}: {', '.join(met) or 'free'}: {colour + 1}")
        return lines

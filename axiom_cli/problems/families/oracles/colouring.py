"""Colours graphs by search, from the last vertex and the last colour."""

from __future__ import annotations

import re
from itertools import chain


def answer(prompt: str) -> str:
    """Some proper colouring."""
    edges = [set(edge) - {"-"} for edge in re.findall(r"\w-\w", prompt)]
    last = re.search(r"from A to (\w)", prompt).group(1)  # type: ignore[union-attr]
    vertices = [chr(code) for code in range(ord(last), ord("A") - 1, -1)]
    neighbours = {v: set(chain.from_iterable(edge for edge in edges if v in edge)) - {v} for v in vertices}
    colours: dict[str, int] = {}

    def place(at: int) -> bool:
        if at == len(vertices):
            return True
        vertex = vertices[at]
        for colour in (3, 2, 1):
            if all(colours.get(other) != colour for other in neighbours[vertex]):
                colours[vertex] = colour
                if place(at + 1):
                    return True
                del colours[vertex]
        return False

    place(0)
    return " ".join(str(colours[vertex]) for vertex in sorted(vertices))

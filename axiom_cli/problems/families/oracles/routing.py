"""Drives the robot on the complex plane: a heading is a power of i, a turn a multiplication."""

from __future__ import annotations

import re

_HEADINGS = {"north": 1j, "east": 1 + 0j, "south": -1j, "west": -1 + 0j}


def answer(prompt: str) -> str:
    """The last position and the heading."""
    last = int(re.search(r"from 0 to (\d+)", prompt).group(1))  # type: ignore[union-attr]
    heading = _HEADINGS[re.search(r"heads (\w+)", prompt).group(1)]  # type: ignore[union-attr]
    blocked_text, _, commands = prompt.partition("Blocked: ")[2].partition(". Commands: ")
    place, *_ = [complex(int(x), int(y)) for x, y in re.findall(r"\((\d+),(\d+)\)", prompt)]
    blocked = [complex(int(x), int(y)) for x, y in re.findall(r"\((\d+),(\d+)\)", blocked_text)]
    free = {complex(x, y) for x in range(last + 1) for y in range(last + 1)}.difference(blocked)
    for command in commands.partition(".")[0]:
        heading *= {"L": 1j, "R": -1j}.get(command, 1)
        if command == "F" and place + heading in free:
            place += heading
    name = next(name for name, direction in _HEADINGS.items() if direction == heading)
    return f"({int(place.real)},{int(place.imag)}) {name}"

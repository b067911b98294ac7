"""A robot on a grid that turns, moves and is stopped by obstacles."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

HEADINGS = ("north", "east", "south", "west")
MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))
COMMANDS = "FFFLR"

Cell = tuple[int, int]


@dataclass(frozen=True)
class Route:
    """The side of the grid, the obstacles, where the robot starts and heads (an index of HEADINGS), its commands."""

    side: int
    obstacles: tuple[Cell, ...]
    start: Cell
    heading: int
    commands: str


def run(task: Route) -> list[tuple[int, int, int]]:
    """Position and heading after each command."""
    (x, y), heading = task.start, task.heading
    out = []
    for command in task.commands:
        if command == "F":
            ahead = (x + MOVES[heading][0], y + MOVES[heading][1])
            if min(ahead) >= 0 and max(ahead) < task.side and ahead not in task.obstacles:
                x, y = ahead
        else:
            heading = (heading + (1 if command == "R" else -1)) % 4
        out.append((x, y, heading))
    return out


class Routing(Family):
    """Turns and steps on a square grid with obstacles."""

    name: ClassVar[str] = "routing"
    about: ClassVar[str] = "where a robot ends on a grid with obstacles, and where it heads, after steps and turns"
    levels: ClassVar[str] = "level n: 2n + 3 commands, a grid of side 4 + n // 3, n // 2 + 2 obstacles"

    def draw(self, random: Random, level: int) -> Route:
        side = 4 + level // 3
        cells = random.sample(range(side * side), level // 2 + 3)
        start, *obstacles = [divmod(cell, side) for cell in cells]
        commands = "".join(random.choices(COMMANDS, k=2 * level + 3))
        return Route(side, tuple(sorted(obstacles)), start, int(random.random() * 4), commands)

    def statement(self, task: Route) -> str:
        last = task.side - 1
        obstacles = " ".join([f"({x},{y})" for x, y in task.obstacles])
        return (
            f"A robot is at ({task.start[0]},{task.start[1]}) on a grid with x and y from 0 to {last} and heads "
            f"{HEADINGS[task.heading]}. North is y+1, east is x+1. F is a step forward, but the robot stays if that "
            f"cell is off the grid or blocked; L and R turn it left and right on the spot. Blocked: {obstacles}. "
            f"Commands: {task.commands}. Write where it ends and its heading, as in (1,2) north."
        )

    def answer(self, task: Route) -> str:
        x, y, heading = run(task)[-1]
        return f"({x},{y}) {HEADINGS[heading]}"

    def trace(self, task: Route) -> list[str]:
        return [
            f"{command}: ({x},{y}) {HEADINGS[heading]}"
            for command, (x, y, heading) in zip(task.commands, run(task), strict=True)
        ]

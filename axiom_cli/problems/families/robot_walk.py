"""A robot on a board of ten by ten squares."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from axiom_cli.problems.families.listing import LineByLine, lines_of, pick

MOVES = {"right": (1, 0), "left": (-1, 0), "up": (0, 1), "down": (0, -1)}
Square = tuple[int, int]


class RobotWalk(LineByLine):
    """A line moves the robot one to four squares along a row or a column. It never leaves the board."""

    name: ClassVar[str] = "robot_walk"
    about: ClassVar[str] = "where a robot stands after a list of moves"
    asks: ClassVar[str] = (
        "A robot starts at 5 5; right and left change the first number, up and down the second. Run these lines and "
        "write where it ends:"
    )
    start: ClassVar[Square] = (5, 5)

    def line(self, random: Random, state: Square, left: int) -> str:
        while True:
            line = f"{list(MOVES)[pick(random, 4)]} {pick(random, 4) + 1}"
            after = self.step(state, line)
            if min(after) >= 0 and max(after) <= 9:
                return line

    def step(self, state: Square, line: str) -> Square:
        name, number = line.split()
        along, across = MOVES[name]
        return state[0] + along * int(number), state[1] + across * int(number)

    def show(self, state: Square) -> str:
        return f"{state[0]} {state[1]}"

    def second(self, prompt: str) -> str:
        """The moves of each direction are added up."""
        total = dict.fromkeys(MOVES, 0)
        for line in lines_of(prompt):
            name, number = line.split()
            total[name] += int(number)
        return f"{5 + total['right'] - total['left']} {5 + total['up'] - total['down']}"

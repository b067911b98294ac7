"""Elementary cellular automata."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

THREES = ("111", "110", "101", "100", "011", "010", "001", "000")
# Rules under which from three to five of the eight neighborhoods give 1.
RULES = tuple(rule for rule in range(256) if 3 <= rule.bit_count() <= 5)
ENDS = {
    True: "The row is a ring: the first and the last cell are neighbors.",
    False: "Beyond both ends of the row all cells stay 0.",
}


@dataclass(frozen=True)
class Automaton:
    """A rule by its Wolfram number, whether it is stated as a table, a row of cells, its ends, and the steps to
    take."""

    rule: int
    table: bool
    row: str
    ring: bool
    k: int


def outcomes(rule: int) -> dict[str, str]:
    """The new cell for each left neighbor, cell and right neighbor."""
    return dict(zip(THREES, f"{rule:08b}", strict=True))


OUTCOMES = {rule: outcomes(rule) for rule in RULES}
TABLES = {rule: ", ".join([f"{three} gives {new}" for three, new in OUTCOMES[rule].items()]) for rule in RULES}


def neighborhoods(row: str, *, ring: bool) -> list[str]:
    """Left neighbor, cell and right neighbor, for each cell."""
    padded = row[-1] + row + row[0] if ring else f"0{row}0"
    return [padded[place : place + 3] for place in range(len(row))]


def step(row: str, rule: int, *, ring: bool) -> str:
    """The row after all cells have changed at once."""
    new = OUTCOMES[rule]
    return "".join([new[three] for three in neighborhoods(row, ring=ring)])


def states(task: Automaton) -> list[str]:
    """The row at first and after each step."""
    rows = [task.row]
    for _ in range(task.k):
        rows.append(step(rows[-1], task.rule, ring=task.ring))
    return rows


class Automata(Family):
    """Rows of cells that change according to their neighbors, on a ring or between zeros."""

    name: ClassVar[str] = "automaton"
    about: ClassVar[str] = "a row of an elementary cellular automaton after some steps"
    levels: ClassVar[str] = "level n: a row of n + 5 cells, 1 + n // 3 steps, the rule as a table or as a number"

    def draw(self, random: Random, level: int) -> Automaton:
        while True:
            row = f"{random.getrandbits(level + 5):0{level + 5}b}"
            rule = RULES[int(random.random() * len(RULES))]
            bits = random.getrandbits(2)
            task = Automaton(rule, bits < 2, row, bits % 2 == 1, 1 + level // 3)
            *before, after = states(task)
            if "0" in after and "1" in after and after not in before:
                return task

    def statement(self, task: Automaton) -> str:
        if task.table:
            text = f"from its left neighbor, itself and its right neighbor: {TABLES[task.rule]}"
        else:
            text = (
                f"by rule {task.rule}: with left neighbor l, cell c and right neighbor r the new value is the bit of "
                f"{task.rule} that stands for 2^(4l + 2c + r)"
            )
        return (
            f"In each step all cells of a row change at once, each {text}. {ENDS[task.ring]} Start with {task.row}. "
            f"What is the row after {task.k} step{'s' * (task.k > 1)}?"
        )

    def answer(self, task: Automaton) -> str:
        return states(task)[-1]

    def trace(self, task: Automaton) -> list[str]:
        lines, rows = [], states(task)
        if not task.table:
            lines.append(f"{task.rule} = {task.rule:08b}")
            lines.append(" ".join([f"{three}:{new}" for three, new in OUTCOMES[task.rule].items()]))
        for number in range(1, task.k + 1):
            threes = neighborhoods(rows[number - 1], ring=task.ring)
            lines.append(" ".join([f"{three}:{OUTCOMES[task.rule][three]}" for three in threes]))
            lines.append(f"step {number}: {rows[number]}")
        return lines

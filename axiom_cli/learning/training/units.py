"""What stays together: rows that share a forward pass (a pair), and those that share an optimiser step (a group)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from axiom_cli.learning.objectives import Objective
from axiom_cli.learning.training.batches import plan
from axiom_cli.learning.training.rows import Encoded, Row
from axiom_cli.settings.configs import TrainConfig

Units = list[range]
"""Row numbers, `Objective.group_size` in each unit."""


def whole(encoded: Encoded, size: int) -> list[Row]:
    """The rows of units (`size` samples in a row) of which no sample was left out, in order."""
    rows = dict(zip(encoded.numbers, encoded.rows, strict=True))
    units = [range(first, first + size) for first in rows if first % size == 0]
    return [rows[number] for unit in units if all(n in rows for n in unit) for number in unit]


def units_of(rows: Sequence[Row], objective: Objective) -> tuple[Units, list[int]]:
    """The units, and the tokens that each takes once its rows are padded to the longest of them."""
    size = objective.group_size
    units = [range(first, first + size) for first in range(0, len(rows), size)]
    return units, [size * max(rows[row].length for row in unit) for unit in units]


def steps_of(
    rows: Sequence[Row], units: Units, lengths: Sequence[int], objective: Objective, config: TrainConfig
) -> list[list[int]]:
    """The units of every step. Units of a problem stand side by side; with `problem_in_one_step` they share a step."""
    if not objective.problem_in_one_step:
        return plan(lengths, config)
    by_problem = groupby(range(len(units)), lambda unit: rows[units[unit][0]].problem)
    groups = [list(members) for _, members in by_problem]
    longest = [max(lengths[unit] for unit in group) for group in groups]
    return [
        [unit for group in step for unit in groups[group]] for step in plan(longest, config, len(units) / len(groups))
    ]

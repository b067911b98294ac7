"""What stays together: rows that share a micro-batch (a pair), and groups that share an optimiser step (a problem)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from axiom_cli.learning.objectives import Objective
from axiom_cli.learning.training.batches import plan_steps
from axiom_cli.learning.training.rows import Encoded, Row
from axiom_cli.settings.configs import TrainConfig

Groups = list[range]
"""Row numbers, `Objective.group_size` in each group."""


def complete_groups(encoded: Encoded, size: int) -> list[Row]:
    """The rows of groups (`size` samples in a row) of which no sample was left out, in order."""
    rows = dict(zip(encoded.numbers, encoded.rows, strict=True))
    groups = [range(first, first + size) for first in rows if first % size == 0]
    return [rows[number] for group in groups if all(n in rows for n in group) for number in group]


def group_rows(rows: Sequence[Row], objective: Objective) -> tuple[Groups, list[int]]:
    """The groups, and the tokens that each takes once its rows are padded to the longest of them."""
    size = objective.group_size
    groups = [range(first, first + size) for first in range(0, len(rows), size)]
    return groups, [size * max(rows[row].length for row in group) for group in groups]


def group_steps(
    rows: Sequence[Row], groups: Groups, lengths: Sequence[int], objective: Objective, config: TrainConfig
) -> list[list[int]]:
    """The groups of every step. Those of a problem stand side by side; with `problem_in_one_step` they share a step."""
    if not objective.problem_in_one_step:
        return plan_steps(lengths, config)
    by_problem = [list(members) for _, members in groupby(range(len(groups)), lambda g: rows[groups[g][0]].problem)]
    longest = [max(lengths[group] for group in members) for members in by_problem]
    steps = plan_steps(longest, config, len(groups) / len(by_problem))
    return [[group for problem in step for group in by_problem[problem]] for step in steps]

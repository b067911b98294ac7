"""Rows with the weights that an objective gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.training.rows import Row
from axiom_cli.settings.configs import TrainConfig


def weighted(rows: Sequence[Row], config: TrainConfig) -> list[Row]:
    """The rows as the objective takes them: unchanged where it compares, else with weights of mean 1 over completion
    tokens or over rows. NothingToDoError where every weight is zero, InputError for a row without a prompt or without a
    token to learn."""
    if not all(row.prompt_ids and row.completion_ids for row in rows):
        raise InputError("a row has an empty prompt or completion, so nothing could be learned from it")
    objective = OBJECTIVES[config.objective]
    sizes = [len(row.completion_ids) if objective.per_token else 1 for row in rows]
    mass = sum(row.weight * size for row, size in zip(rows, sizes, strict=True))
    if not any(row.weight for row in rows) or not (objective.compares or mass > 0):
        raise NothingToDoError("every row has a weight of zero")
    if objective.compares:
        return list(rows)
    scale = sum(sizes) / mass
    return [replace(row, weight=row.weight * scale) for row in rows]

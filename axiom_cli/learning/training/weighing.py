"""Rows with the weights that an objective takes them with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.training.rows import Row
from axiom_cli.settings.configs import TrainConfig


def weighed(rows: Sequence[Row], config: TrainConfig) -> list[Row]:
    """The rows as the objective takes them. NothingToDoError where no row has any weight, InputError for a row
    without a prompt to go on from or without a token to learn."""
    if not all(row.prompt_ids and row.completion_ids for row in rows):
        raise InputError("a row has no prompt, or every token of it is masked: nothing could be learnt from it")
    if not any(row.weight for row in rows):
        raise NothingToDoError("no row has any weight")
    objective = OBJECTIVES[config.objective]
    return list(rows) if objective.compares else _normalised(rows, objective.per_token)


def _normalised(rows: Sequence[Row], by_token: bool) -> list[Row]:
    """The same rows with weights of mean 1 over completion tokens, or over rows."""
    sizes = [len(row.completion_ids) if by_token else 1 for row in rows]
    mass = sum(row.weight * size for row, size in zip(rows, sizes, strict=True))
    if mass <= 0:
        raise NothingToDoError("no row has any weight")
    scale = sum(sizes) / mass
    return [replace(row, weight=row.weight * scale) for row in rows]

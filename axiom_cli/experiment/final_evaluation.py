"""The held-out test at the end of an experiment, and the name of the model that it selects."""

from __future__ import annotations

from axiom_cli import models
from axiom_cli.evaluation.experiment_folder import arm_name, model_ref
from axiom_cli.evaluation.metrics import best_iteration
from axiom_cli.experiment.round import GREEDY, Arm, RoundSteps
from axiom_cli.models import Resolved

SAMPLED = 0.7
SAMPLES_AT_TEST = 4
LARGEST_COPY = 1 << 26
"""Bytes of a start model that may be copied into the workspace."""


def evaluate_arm(steps: RoundSteps, arm: Arm) -> None:
    """The held-out test of every model of an arm, greedy; the first and the selected one with samples too. A model from
    an earlier run of more rounds may be the selected one, if it still exists."""
    experiment, known = steps.config.experiment, steps.workspace.refs()
    iterations = range(steps.config.iterations + 1)
    rows = [
        row
        for row in steps.writer.rows
        if row.iteration in iterations or model_ref(experiment, arm.name, row.iteration) in known
    ]
    best = best_iteration(rows, arm_name(experiment, arm.name)) or 0
    if not arm.is_control:
        _name_best(steps, arm, best)
    for iteration in sorted({*iterations, best}):
        plan = [(GREEDY, 1)]
        if iteration in (0, best):
            plan.append((SAMPLED, SAMPLES_AT_TEST))
        steps.evaluate_model(arm, _model(steps, arm, iteration), "test", iteration, plan)


def _name_best(steps: RoundSteps, run: Arm, best: int) -> None:
    """Points `run@best` at the selected model. The start model gets that name only if it is in the workspace, or small
    enough to be copied there."""
    digest = _model(steps, run, best).digest
    if best == 0 and not steps.workspace.has(digest):
        folder = steps.base.path
        if not folder.is_dir() or sum(file.stat().st_size for file in folder.iterdir()) > LARGEST_COPY:
            return
        digest = steps.workspace.put_tree(folder)
    steps.workspace.set_ref(model_ref(steps.config.experiment, run.name, "best"), digest)


def _model(steps: RoundSteps, arm: Arm, iteration: int) -> Resolved:
    if not iteration:
        return steps.base
    return models.resolve(model_ref(steps.config.experiment, arm.name, iteration), steps.workspace)

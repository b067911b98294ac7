"""The training loop: rows in, a changed model and its metrics out. It reads and writes no file but its checkpoint, and
the optimizer's state where one training continues another.

Time goes into matrix products: the head is applied to completion positions alone, rows of similar lengths share a
micro-batch, and a step's figures are read once. Equal inputs give equal weights on the same machine with the same
threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from axiom_cli import process_rank
from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.training import collectives
from axiom_cli.learning.training.batches import collate
from axiom_cli.learning.training.checkpoint import Checkpoint, deferred_interrupts
from axiom_cli.learning.training.gradients import gradient_workers
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.run import Progress, TrainingRun
from axiom_cli.learning.training.window_attention import windowed
from axiom_cli.models.loading import without_peft
from axiom_cli.settings.configs import TrainConfig

OnStep = Callable[[Progress], None]


def fit(  # noqa: PLR0913 - what is trained, on what, how, and who watches
    model: torch.nn.Module,
    rows: Sequence[Row],
    config: TrainConfig,
    on_step: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
    warn: Callable[[str], None] = lambda _text: None,
    optimizer: tuple[Checkpoint | None, Checkpoint] | None = None,
) -> dict[str, Any]:
    """Trains the parameters of `model` that require gradients, in place, and returns the run's metrics.

    The loss of a step is the sum over its completion tokens, weighted by row (for `sft`, weights have mean 1 over all
    tokens), divided by its number of tokens; for the others over its pairs or completions, divided by their number
    (`value`: weights have mean 1 over all rows). With `dpo` rows come in pairs, the chosen one first. With a
    checkpoint, Ctrl-C first finishes the step and writes it.

    NothingToDoError without rows; GateFailedError when loss, gradients or weights are NaN or inf; MissingError when
    memory does not suffice for micro-batches half as large as the first ones; InputError where `model` cannot be run as
    training would run it (scoring.py). `warn` gets a sentence where it is run in a slower way. `optimizer` says where
    its state at the beginning is read from, if anywhere, and where that at the end is written to.
    """
    if not rows:
        raise NothingToDoError("no rows to train on")
    run = TrainingRun(model, weighted(rows, config), config, warn)
    if optimizer and optimizer[0]:
        run.continue_optimizer(optimizer[0])
    run.kept.resume(checkpoint)
    with (
        windowed(model, lambda: run.logprobs(collate([max(run.rows, key=lambda row: row.length)], run.device))),
        _training_mode(model, config),
        deferred_interrupts(wanted=checkpoint is not None) as interrupted,
        gradient_workers(run.part_loss, run.parameters, run.state.num_workers if run.forked > 1 else 1) as gradients,
    ):
        while run.state.done < len(run.steps):
            progress = run.step(gradients, checkpoint)
            if on_step:
                on_step(progress)
            stop = collectives.all_reduce(interrupted(), run.device) > 0
            due = collectives.all_reduce(run.is_checkpoint_due(), run.device) > 0
            if checkpoint and (stop or due):
                run.kept.write(checkpoint)
            if stop:
                raise KeyboardInterrupt(f"at step {run.state.done:,} of {len(run.steps):,}")
    if optimizer and process_rank.is_first():
        optimizer[1].write(run.optimizer.state_dict())
    return run.metrics()


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


@contextmanager
def _training_mode(model: torch.nn.Module, config: TrainConfig) -> Iterator[None]:
    model.train()
    if config.gradient_checkpointing:
        options = {"use_reentrant": False}
        without_peft(model).gradient_checkpointing_enable(gradient_checkpointing_kwargs=options)
    try:
        yield
    finally:
        if config.gradient_checkpointing:
            without_peft(model).gradient_checkpointing_disable()
        model.eval()

"""One training run between its steps: the plan, the optimizer, how far it is, and how a step is computed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from axiom_cli.errors import GateFailedError, MissingError
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.training import collectives, divergence, fsdp, reference, value_function
from axiom_cli.learning.training.batches import Batch, collate, group_rows, group_steps, padded_tokens
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.losses import LOSSES
from axiom_cli.learning.training.memory_probe import tokens_that_fit
from axiom_cli.learning.training.optimizers import learning_rate, make_optimizer
from axiom_cli.learning.training.precision import training_precision
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.run_state import RunState, StateKeeper, run_identity
from axiom_cli.learning.training.scoring import one_by_one, proved_scorer
from axiom_cli.learning.value_labels import OBJECTIVE as VALUE
from axiom_cli.models import memory, micro_batches, worker_pool
from axiom_cli.models.micro_batches import MicroBatches
from axiom_cli.settings.configs import TrainConfig

ROWS_PER_WORKER = 2
"""Rows of a step that are worth a process."""


@dataclass(frozen=True)
class Progress:
    """One optimiser step, as it is reported. `loss` is the weighted mean over the step's completion tokens, in nats."""

    step: int
    steps: int
    loss: float
    lr: float
    grad_norm: float
    tokens: int
    seconds: float

    def figures(self) -> dict[str, float]:
        """What a tracker is told of it."""
        return {"loss": self.loss, "lr": self.lr, "grad_norm": self.grad_norm, "tokens": self.tokens}


@dataclass(frozen=True)
class LossPart:
    """One worker's part of the loss of the step after `done` steps, which is divided by `divisor`."""

    done: int
    worker: int
    divisor: int
    micro_batches: MicroBatches
    kl: float


Gradients = Callable[[Sequence[LossPart | MicroBatches]], float]
"""The parts of a step's loss, or of its KL estimate -> their sum; the sum of their gradients is then in the parameters'
`grad`."""


def plan_workers(model: torch.nn.Module, config: TrainConfig) -> int:
    """How many processes share a step of `model`, where they are to be forked."""
    return worker_pool.num_workers(model, config.batch_size * config.grad_accum // ROWS_PER_WORKER)


class TrainingRun:
    """What one run holds between steps. `rows` carry the objective's weights; `warn` gets a sentence if the model has
    to be run in an unusual way."""

    def __init__(
        self,
        model: torch.nn.Module,
        rows: list[Row],
        config: TrainConfig,
        warn: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.model, self.rows, self.config = model, rows, config
        self.objective, self.loss = OBJECTIVES[config.objective], LOSSES[config.objective]
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.device = self.parameters[0].device
        self.precision = training_precision(config, self.device)
        self.groups, self.lengths = group_rows(rows, self.objective)
        self.steps = group_steps(rows, self.groups, self.lengths, self.objective, config)
        self.forked = plan_workers(model, config) if collectives.world_size() == 1 else 1
        num_workers = max(self.forked, collectives.world_size())
        self.optimizer = make_optimizer(model, config)
        with memory.explained_shortage("before the first step"):
            self.scorer, batched = proved_scorer(model, rows, warn)
        if config.objective == VALUE:
            judge = value_function.scorer(model)
            self.scorer = judge if batched else one_by_one(judge)
        budget = micro_batches.token_budget(self.device, config, self.forked)
        sharing = num_workers if self.device.type == "cpu" else 1
        fitting = tokens_that_fit(model, rows[0], self.logprobs, sharing, checkpointed=config.gradient_checkpointing)
        budget = int(collectives.all_reduce(min(budget, fitting), self.device, smallest=True))
        self.mismatched = reference.mismatched(rows, config.seed) if self.objective.needs_kl else []
        if self.objective.compares:
            self.rows = reference.with_ref_logprobs(rows, self.logprobs, budget, self.device)
            self.mismatched = reference.with_ref_logprobs(self.mismatched, self.logprobs, budget, self.device)
        self.state = RunState(budget, num_workers)
        identity = run_identity(self.rows, config, self.parameters)
        self.kept = StateKeeper(self.state, self.parameters, self.optimizer, identity)
        first = rows[0]
        padding_row = replace(
            first, ref_logprobs=(), prompt_ids=first.prompt_ids[:1], completion_ids=first.completion_ids[:1]
        )
        self.padding_rows = [padding_row] * self.objective.group_size
        self.halved = config.fsdp  # a process that runs out of memory leaves the others waiting

    def step(self, gradients: Gradients, checkpoint: Checkpoint | None) -> Progress:
        """One optimiser step."""
        start = time.perf_counter()
        lr = learning_rate(self.state.done, len(self.steps), self.config)
        for settings in self.optimizer.param_groups:
            settings["lr"] = lr
        groups = self.steps[self.state.done]
        tokens = sum(len(self.rows[row].completion_ids) for group in groups for row in self.groups[group])
        loss, positions = self._compute_gradients(gradients, groups, tokens)
        norm = fsdp.clip_grad_norm(self.parameters, self.config.max_grad_norm)
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise self._diverged(loss, groups, checkpoint)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.state.done += 1
        self.state.losses.append(loss)
        self.state.tokens += tokens
        self.state.positions += positions
        self.state.seconds += time.perf_counter() - start
        return Progress(self.state.done, len(self.steps), loss, lr, norm, tokens, self.state.seconds)

    def _compute_gradients(self, gradients: Gradients, groups: Sequence[int], tokens: int) -> tuple[float, int]:
        """A step's loss and padded tokens; its gradients are in the parameters. Where memory runs out, micro-batches
        are halved once in a run. MissingError the next time."""
        divisor = tokens if self.objective.per_token else len(groups)
        while True:
            worker_batches = micro_batches.split(groups, self.lengths, self.state.budget, self.state.num_workers)
            try:
                kl = self.kl_estimate(gradients, groups)
                parts = [
                    LossPart(self.state.done, worker, divisor, batches, kl)
                    for worker, batches in enumerate(fsdp.pad_to_world(worker_batches, self.parameters))
                ]
                return gradients(parts), sum(padded_tokens(batches, self.lengths) for batches in worker_batches)
            except (MemoryError, RuntimeError) as error:
                if not memory.is_out_of_memory(error):
                    raise
                every = [batch for batches in worker_batches for batch in batches]
                widest = max(padded_tokens([batch], self.lengths) for batch in every)
            if self.halved or all(len(batch) == 1 for batch in every):
                raise MissingError(
                    f"out of memory at step {self.state.done + 1}, in a micro-batch of {widest:,} tokens",
                    memory.LESS_MEMORY,
                ) from None
            self.halved, self.state.budget = True, max(1, widest // 2)
            self.optimizer.zero_grad(set_to_none=True)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def kl_estimate(self, gradients: Gradients, groups: Sequence[int]) -> float:
        """The reference point of an objective that has one (reference.py); else 0."""
        if not self.objective.needs_kl:
            return 0.0
        lengths = [row.length for row in self.mismatched]
        worker_batches = micro_batches.split(groups, lengths, self.state.budget, self.state.num_workers)
        return max(0.0, gradients(fsdp.pad_to_world(worker_batches, self.parameters)) / len(groups))

    def part_loss(self, part: LossPart | MicroBatches) -> float:
        """One worker's part of a step's loss, its gradients added to the parameters'; or of its KL estimate, which has
        none. What is drawn at random (dropout) depends on the step and the worker alone."""
        if not isinstance(part, LossPart):
            return self._part_kl(part)
        torch.manual_seed(hash((self.config.seed, part.done, part.worker)))
        total = torch.zeros((), device=self.device)
        for groups in part.micro_batches:
            rows = [self.rows[row] for group in groups for row in self.groups[group]]
            batch = collate(rows or self.padding_rows, self.device)
            loss = self.loss(self.logprobs(batch), batch, part.kl, self.config) * bool(rows) / part.divisor
            loss.backward()
            total += loss.detach()
        return float(total)

    @torch.no_grad()
    def _part_kl(self, part: MicroBatches) -> float:
        self.model.eval()
        total = 0.0
        for groups in part:
            rows = [self.mismatched[group] for group in groups]
            batch = collate(rows or self.padding_rows, self.device)
            total += float((self.logprobs(batch) - batch.ref_logprobs_K).sum()) * bool(rows)
        self.model.train()
        return total

    def logprobs(self, batch: Batch) -> torch.Tensor:
        """The log-probabilities of the batch's completion tokens (for `value` the log-odds of a pass after each), shape
        (K,), in the precision of this run."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision is torch.bfloat16):
            return self.scorer(batch)

    def _diverged(self, loss: float, groups: Sequence[int], checkpoint: Checkpoint | None) -> GateFailedError:
        """The error for a step whose loss or gradients are not finite. Unless the weights are not either, their state
        before the step is kept."""
        self.optimizer.zero_grad(set_to_none=True)
        bad: list[str] | None = None
        if divergence.all_finite(self.parameters):
            bad = []
            for group in groups:
                alone = LossPart(self.state.done, 0, 1, [[group]], 0.0)
                if not divergence.is_sound(self.parameters, lambda part=alone: self.part_loss(part)):  # type: ignore[misc]
                    first = self.groups[group][0]
                    bad.append(self.rows[first].problem or f"number {first + 1}")
            if checkpoint:
                self.kept.write(checkpoint)
        kept = str(checkpoint.path) if checkpoint and checkpoint.path.exists() else ""
        return divergence.divergence_error(self.state.done + 1, loss, bad, len(groups), kept)

    def is_checkpoint_due(self) -> bool:
        """Whether it is time to write the run's state."""
        return self.state.done < len(self.steps) and self.kept.is_due()

    def continue_optimizer(self, kept: Checkpoint) -> None:
        """Begins with the state that the optimizer had at the end of another training of the same parameters."""
        if state := kept.read():
            self.optimizer.load_state_dict(state)

    def metrics(self) -> dict[str, Any]:
        """What the run was. Losses are means over a tenth of the steps, at the beginning and at the end."""
        tenth = max(1, len(self.state.losses) // 10)
        mismatch = reference.logprob_mismatch(self.rows)
        return {
            "rows": len(self.rows),
            "steps": self.state.done,
            "loss_tokens": self.state.tokens,
            "loss_first": sum(self.state.losses[:tenth]) / tenth,
            "loss_last": sum(self.state.losses[-tenth:]) / tenth,
            "parameters": sum(p.numel() for p in self.parameters),
            "positions": self.state.positions,
            "seconds": self.state.seconds,
            **({} if mismatch is None else {"recorded_gap": mismatch}),
        }

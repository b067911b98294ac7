"""The training loop: rows in, a changed model and its metrics out. It knows no files but its own checkpoint.

Time goes into matrix products: the head is applied to completion positions alone, rows of similar lengths share a pass,
and a step's figures are read once. Equal inputs give equal weights on the same machine with the same threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch

from axiom_cli.errors import GateFailedError, MissingError, NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.training import divergence, drift, group, references, sharded
from axiom_cli.learning.training.batches import Batch, collate, padded
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.gradients import Gradients, spread
from axiom_cli.learning.training.interrupts import held_back
from axiom_cli.learning.training.optimizers import learning_rate, optimizer
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.units import steps_of, units_of
from axiom_cli.learning.training.weighing import weighed
from axiom_cli.models import memory, worker_pool
from axiom_cli.models.micro_batches import PASS_TOKENS, Passes, cut, pass_budget
from axiom_cli.models.weights import precision
from axiom_cli.settings.configs import TrainConfig


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


FEWEST = 2
"""Rows of a step that are worth a process."""
KEPT = ("done", "losses", "tokens", "positions", "seconds", "budget", "hands")
"""What a run is, beside its tensors. The last two decide how sums are rounded: a resumed run goes on with them."""
OnStep = Callable[[Progress], None]


def fit(
    model: torch.nn.Module,
    rows: Sequence[Row],
    config: TrainConfig,
    on_step: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[str, Any]:
    """Trains the parameters of `model` that require gradients, in place, and returns the run's metrics.

    The loss of a step is the sum over its completion tokens, weighted by row (for `sft`, weights have mean 1 over all
    tokens), divided by its number of tokens; for the others over its pairs or completions, divided by their number
    (`value`: weights have mean 1 over all rows). With `dpo` rows come in pairs, the chosen one first. With a
    checkpoint, Ctrl-C first finishes the step and writes it.

    NothingToDoError without rows; GateFailedError when the loss is no number; MissingError when memory does not
    suffice for passes half as large as the first ones.
    """
    if not rows:
        raise NothingToDoError("no rows to train on")
    run = _Run(model, weighed(rows, config), config)
    run.resume(checkpoint)
    with (
        _in_training(model, config),
        held_back(checkpoint is not None) as interrupted,
        spread(run.share, run.parameters, run.hands if run.forked > 1 else 1) as gradients,
    ):
        while run.done < len(run.steps):
            progress = run.step(gradients, checkpoint)
            if on_step:
                on_step(progress)
            stop, due = (group.summed(asked, run.device) > 0 for asked in (interrupted(), run.is_due()))
            if checkpoint and (stop or due):
                run.keep(checkpoint)
            if stop:
                raise KeyboardInterrupt(f"at step {run.done:,} of {len(run.steps):,}")
    return run.metrics()


@contextmanager
def _in_training(model: torch.nn.Module, config: TrainConfig) -> Iterator[None]:
    model.train()
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    try:
        yield
    finally:
        if config.gradient_checkpointing:
            model.gradient_checkpointing_disable()
        model.eval()


class _Run:
    """What one run holds between steps: the plan, the optimiser, how far it is."""

    def __init__(self, model: torch.nn.Module, rows: list[Row], config: TrainConfig) -> None:
        self.model, self.rows, self.config = model, rows, config
        self.objective = OBJECTIVES[config.objective]
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.device = self.parameters[0].device
        self.precision = precision(config, self.device)
        self.units, self.lengths = units_of(rows, self.objective)
        self.steps = steps_of(rows, self.units, self.lengths, self.objective, config)
        self.forked = (
            worker_pool.hands(model, config.batch_size * config.grad_accum // FEWEST) if group.size() == 1 else 1
        )
        self.hands = max(self.forked, group.size())
        self.optimizer = optimizer(model, config)
        self.scorer = self.objective.scorer(model, rows[0])
        budget = PASS_TOKENS if self.forked > 1 else pass_budget(self.device, config)
        self.budget = group.least(min(budget, self._affordable()), self.device)
        self.foreign = drift.foreign(rows, config.seed) if self.objective.needs_kl else []
        if self.objective.compares:
            self.rows, self.foreign = (
                references.recorded(some, self.logprobs, self.budget, self.device) for some in (rows, self.foreign)
            )
        self.done, self.losses, self.tokens, self.positions, self.seconds = 0, [], 0, 0, 0.0
        short = {name: getattr(rows[0], name)[:1] for name in ("prompt_ids", "completion_ids")}
        self.idle = [replace(rows[0], recorded=(), **short)] * self.objective.group_size
        self.halved = config.fsdp  # a process that ran out of memory has left the others waiting

    def step(self, gradients: Gradients, checkpoint: Checkpoint | None) -> Progress:
        """One optimiser step."""
        start = time.perf_counter()
        lr = learning_rate(self.done, len(self.steps), self.config)
        for part in self.optimizer.param_groups:
            part["lr"] = lr
        units = self.steps[self.done]
        tokens = sum(len(self.rows[row].completion_ids) for unit in units for row in self.units[unit])
        loss, positions = self._summed(gradients, units, tokens)
        norm = sharded.clip(self.parameters, self.config.max_grad_norm)
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise self._diverged(loss, units, checkpoint)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.done += 1
        self.losses.append(loss)
        self.tokens += tokens
        self.positions += positions
        self.seconds += time.perf_counter() - start
        return Progress(self.done, len(self.steps), loss, lr, norm, tokens, self.seconds)

    def _summed(self, gradients: Gradients, units: Sequence[int], tokens: int) -> tuple[float, int]:
        """A step's loss and padded tokens; its gradients are in the parameters. Where memory runs out, passes are
        halved once in a run. MissingError the next time."""
        divisor = tokens if self.objective.per_token else len(units)
        while True:
            shares = cut(units, self.lengths, self.budget, self.hands)
            try:
                anchor = self.anchor(gradients, units)
                parts = enumerate(sharded.even(shares, self.parameters))
                loss = gradients([(self.done, hand, divisor, passes, anchor) for hand, passes in parts])
                return loss, sum(padded(passes, self.lengths) for passes in shares)
            except (MemoryError, RuntimeError) as error:
                if not memory.is_shortage(error):
                    raise
                widest = max(padded([part], self.lengths) for passes in shares for part in passes)
                single = all(len(part) == 1 for passes in shares for part in passes)
            if self.halved or single:
                raise MissingError(
                    f"out of memory at step {self.done + 1}, in a pass of {widest:,} tokens", memory.LESS
                ) from None
            self.halved, self.budget = True, max(1, widest // 2)
            self.optimizer.zero_grad(set_to_none=True)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def anchor(self, gradients: Gradients, units: Sequence[int]) -> float:
        """The reference point of an objective that has one (drift.py)."""
        if not self.objective.needs_kl:
            return 0.0
        lengths = [row.length for row in self.foreign]
        shares = cut(units, lengths, self.budget, self.hands)
        return max(0.0, gradients([(passes,) for passes in sharded.even(shares, self.parameters)]) / len(units))

    def share(self, *told: Any) -> float:
        """What one hand is asked: its share of a step's loss, or of what comes before it."""
        return self.loss(*told) if len(told) > 1 else self.drift(*told)

    def drift(self, passes: Passes) -> float:
        """One hand's share of a step's drift, summed over its units."""
        self.model.eval()
        rows = [[self.foreign[unit] for unit in units] for units in passes]
        drifts = [drift.drifted(some or self.idle, self.logprobs, self.device) * bool(some) for some in rows]
        self.model.train()
        return sum(drifts)

    def loss(self, done: int, hand: int, divisor: int, passes: Passes, anchor: float) -> float:
        """The loss of one hand's share of a step that is divided by so much; its gradients are added to the
        parameters'. What is drawn at random (dropout) depends on the step and the hand alone."""
        torch.manual_seed(hash((self.config.seed, done, hand)))
        total = torch.zeros((), device=self.device)
        for units in passes:
            rows = [self.rows[row] for unit in units for row in self.units[unit]]
            batch = collate(rows or self.idle, self.device)
            loss = self.objective.loss(self.logprobs(batch), batch, anchor, self.config) * bool(rows) / divisor
            loss.backward()
            total += loss.detach()
        return float(total)

    def logprobs(self, batch: Batch) -> torch.Tensor:
        """The log-probabilities of the batch's completion tokens (for `value` the log-odds of a pass after each), shape
        (K,), in the precision of this run."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision is torch.bfloat16):
            return self.scorer(batch)

    def _affordable(self) -> int:
        """How many padded tokens a pass may hold for the memory that is free. MissingError where a few are too many."""

        def forward(times: int) -> torch.Tensor:
            return self.logprobs(collate([self.rows[0]] * times, self.device))

        learnt = sum(sharded.own(p).numel() for p in self.parameters)
        try:
            token = memory.token_bytes(forward, self.rows[0].length)
        except (MemoryError, RuntimeError) as error:
            if not memory.is_shortage(error):
                raise
            raise MissingError("out of memory before the first step", memory.LESS) from None
        if self.config.gradient_checkpointing:
            token = memory.checkpointed(token, self.model)
        sharing = self.hands if self.device.type == "cpu" else 1
        return max(1, int(memory.for_passes(self.device, learnt) / sharing / token))

    def _diverged(self, loss: float, units: Sequence[int], checkpoint: Checkpoint | None) -> GateFailedError:
        """What to say of a step whose loss or gradients are no numbers. Unless the weights are none either, their state
        before the step is kept."""
        self.optimizer.zero_grad(set_to_none=True)
        if sound := divergence.are_finite(self.parameters):
            bad = [one for one in units if not divergence.is_sound(self.parameters, lambda one=one: self._alone(one))]
            if checkpoint:
                self.keep(checkpoint)
        kept = str(checkpoint.path) if checkpoint and checkpoint.path.exists() else ""
        firsts = [self.units[unit][0] for unit in bad] if sound else []
        names = [self.rows[row].problem or f"number {row + 1}" for row in firsts] if sound else None
        return divergence.refusal(self.done, loss, names, len(units), kept)

    def _alone(self, unit: int) -> float:
        return self.loss(self.done, 0, 1, [[unit]], 0.0)

    def is_due(self) -> bool:
        """Whether it is time to write the run's state."""
        return self.done < len(self.steps) and self.seconds >= self._next_keep

    def keep(self, checkpoint: Checkpoint) -> None:
        """Writes the run's state whole."""
        self._next_keep = self.seconds + checkpoint.every_seconds
        parameters = [p.detach() for p in self.parameters]
        tensors = sharded.whole({"parameters": parameters, "optimizer": self.optimizer.state_dict()})
        if group.is_first():
            checkpoint.write({"of": self._identity, **{name: getattr(self, name) for name in KEPT}, **tensors})

    @torch.no_grad()
    def resume(self, checkpoint: Checkpoint | None) -> None:
        """Goes on from a checkpoint of the same rows and config, if there is one."""
        self._next_keep = checkpoint.every_seconds if checkpoint else 0.0
        state = checkpoint.read() if checkpoint and group.is_first() else None
        state = sharded.told(state if state and state["of"] == self._identity else None, self.parameters)
        if not state:
            return
        for parameter, kept in zip(self.parameters, state["parameters"], strict=True):
            parameter.copy_(kept)
        self.optimizer.load_state_dict(state["optimizer"])
        for name in KEPT:
            setattr(self, name, state[name])
        self._next_keep = self.seconds + checkpoint.every_seconds

    @cached_property
    def _identity(self) -> dict[str, Any]:
        shapes = [list(p.shape) for p in self.parameters]
        rows = content_id([(row.prompt_ids, row.completion_ids, row.weight, row.label) for row in self.rows])
        return {"config": self.config.learning(), "rows": rows, "shapes": shapes}

    def metrics(self) -> dict[str, Any]:
        """What the run was. Losses are means over a tenth of the steps, at the beginning and at the end."""
        tenth = max(1, len(self.losses) // 10)
        gap = references.gap(self.rows)
        return {
            "rows": len(self.rows),
            "steps": self.done,
            "loss_tokens": self.tokens,
            "loss_first": sum(self.losses[:tenth]) / tenth,
            "loss_last": sum(self.losses[-tenth:]) / tenth,
            "parameters": sum(p.numel() for p in self.parameters),
            "positions": self.positions,
            "seconds": self.seconds,
            **({} if gap is None else {"recorded_gap": gap}),
        }

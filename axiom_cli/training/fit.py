"""The training loop: rows in, a changed model and its metrics out. It knows no files but its own checkpoint.

Time goes into matrix products: the head is applied to completion positions alone, rows of similar lengths share a pass,
and a step's figures are read once. Equal inputs give equal weights on the same machine with the same threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from axiom_cli.configs import TrainConfig
from axiom_cli.errors import GateFailed, InputError, NothingToDo, UsageError
from axiom_cli.ids import content_id
from axiom_cli.training import crew, drift, objectives, references
from axiom_cli.training.batches import PASS_TOKENS, Batch, Passes, collate, cut, padded, pass_budget
from axiom_cli.training.gradients import Gradients, spread
from axiom_cli.training.muon import Muon
from axiom_cli.training.rows import Row
from axiom_cli.training.units import steps_of, units_of


@dataclass(frozen=True)
class Progress:
    """One optimiser step, as it is reported. `loss` is the objective's mean over the step: for `sft` the weighted mean
    over its completion tokens, in nats."""

    step: int
    steps: int
    loss: float
    lr: float
    grad_norm: float
    tokens: int
    seconds: float


FEWEST = 2
"""Rows of a step that are worth a process."""
OnStep = Callable[[Progress], None]


@dataclass(frozen=True)
class Checkpoint:
    """Where a long run keeps its state, and how often. A run that finds one goes on from it, to the same weights."""

    path: Path
    every_seconds: float = 120.0


def fit(
    model: torch.nn.Module,
    rows: Sequence[Row],
    config: TrainConfig,
    on_step: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[str, Any]:
    """Trains the parameters of `model` that require gradients, in place, and returns the run's metrics.

    The loss of a step is the sum over its completion tokens, weighted by row (for `sft`, weights have mean 1 over all
    tokens), divided by its number of tokens; for `dpo` and `kto` over its pairs or completions, divided by their
    number. With `dpo` rows come in pairs, the chosen one first. NothingToDo without rows; GateFailed when the loss is
    no number.
    """
    if not rows:
        raise NothingToDo("no rows to train on")
    run = _Run(model, _checked(rows, config), config)
    run.resume(checkpoint)
    model.train()
    try:
        with spread(run.share, run.parameters, run.hands) as gradients:
            while run.done < len(run.steps):
                progress = run.step(gradients)
                if on_step:
                    on_step(progress)
                run.keep(checkpoint)
    finally:
        model.eval()
    return run.metrics()


def learning_rate(step: int, steps: int, config: TrainConfig) -> float:
    """Linear warm-up to `config.lr` over the `warmup` share of the steps, then half a cosine down to a tenth of it."""
    warm = max(1, math.ceil(config.warmup * steps)) if config.warmup else 0
    if step < warm:
        return config.lr * (step + 1) / warm
    way = (step - warm + 1) / max(1, steps - warm)
    return config.lr * (0.1 + 0.45 * (1 + math.cos(math.pi * way)))


class _Run:
    """What one run holds between steps: the plan, the optimiser, how far it is."""

    def __init__(self, model: torch.nn.Module, rows: list[Row], config: TrainConfig) -> None:
        self.model, self.rows, self.config = model, rows, config
        self.objective = objectives.get(config.objective)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.device = self.parameters[0].device
        self.units, self.lengths = units_of(rows, self.objective)
        self.steps = steps_of(rows, self.units, self.lengths, self.objective, config)
        self.hands = crew.hands(model, config.batch_size * config.grad_accum // FEWEST)
        self.budget = PASS_TOKENS if self.hands > 1 else pass_budget(self.device, config)
        self.optimizer = _optimizer(model, config)
        self.logprobs = scorer(model, rows[0])
        self.foreign = drift.foreign(rows, config.seed) if self.objective.drifts else []
        if self.objective.compares:
            self.rows, self.foreign = (
                references.recorded(some, self.logprobs, self.budget, self.device) for some in (rows, self.foreign)
            )
        self.done, self.losses, self.tokens, self.positions, self.seconds = 0, [], 0, 0, 0.0

    def step(self, gradients: Gradients) -> Progress:
        """One optimiser step."""
        start = time.perf_counter()
        lr = learning_rate(self.done, len(self.steps), self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        units = self.steps[self.done]
        tokens = sum(len(self.rows[row].completion_ids) for unit in units for row in self.units[unit])
        divisor = tokens if self.objective.by_token else len(units)
        anchor = self.anchor(gradients, units)
        shares = cut(units, self.lengths, self.budget, self.hands)
        loss = gradients([(self.done, hand, divisor, passes, anchor) for hand, passes in enumerate(shares)])
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.config.max_grad_norm))
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise GateFailed(f"training diverged at step {self.done + 1}: loss {loss}", "lower --lr")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.done += 1
        self.losses.append(loss)
        self.tokens += tokens
        self.positions += sum(padded(passes, self.lengths) for passes in shares)
        self.seconds += time.perf_counter() - start
        return Progress(self.done, len(self.steps), loss, lr, norm, tokens, self.seconds)

    def anchor(self, gradients: Gradients, units: Sequence[int]) -> float:
        """The reference point of an objective that has one (drift.py)."""
        if not self.objective.drifts:
            return 0.0
        lengths = [row.length for row in self.foreign]
        shares = cut(units, lengths, self.budget, self.hands)
        return max(0.0, gradients([(passes,) for passes in shares]) / len(units))

    def share(self, *told: Any) -> float:
        """What one hand is asked: its share of a step's loss, or of what comes before it."""
        return self.loss(*told) if len(told) > 1 else self.drift(*told)

    def drift(self, passes: Passes) -> float:
        """One hand's share of a step's drift, summed over its units."""
        self.model.eval()
        drifts = [drift.drifted([self.foreign[unit] for unit in units], self.logprobs, self.device) for units in passes]
        self.model.train()
        return sum(drifts)

    def loss(self, done: int, hand: int, divisor: int, passes: Passes, anchor: float) -> float:
        """The loss of one hand's share of a step that is divided by so much; its gradients are added to the
        parameters'. What is drawn at random (dropout) depends on the step and the hand alone."""
        torch.manual_seed(hash((self.config.seed, done, hand)))
        total = torch.zeros((), device=self.device)
        for units in passes:
            batch = collate([self.rows[row] for unit in units for row in self.units[unit]], self.device)
            loss = self.objective.loss(self.logprobs(batch), batch, anchor, self.config) / divisor
            loss.backward()
            total += loss.detach()
        return float(total)

    def keep(self, checkpoint: Checkpoint | None) -> None:
        """Writes the run's state whole, if it is time."""
        if not checkpoint or self.done == len(self.steps) or self.seconds < self._next_keep:
            return
        self._next_keep = self.seconds + checkpoint.every_seconds
        state = {
            "of": self._identity,
            "done": self.done,
            "losses": self.losses,
            "tokens": self.tokens,
            "positions": self.positions,
            "seconds": self.seconds,
            "parameters": [p.detach() for p in self.parameters],
            "optimizer": self.optimizer.state_dict(),
        }
        draft = checkpoint.path.with_suffix(".part")
        torch.save(state, draft)
        draft.replace(checkpoint.path)

    @torch.no_grad()
    def resume(self, checkpoint: Checkpoint | None) -> None:
        """Goes on from a checkpoint of the same rows and config, if there is one."""
        self._next_keep = checkpoint.every_seconds if checkpoint else 0.0
        if not checkpoint or not checkpoint.path.exists():
            return
        state = torch.load(checkpoint.path, map_location=self.device, weights_only=True)
        if state["of"] != self._identity:
            return
        for parameter, kept in zip(self.parameters, state["parameters"], strict=True):
            parameter.copy_(kept)
        self.optimizer.load_state_dict(state["optimizer"])
        for name in ("done", "losses", "tokens", "positions", "seconds"):
            setattr(self, name, state[name])

    @cached_property
    def _identity(self) -> dict[str, Any]:
        shapes = [list(p.shape) for p in self.parameters]
        rows = content_id([(row.prompt_ids, row.completion_ids, row.weight) for row in self.rows])
        return {"config": asdict(self.config), "rows": rows, "shapes": shapes}

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


def scorer(model: torch.nn.Module, probe: Row) -> Callable[[Batch], torch.Tensor]:
    """A function from a batch to the log-probabilities of its completion tokens, shape (K,).

    The head is applied to those K positions alone. Some architectures do more to their logits than the head does
    (soft caps, scales); `probe` tells, and then the model's own logits are used, at the price of computing all of them.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    decoder, head = inner.get_decoder(), inner.get_output_embeddings()
    batch = collate([probe], next(model.parameters()).device)

    def selected(batch: Batch) -> torch.Tensor:
        hidden_BTH = decoder(input_ids=batch.input_ids_BT, use_cache=False).last_hidden_state
        return head(hidden_BTH.flatten(0, 1)[batch.at_K])

    def whole(batch: Batch) -> torch.Tensor:
        return inner(input_ids=batch.input_ids_BT, use_cache=False).logits.flatten(0, 1)[batch.at_K]

    with torch.no_grad():
        same = torch.allclose(selected(batch).float(), whole(batch).float(), rtol=1e-2, atol=1e-2)
    logits = selected if same else whole
    return lambda batch: -functional.cross_entropy(logits(batch).float(), batch.targets_K, reduction="none")


def _checked(rows: Sequence[Row], config: TrainConfig) -> list[Row]:
    """The rows as the objective takes them. NothingToDo where no row has any weight, InputError for a row without a
    prompt to go on from or without a token to learn."""
    if not all(row.prompt_ids and row.completion_ids for row in rows):
        raise InputError("a row has no prompt, or every token of it is masked: nothing could be learnt from it")
    if not any(row.weight for row in rows):
        raise NothingToDo("no row has any weight")
    return list(rows) if objectives.get(config.objective).compares else _normalised(rows)


def _normalised(rows: Sequence[Row]) -> list[Row]:
    """The same rows with weights of mean 1 over completion tokens."""
    mass = sum(row.weight * len(row.completion_ids) for row in rows)
    if mass <= 0:
        raise NothingToDo("no row has any weight")
    scale = sum(len(row.completion_ids) for row in rows) / mass
    return [replace(row, weight=row.weight * scale) for row in rows]


def _optimizer(model: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW, or Muon for the hidden matrices. Weight decay falls on matrices only."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    embeddings = {id(p) for m in model.modules() if isinstance(m, torch.nn.Embedding) for p in m.parameters()}
    matrices = [p for _, p in named if p.dim() > 1]
    vectors = [p for _, p in named if p.dim() < 2]
    if config.optimizer == "muon":
        hidden = [p for p in matrices if id(p) not in embeddings]
        rest = [p for p in matrices if id(p) in embeddings] + vectors
        groups = [{"params": hidden, "orthogonal": True, "weight_decay": config.weight_decay}]
        return Muon([*groups, {"params": rest, "orthogonal": False}], lr=config.lr)
    if config.optimizer != "adamw":
        raise UsageError(f"no optimizer {config.optimizer!r}", "adamw or muon")
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.lr, betas=(0.9, 0.99), fused=True)

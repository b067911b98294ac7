"""Fitting a value function: binary cross-entropy on every prefix of a completion, against the verdict on the whole."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from axiom_cli.configs import TrainConfig
from axiom_cli.errors import GateFailed
from axiom_cli.training import crew, lora
from axiom_cli.training.batches import PASS_TOKENS, Passes, collate, cut, pass_budget, plan
from axiom_cli.training.fit import FEWEST, OnStep, Progress
from axiom_cli.training.gradients import Gradients, spread
from axiom_cli.training.merge import whole_folder
from axiom_cli.training.optimizers import learning_rate
from axiom_cli.training.trainer import Trainer
from axiom_cli.training.value import Judged, logits, new_head, save

LAST = 0.5
"""Share of a row's loss that falls on its last token, where the value is read; its prefixes share the rest evenly."""


def fit_value(
    trainer: Trainer, rows: Sequence[Judged], digest: str, config: TrainConfig, out: Path, on_step: OnStep | None = None
) -> dict[str, Any]:
    """Fits LoRA and head on `rows`, some of which pass and some of which fail, and writes the folder `out` whole or not
    at all. `digest` is the base's. Every row's loss counts with its weight, however long it is."""
    mass = math.fsum(row.weight for row in rows)
    rate = math.fsum(row.weight * row.label for row in rows) / mass
    head = new_head(trainer.model, rate)
    with lora.attached(trainer.model, config) as wrapped:
        run = _Run(wrapped, head, rows, config)
        wrapped.train()
        try:
            with spread(run.loss, run.parameters, run.hands) as gradients:
                while run.done < len(run.steps):
                    progress = run.step(gradients)
                    if on_step:
                        on_step(progress)
        finally:
            wrapped.eval()
        with whole_folder(out) as draft:
            save(wrapped, head, draft, (trainer.name, digest), (row.problem for row in rows))
    return {**run.metrics(), "pass_rate": rate}


class _Run:
    """What a run holds between steps."""

    def __init__(
        self, model: torch.nn.Module, head: torch.nn.Linear, rows: Sequence[Judged], config: TrainConfig
    ) -> None:
        self.model, self.head, self.rows, self.config = model, head, rows, config
        adapted = [p for p in model.parameters() if p.requires_grad]
        self.parameters = [*adapted, *head.parameters()]
        self.device = head.weight.device
        self.lengths = [row.length for row in rows]
        self.steps = plan(self.lengths, config)
        self.scale = len(rows) / math.fsum(row.weight for row in rows)
        self.hands = crew.hands(model, config.batch_size * config.grad_accum // FEWEST)
        self.budget = PASS_TOKENS if self.hands > 1 else pass_budget(self.device, config)
        groups = [{"params": adapted, "weight_decay": config.weight_decay}]
        groups.append({"params": list(head.parameters()), "weight_decay": 0.0})
        self.optimizer = torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.99), fused=True)
        self.done, self.losses, self.seconds = 0, [], 0.0

    def step(self, gradients: Gradients) -> Progress:
        """One optimiser step."""
        start = time.perf_counter()
        lr = learning_rate(self.done, len(self.steps), self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        rows = self.steps[self.done]
        shares = cut(rows, self.lengths, self.budget, self.hands)
        loss = gradients([(self.done, hand, len(rows), passes) for hand, passes in enumerate(shares)])
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.config.max_grad_norm))
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise GateFailed(f"training diverged at step {self.done + 1}: loss {loss}", "lower --lr")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.done += 1
        self.losses.append(loss)
        self.seconds += time.perf_counter() - start
        tokens = sum(len(self.rows[row].completion_ids) for row in rows)
        return Progress(self.done, len(self.steps), loss, lr, norm, tokens, self.seconds)

    def loss(self, done: int, hand: int, count: int, passes: Passes) -> float:
        """The loss of one hand's share of a step of `count` rows; its gradients are added to the parameters'."""
        torch.manual_seed(hash((self.config.seed, done, hand)))
        total = 0.0
        for places in passes:
            rows = [self.rows[place] for place in places]
            labels_K, weights_K = _targets(rows, self.device)
            logits_K = logits(self.model, self.head, collate(rows, self.device))
            losses_K = functional.binary_cross_entropy_with_logits(logits_K, labels_K, reduction="none")
            loss = (losses_K * weights_K).sum() * self.scale / count
            loss.backward()
            total += float(loss.detach())
        return total

    def metrics(self) -> dict[str, Any]:
        """What the run was. Losses are means over a tenth of the steps, in nats a row, at the beginning and the end."""
        tenth = max(1, len(self.losses) // 10)
        return {
            "rows": len(self.rows),
            "steps": self.done,
            "loss_first": sum(self.losses[:tenth]) / tenth,
            "loss_last": sum(self.losses[-tenth:]) / tenth,
            "parameters": sum(p.numel() for p in self.parameters),
            "seconds": self.seconds,
        }


def _targets(rows: Sequence[Judged], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The label and the weight of every completion token, shapes (K,); the weights of a row add up to its own."""
    labels: list[torch.Tensor] = []
    weights: list[torch.Tensor] = []
    for row in rows:
        size = len(row.completion_ids)
        weights_T = torch.full((size,), row.weight * (1 - LAST) / size)
        weights_T[-1] += row.weight * LAST
        labels.append(torch.full((size,), row.label))
        weights.append(weights_T)
    return torch.cat(labels).to(device), torch.cat(weights).to(device)

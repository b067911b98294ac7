"""What is minimised: pure functions of tensors, and a table that says how each meets a batch.

`sft` imitates accepted completions. The others compare, and so they need to know how likely each completion was before
training began (references.py): `dpo` wants a passing completion to gain on a failing one of the same problem, `kto`
wants passing ones to rise and failing ones to fall against a common reference point, `grpo` reinforces each token by
how much better its completion did than the other attempts at its problem (docs/decisions/0011). `value` fits no policy
but a head that tells what passes from what fails (docs/decisions/0012).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional

from axiom_cli.learning.training import value_objective
from axiom_cli.learning.training.batches import Batch
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.scoring import Scorer, scorer
from axiom_cli.settings.configs import TrainConfig

LAST = 0.5
"""Share of a row's loss that `value` puts on its last token, where the value is read; the rest is its prefixes'."""


def sft(logprobs_K: torch.Tensor, weights_K: torch.Tensor) -> torch.Tensor:
    """Weighted negative log-likelihood of accepted completions, a loss a token (STaR, 2203.14465; ReST-EM, 2312.06585):

    L_k = -w_k log p(y_k)
    """
    return -weights_K * logprobs_K


def dpo(
    chosen_P: torch.Tensor,
    rejected_P: torch.Tensor,
    reference_chosen_P: torch.Tensor,
    reference_rejected_P: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """Direct preference optimisation (2305.18290, equation 7), a loss a pair:

    L = -log sigmoid(beta (log p(y+) / q(y+) - log p(y-) / q(y-)))

    All four are log-probabilities of whole completions, in nats, under the model p and the reference q. It depends on
    the difference of the two ratios alone: both completions may become less likely while it falls.
    """
    margins_P = (chosen_P - reference_chosen_P) - (rejected_P - reference_rejected_P)
    return -functional.logsigmoid(beta * margins_P)


def grpo(logprobs_K: torch.Tensor, recorded_K: torch.Tensor, advantages_K: torch.Tensor, clip: float) -> torch.Tensor:
    """Group-relative policy optimisation (2402.03300, equation 3, without its KL term), a loss a token:

    r = p(y_k) / q(y_k),  L_k = -min(r A_k, clip(r, 1 - clip, 1 + clip) A_k)

    `recorded_K` is log q(y_k), the token under the policy that sampled it, at temperature 1. `advantages_K` is the
    completion's reward minus its group's mean, the same for all of its tokens and not divided by the group's standard
    deviation (Dr. GRPO, 2503.20783). A token whose ratio has left the interval in the direction that its advantage asks
    for has no gradient.
    """
    ratios_K = (logprobs_K - recorded_K).exp()
    clipped_K = ratios_K.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratios_K * advantages_K, clipped_K * advantages_K)


def kto(
    logprobs_R: torch.Tensor, reference_R: torch.Tensor, weights_R: torch.Tensor, anchor: float, beta: float
) -> torch.Tensor:
    """Kahneman-Tversky optimisation (2402.01306, section 4.1), a loss a completion:

    L = w (1 - sigmoid(s beta (log p(y) / q(y) - z)))

    s = 1 where the completion passed (weight above zero) and -1 where it failed (below), and w = |weight|. `anchor` is
    z >= 0, the reference point, in nats: an estimate of KL(p || q) without a gradient (drift.py).
    """
    rewards_R = beta * (logprobs_R - reference_R - anchor)
    return weights_R.abs() * torch.sigmoid(-weights_R.sign() * rewards_R)


def value(logits_K: torch.Tensor, labels_K: torch.Tensor, weights_K: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of P(correct) after each token against the verdict on the whole, a loss a token (the verifiers of
    2110.14168 predict it after every token, too):

    v = sigmoid(logit),  L_k = -w_k (y log v_k + (1 - y) log(1 - v_k))

    `labels_K` is y, the share of the completion's verdicts that are passes, the same for all of its tokens.
    """
    return weights_K * functional.binary_cross_entropy_with_logits(logits_K, labels_K, reduction="none")


@dataclass(frozen=True)
class Objective:
    """How an objective meets a batch: `loss(logprobs_K, batch, anchor, config)` is the sum over the batch, which `fit`
    divides by the step's completion tokens (`by_token`) or by its units. A unit is `rows` rows that share a pass. With
    `grouped`, the units of a problem share a step. `scorer` makes what gives the loss its number a token."""

    loss: Callable[[torch.Tensor, Batch, float, TrainConfig], torch.Tensor]
    rows: int = 1
    by_token: bool = True
    grouped: bool = False
    compares: bool = True
    drifts: bool = False
    scorer: Callable[[torch.nn.Module, Row], Scorer] = scorer


def _sft(logprobs_K: torch.Tensor, batch: Batch, anchor: float, config: TrainConfig) -> torch.Tensor:
    return sft(logprobs_K, batch.weights_K).sum()


def _dpo(logprobs_K: torch.Tensor, batch: Batch, anchor: float, config: TrainConfig) -> torch.Tensor:
    chosen_P, rejected_P = batch.by_row(logprobs_K).view(-1, 2).unbind(1)
    reference_chosen_P, reference_rejected_P = batch.by_row(batch.recorded_K).view(-1, 2).unbind(1)
    return dpo(chosen_P, rejected_P, reference_chosen_P, reference_rejected_P, config.beta).sum()


def _grpo(logprobs_K: torch.Tensor, batch: Batch, anchor: float, config: TrainConfig) -> torch.Tensor:
    return grpo(logprobs_K, batch.recorded_K, batch.weights_K, config.clip).sum()


def _kto(logprobs_K: torch.Tensor, batch: Batch, anchor: float, config: TrainConfig) -> torch.Tensor:
    logprobs_R, reference_R = batch.by_row(logprobs_K), batch.by_row(batch.recorded_K)
    return kto(logprobs_R, reference_R, batch.weights_R, anchor, config.beta).sum()


def _value(logits_K: torch.Tensor, batch: Batch, anchor: float, config: TrainConfig) -> torch.Tensor:
    counts_R = torch.tensor(batch.counts, device=logits_K.device)
    weights_K = (batch.weights_R * (1 - LAST) / counts_R).repeat_interleave(counts_R)
    weights_K[counts_R.cumsum(0) - 1] += batch.weights_R * LAST
    return value(logits_K, batch.labels_R.repeat_interleave(counts_R), weights_K).sum()


OBJECTIVES: Mapping[str, Objective] = {
    "sft": Objective(_sft, compares=False),
    "dpo": Objective(_dpo, rows=2, by_token=False),
    "grpo": Objective(_grpo, grouped=True),
    "kto": Objective(_kto, by_token=False, drifts=True),
    "value": Objective(_value, by_token=False, compares=False, scorer=value_objective.scorer),
}


def get(name: str) -> Objective:
    """The objective called `name`."""
    return OBJECTIVES[name]

"""What is minimised: pure functions of tensors, and in LOSSES how each objective's meets a batch.

`sft` imitates accepted completions. The others compare, and so they need to know how likely each completion was before
training began (reference.py): `dpo` wants a passing completion to gain on a failing one of the same problem, `kto`
wants passing ones to rise and failing ones to fall against a common reference point, `grpo` reinforces each token by
how much better its completion did than the other attempts at its problem (docs/decisions/0011). `value` fits no policy
but a head that tells what passes from what fails (docs/decisions/0012); `value-dpo` does so by dpo's loss, after
which the likelihood ranks samples (V-STaR, 2402.06457).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.nn import functional

from axiom_cli.learning.training.batches import Batch
from axiom_cli.settings.configs import TrainConfig

LAST_TOKEN_SHARE = 0.5
"""Share of a row's `value` loss that falls on its last token, where the value is read; the prefixes share the rest."""
Loss = Callable[[torch.Tensor, Batch, float, TrainConfig], torch.Tensor]
"""A loss summed over a batch, given what the run's scorer says of each completion token (K,), the batch, the estimate
of KL(p || q) and the config."""


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


def grpo(
    logprobs_K: torch.Tensor, ref_logprobs_K: torch.Tensor, advantages_K: torch.Tensor, clip: float
) -> torch.Tensor:
    """Group-relative policy optimisation (2402.03300, equation 3, without its KL term), a loss a token:

    r = p(y_k) / q(y_k),  L_k = -min(r A_k, clip(r, 1 - clip, 1 + clip) A_k)

    `ref_logprobs_K` is log q(y_k), the token under the policy that sampled it, at temperature 1. `advantages_K` is the
    completion's reward minus its group's mean, the same for all of its tokens and not divided by the group's standard
    deviation (Dr. GRPO, 2503.20783). A token whose ratio has left the interval in the direction that its advantage asks
    for has no gradient.
    """
    ratios_K = (logprobs_K - ref_logprobs_K).exp()
    clipped_K = ratios_K.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratios_K * advantages_K, clipped_K * advantages_K)


def kto(
    logprobs_R: torch.Tensor, reference_R: torch.Tensor, weights_R: torch.Tensor, anchor: float, beta: float
) -> torch.Tensor:
    """Kahneman-Tversky optimisation (2402.01306, section 4.1), a loss a completion:

    L = w (1 - sigmoid(s beta (log p(y) / q(y) - z)))

    s = 1 where the completion passed (weight above zero) and -1 where it failed (below), and w = |weight|. `anchor` is
    z >= 0, the reference point, in nats: an estimate of KL(p || q) without a gradient (reference.py).
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


def _dpo_loss(logprobs_K: torch.Tensor, batch: Batch, _kl: float, config: TrainConfig) -> torch.Tensor:
    chosen_P, rejected_P = batch.by_row(logprobs_K).view(-1, 2).unbind(1)
    reference_chosen_P, reference_rejected_P = batch.by_row(batch.ref_logprobs_K).view(-1, 2).unbind(1)
    return dpo(chosen_P, rejected_P, reference_chosen_P, reference_rejected_P, config.beta).sum()


def _value_loss(logits_K: torch.Tensor, batch: Batch, _kl: float, _config: TrainConfig) -> torch.Tensor:
    counts_R = batch.counts_R
    weights_K = (batch.weights_R * (1 - LAST_TOKEN_SHARE) / counts_R).repeat_interleave(counts_R)
    weights_K[counts_R.cumsum(0) - 1] += batch.weights_R * LAST_TOKEN_SHARE
    return value(logits_K, batch.labels_R.repeat_interleave(counts_R), weights_K).sum()


LOSSES: Mapping[str, Loss] = {
    "sft": lambda logprobs_K, batch, _kl, _config: sft(logprobs_K, batch.weights_K).sum(),
    "dpo": _dpo_loss,
    "grpo": lambda logprobs_K, batch, _kl, config: grpo(
        logprobs_K, batch.ref_logprobs_K, batch.weights_K, config.clip
    ).sum(),
    "kto": lambda logprobs_K, batch, kl, config: kto(
        batch.by_row(logprobs_K), batch.by_row(batch.ref_logprobs_K), batch.weights_R, kl, config.beta
    ).sum(),
    "value": _value_loss,
    "value-dpo": _dpo_loss,
}

"""The objectives: one entry each, for how its examples are selected, mixed by a loop, encoded, and scored by a loss.

To add an objective, add an entry to OBJECTIVES, with its formula in training/losses.py. Everything that asks for torch
is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axiom_cli.learning import preference, rejection_sampling, replay, value_labels
from axiom_cli.learning.preference import PreferenceData
from axiom_cli.learning.rejection_sampling import Selection
from axiom_cli.learning.replay import Mix
from axiom_cli.learning.training_example import Screen, TrainingExample
from axiom_cli.learning.value_labels import ValueData
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig

if TYPE_CHECKING:
    import torch

    from axiom_cli.learning.training.batches import Batch
    from axiom_cli.learning.training.rows import Encoded, Row
    from axiom_cli.learning.training.scoring import Scorer

Chosen = Selection | PreferenceData | ValueData
Examples = Sequence[TrainingExample]
LAST_TOKEN_SHARE = 0.5
"""Share of a row's `value` loss that falls on its last token, where the value is read; the prefixes share the rest."""


def logprob_scorer(model: torch.nn.Module, probe: Row) -> Scorer:
    """A function from a batch to the log-probabilities of its completion tokens, shape (K,)."""
    from axiom_cli.learning.training.scoring import scorer

    return scorer(model, probe)


@dataclass(frozen=True)
class Objective:
    """One way to learn from verdicts.

    `select` turns verdicts into training examples, without the samples that the screen knows. `mix` makes a loop's
    round of new, historical and cold-start examples, given the share of each and a seed; None where a loop cannot train
    it. `encode` turns examples into rows of token ids, given tokenizer, end ids, config and the digest of the base
    model. `loss` is summed over a batch, given what `scorer` says of each completion token (K,), the batch, the KL
    estimate and the config; `fit` divides it by the completion tokens of the step (`per_token`), or else by its groups.

    A group is `group_size` consecutive rows that share a forward pass; with `problem_in_one_step` all groups of a
    problem share an optimiser step. What `compares` attempts needs the log-probabilities of each row before training;
    `needs_kl` says that the loss uses an estimate of the distance from the reference model.
    """

    select: Callable[[Iterable[Verdict], TrainConfig, Screen | None], Chosen]
    mix: Callable[[Examples, Examples, Examples, Mapping[str, float], int], Mix] | None
    encode: Callable[[Examples, Any, Sequence[int], TrainConfig, str], Encoded]
    loss: Callable[[torch.Tensor, Batch, float, TrainConfig], torch.Tensor]
    scorer: Callable[[torch.nn.Module, Row], Scorer] = logprob_scorer
    group_size: int = 1
    per_token: bool = True
    problem_in_one_step: bool = False
    compares: bool = True
    needs_kl: bool = False


def _encode_completions(
    examples: Examples, tokenizer: Any, ends: Sequence[int], config: TrainConfig, base: str
) -> Encoded:
    """Rows of finished samples. If one sample of a group is left out, so is the whole group."""
    from axiom_cli.learning.training.grouping import complete_groups
    from axiom_cli.learning.training.rows import encode

    pairs = ((example.verdict.sample, example.row_weight) for example in examples)
    encoded = encode(pairs, tokenizer, ends, config.max_length, base)
    encoded.rows = complete_groups(encoded, OBJECTIVES[config.objective].group_size)
    return encoded


def _encode_judged(examples: Examples, tokenizer: Any, ends: Sequence[int], config: TrainConfig, _base: str) -> Encoded:
    """Rows of all samples, cut-off ones too. They may be another model's, since only their text counts."""
    from axiom_cli.learning.training import value_function

    judged = ((example.verdict.sample, example.row_weight, example.label) for example in examples)
    return value_function.encode(judged, tokenizer, ends, config.max_length)


def _sft_loss(logprobs_K: torch.Tensor, batch: Batch, _kl: float, _config: TrainConfig) -> torch.Tensor:
    from axiom_cli.learning.training.losses import sft

    return sft(logprobs_K, batch.weights_K).sum()


def _dpo_loss(logprobs_K: torch.Tensor, batch: Batch, _kl: float, config: TrainConfig) -> torch.Tensor:
    from axiom_cli.learning.training.losses import dpo

    chosen_P, rejected_P = batch.by_row(logprobs_K).view(-1, 2).unbind(1)
    reference_chosen_P, reference_rejected_P = batch.by_row(batch.ref_logprobs_K).view(-1, 2).unbind(1)
    return dpo(chosen_P, rejected_P, reference_chosen_P, reference_rejected_P, config.beta).sum()


def _grpo_loss(logprobs_K: torch.Tensor, batch: Batch, _kl: float, config: TrainConfig) -> torch.Tensor:
    from axiom_cli.learning.training.losses import grpo

    return grpo(logprobs_K, batch.ref_logprobs_K, batch.weights_K, config.clip).sum()


def _kto_loss(logprobs_K: torch.Tensor, batch: Batch, kl: float, config: TrainConfig) -> torch.Tensor:
    from axiom_cli.learning.training.losses import kto

    logprobs_R, reference_R = batch.by_row(logprobs_K), batch.by_row(batch.ref_logprobs_K)
    return kto(logprobs_R, reference_R, batch.weights_R, kl, config.beta).sum()


def _value_loss(logits_K: torch.Tensor, batch: Batch, _kl: float, _config: TrainConfig) -> torch.Tensor:
    from axiom_cli.learning.training.losses import value

    counts_R = batch.counts_R
    weights_K = (batch.weights_R * (1 - LAST_TOKEN_SHARE) / counts_R).repeat_interleave(counts_R)
    weights_K[counts_R.cumsum(0) - 1] += batch.weights_R * LAST_TOKEN_SHARE
    return value(logits_K, batch.labels_R.repeat_interleave(counts_R), weights_K).sum()


def _value_scorer(model: torch.nn.Module, _probe: Row) -> Scorer:
    from axiom_cli.learning.training.value_function import scorer

    return scorer(model)


OBJECTIVES: Mapping[str, Objective] = {
    "sft": Objective(
        rejection_sampling.select_solutions, replay.mix_solutions, _encode_completions, _sft_loss, compares=False
    ),
    "dpo": Objective(
        preference.build_pairs, replay.mix_problems, _encode_completions, _dpo_loss, group_size=2, per_token=False
    ),
    "grpo": Objective(
        preference.build_pairs, replay.mix_problems, _encode_completions, _grpo_loss, problem_in_one_step=True
    ),
    "kto": Objective(
        preference.build_pairs, replay.mix_labels, _encode_completions, _kto_loss, per_token=False, needs_kl=True
    ),
    "value": Objective(
        value_labels.build_labels, None, _encode_judged, _value_loss, _value_scorer, per_token=False, compares=False
    ),
}

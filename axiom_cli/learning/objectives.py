"""The objectives: one entry each, for how its examples are selected, mixed by a loop, encoded, and grouped.

To add an objective, add an entry to OBJECTIVES, and its formula with an entry in LOSSES to training/losses.py.
Everything that asks for torch is imported when it is called.
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
    from axiom_cli.learning.training.rows import Encoded

Chosen = Selection | PreferenceData | ValueData
Examples = Sequence[TrainingExample]


@dataclass(frozen=True)
class Objective:
    """One way to learn from verdicts.

    `select` turns verdicts into training examples, without the samples that the screen knows. `mix` makes a loop's
    round of new, historical and cold-start examples, given the share of each and a seed; None where a loop cannot train
    it. `encode` turns examples into rows of token ids, given tokenizer, end ids, config and the digest of the base
    model. `fit` divides a step's loss by its completion tokens (`per_token`), or else by its groups.

    A group is `group_size` consecutive rows that share a forward pass; with `problem_in_one_step` all groups of a
    problem share an optimiser step. What `compares` attempts needs the log-probabilities of each row before training;
    `needs_kl` says that the loss uses an estimate of the distance from the reference model.
    """

    select: Callable[[Iterable[Verdict], TrainConfig, Screen | None], Chosen]
    mix: Callable[[Examples, Examples, Examples, Mapping[str, float], int], Mix] | None
    encode: Callable[[Examples, Any, Sequence[int], TrainConfig, str], Encoded]
    group_size: int = 1
    per_token: bool = True
    problem_in_one_step: bool = False
    compares: bool = True
    needs_kl: bool = False


def _encode_completions(
    examples: Examples, tokenizer: Any, ends: Sequence[int], config: TrainConfig, base: str
) -> Encoded:
    """Rows of finished samples. If one sample of a group is left out, so is the whole group."""
    from axiom_cli.learning.training.rows import complete_groups, encode

    pairs = ((example.verdict.sample, example.row_weight) for example in examples)
    encoded = encode(pairs, tokenizer, ends, config.max_length, base)
    encoded.rows = complete_groups(encoded, OBJECTIVES[config.objective].group_size)
    return encoded


def _encode_judged(examples: Examples, tokenizer: Any, ends: Sequence[int], config: TrainConfig, _base: str) -> Encoded:
    """Rows of all samples, cut-off ones too. They may be another model's, since only their text counts."""
    from axiom_cli.learning.training.rows import complete_groups, encode_judged

    judged = ((example.verdict.sample, example.row_weight, example.label) for example in examples)
    encoded = encode_judged(judged, tokenizer, ends, config.max_length)
    encoded.rows = complete_groups(encoded, OBJECTIVES[config.objective].group_size)
    return encoded


OBJECTIVES: Mapping[str, Objective] = {
    "sft": Objective(rejection_sampling.select_solutions, replay.mix_solutions, _encode_completions, compares=False),
    "dpo": Objective(preference.build_pairs, replay.mix_problems, _encode_completions, group_size=2, per_token=False),
    "grpo": Objective(preference.build_pairs, replay.mix_problems, _encode_completions, problem_in_one_step=True),
    "kto": Objective(preference.build_pairs, replay.mix_labels, _encode_completions, per_token=False, needs_kl=True),
    "value": Objective(value_labels.build_labels, None, _encode_judged, per_token=False, compares=False),
    "value-dpo": Objective(preference.build_pairs, None, _encode_judged, group_size=2, per_token=False),
}

"""A reward for programs that is dense at first: until a round that is written down before the first one, a program
counts as the share of its tests that it passes, and from then on only one that passes all of them.

Where a model solves nothing at first, a verdict of all tests says nothing about which attempt is better. Once it solves
some, partial solutions teach to be wrong: so they leave the history, too. Only what a round learns from is changed; the
model is judged by all tests throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from axiom_cli.errors import UsageError
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import LoopConfig

SHARE = "share"
"""Where an accepted verdict keeps the share of tests that its program passes, if it is not all."""
RULE = (
    "until round `dense_until`, a program that passes some of its tests is learnt from with the share that it passes "
    "as its weight; in the rounds after it, only programs that pass all tests are, and no earlier partial solution"
)
"""What config.json says of it."""


def check_dense_reward(config: LoopConfig) -> None:
    """UsageError for an objective that weighs no single solution."""
    if config.dense_until and config.train.objective != "sft":
        fault = f"--dense-until and --objective {config.train.objective} do not go together"
        raise UsageError(fault, "use --objective sft, which weighs each solution")


def accept_partial(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts, with programs that pass some of their tests as passes that know their share."""
    return [_accepted(verdict) if _is_partial(verdict) else verdict for verdict in verdicts]


def weigh(examples: Iterable[TrainingExample]) -> list[TrainingExample]:
    """The examples, those of partial solutions with the share as a factor of their weight."""
    return [replace(e, weight=e.weight * e.verdict.extra[SHARE]) if is_partial(e) else e for e in examples]


def is_partial(example: TrainingExample) -> bool:
    """Whether an example is a program that fails some of its tests."""
    return SHARE in example.verdict.extra


def whole(examples: Sequence[TrainingExample]) -> tuple[TrainingExample, ...]:
    """The examples without partial solutions."""
    return tuple(example for example in examples if not is_partial(example))


def _is_partial(verdict: Verdict) -> bool:
    some = 0 < verdict.passed_tests < verdict.total_tests
    return verdict.status == "fail" and some and verdict.sample.problem.program is not None


def _accepted(verdict: Verdict) -> Verdict:
    share = verdict.passed_tests / verdict.total_tests
    reason = f"dense reward: {verdict.passed_tests} of {verdict.total_tests} tests ({verdict.reason})"
    return replace(verdict, status="pass", reason=reason, extra={**verdict.extra, SHARE: share})

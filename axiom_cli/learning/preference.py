"""From the verdicts of one problem to what comparing objectives learn from: pairs (dpo), groups (grpo), labels (kto).

Only problems with contrast count: some attempts passed, some failed. Attempts are compared with those that saw the same
prompt: a retry, whose prompt says more, is in a group of its own. `infra` is not a label. Nor is a sample that was cut
off, for or against: our own limit ended it, what it would have come to is not known, and its text has no end to learn
(2503.14476, section 3.4, leaves such samples out of the loss, too). docs/decisions/0011 has the reasons and figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

from axiom_cli.errors import NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.learning.rejection_sampling import Deduplicator
from axiom_cli.learning.training_example import Screen, TrainingExample, without_seen
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import VERIFIERS, TrainConfig

USE_OTHERS = "train on other problems than --decontaminate names; a value function, on no test problems"
"""What to do where the evaluation has seen every sample."""
EXAMPLE_NAMES: Mapping[str, str] = {"dpo": "pair", "value-dpo": "pair", "grpo": "attempt", "kto": "label"}
"""What each objective that compares learns from."""


@dataclass
class PreferenceData:
    """The examples, group after group, and what was counted on the way. Pairs alternate: a passing one, then the
    failing one that it is preferred to."""

    objective: str
    examples: list[TrainingExample] = field(default_factory=list)
    verdicts: int = 0
    infra: int = 0
    truncated: int = 0
    screened: int = 0
    groups: int = 0
    always_passed: int = 0
    never_passed: int = 0

    @property
    def size(self) -> int:
        """Pairs, attempts or labels."""
        return len(self.examples) // (2 if EXAMPLE_NAMES[self.objective] == "pair" else 1)

    def counts(self) -> dict[str, int]:
        """All verdicts; those that are not a label, or that the evaluation has seen; groups, those of them without
        contrast, and what the others gave."""
        names = ("verdicts", "infra", "truncated", "screened", "groups", "always_passed", "never_passed")
        numbers = {name: getattr(self, name) for name in names}
        without = self.always_passed + self.never_passed
        return {**numbers, "without_contrast": without, f"{EXAMPLE_NAMES[self.objective]}s": self.size}

    @property
    def summary(self) -> str:
        """What became of the samples, in a line."""
        with_contrast = self.groups - self.always_passed - self.never_passed
        name = f"{EXAMPLE_NAMES[self.objective]}{'s' * (self.size != 1)}"
        return (
            f"{self.verdicts:,} samples of {self.groups:,} problems: {self.always_passed:,} always passed, "
            f"{self.never_passed:,} never; {self.size:,} {name} of the other {with_contrast:,}"
        )

    def check_trainable(self) -> None:
        """NothingToDoError, with the reason, where there is nothing to compare."""
        if self.examples:
            return
        hint = "raise --samples or --temperature of axiom solve, or choose another --difficulty"
        if not self.verdicts:
            reason, hint = "the input is empty", "axiom verify writes verdict records"
        elif self.screened == self.verdicts:
            reason, hint = f"all {self.verdicts} samples are of problems held out for evaluation", USE_OTHERS
        elif not self.groups:
            reason = f"of {self.verdicts} verdicts {self.infra} are infra and {self.truncated} are of cut-off samples"
            hint = "raise --max-tokens of axiom solve" if self.truncated else hint
        else:
            reason = f"of {self.groups} problems {self.always_passed} always passed and {self.never_passed} never"
        raise NothingToDoError(f"no problem has both a passing and a failing attempt: {reason}", hint)


def build_pairs(verdicts: Iterable[Verdict], config: TrainConfig, screen: Screen | None = None) -> PreferenceData:
    """The pairs, attempts or labels that `config.objective` learns from, without the samples that `screen` knows. Where
    it fits a verifier, cut-off samples are in them, since it will rank such samples, and none is of a test problem."""
    given, judges = list(verdicts), config.objective in VERIFIERS
    out = PreferenceData(config.objective, verdicts=len(given))
    unseen, out.screened = without_seen(given, screen, judges=judges)
    groups: dict[tuple[str, str], list[Verdict]] = {}  # attempts at the same problem that saw the same prompt
    for verdict in unseen:
        sample = verdict.sample
        if verdict.status == "infra" or sample.finish == "error":
            out.infra += 1
        elif sample.finish != "stop" and not judges:
            out.truncated += 1
        elif sample.text.strip():
            messages = content_id(list(sample.extra["messages"])) if sample.extra.get("messages") else ""
            groups.setdefault((sample.problem.id, messages), []).append(verdict)
    out.groups = len(groups)
    contrasting = []
    for group in groups.values():
        passed = sum(verdict.passed for verdict in group)
        out.always_passed += passed == len(group)
        out.never_passed += passed == 0
        if 0 < passed < len(group):
            contrasting.append(group)
    out.examples = _MAKERS[config.objective](contrasting, config.max_per_problem) if contrasting else []
    return out


def balanced(examples: Sequence[TrainingExample]) -> list[TrainingExample]:
    """The same examples, weighted so that both signs come to the same weight in all (2402.01306, section 4.2)."""
    passed = sum(example.sign > 0 for example in examples)
    mean = len(examples) / 2
    return [replace(e, weight=mean / (passed if e.sign > 0 else len(examples) - passed)) for e in examples]


def advantages(rewards: Sequence[float]) -> list[float]:
    """Each attempt's reward minus the mean of its group: they sum to zero. Not divided by the standard deviation, which
    would give problems that are nearly always or nearly never solved the most weight (2503.20783, section 3.1)."""
    mean = sum(rewards) / len(rewards)
    return [reward - mean for reward in rewards]


def _sides(group: Sequence[Verdict], limit: int) -> tuple[list[Verdict], list[Verdict]]:
    """At most `limit` distinct passing and as many distinct failing attempts."""
    passing, failing = Deduplicator(limit), Deduplicator(limit)
    return (
        [verdict for verdict in group if verdict.passed and passing.admit(verdict.sample)],
        [verdict for verdict in group if not verdict.passed and failing.admit(verdict.sample)],
    )


def _pairs(groups: Sequence[Sequence[Verdict]], limit: int) -> list[TrainingExample]:
    """As many pairs of a problem as its larger side has attempts, each of these once; those of the other take turns."""
    examples: list[TrainingExample] = []
    for passed, failed in (_sides(group, limit) for group in groups):
        count = max(len(passed), len(failed))
        for better, worse in islice(zip(cycle(passed), cycle(failed)), count):  # noqa: B905 - both are endless
            examples += [TrainingExample(better, sign=1), TrainingExample(worse, sign=-1)]
    return examples


def _attempts(groups: Sequence[Sequence[Verdict]], _limit: int) -> list[TrainingExample]:
    """Every attempt with its advantage. Attempts of the same tokens become one that has the advantages of all."""
    examples: list[TrainingExample] = []
    for group in groups:
        sums: dict[tuple[str, tuple[int, ...]], float] = {}
        firsts: dict[tuple[str, tuple[int, ...]], Verdict] = {}
        for verdict, advantage in zip(group, advantages([float(v.passed) for v in group]), strict=True):
            key = verdict.sample.text, tuple(verdict.sample.token_ids)
            sums[key] = sums.get(key, 0.0) + advantage
            firsts.setdefault(key, verdict)
        examples += [TrainingExample(firsts[key], advantage=advantage) for key, advantage in sums.items()]
    return examples


def _labels(groups: Sequence[Sequence[Verdict]], limit: int) -> list[TrainingExample]:
    """Distinct attempts of both sides."""
    sides = [side for group in groups for side in _sides(group, limit)]
    return balanced([TrainingExample(verdict, sign=1 if verdict.passed else -1) for side in sides for verdict in side])


_MAKERS: Mapping[str, Callable[[Sequence[Sequence[Verdict]], int], list[TrainingExample]]] = {
    "dpo": _pairs,
    "value-dpo": _pairs,
    "grpo": _attempts,
    "kto": _labels,
}

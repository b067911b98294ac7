"""From the verdicts of one problem to what comparing objectives learn from: pairs (dpo), groups (grpo), labels (kto).

Only problems with contrast count: some attempts passed, some failed. Attempts are compared where they were shown the
same: a retry, which was told more, is in a group of its own. `infra` is no label. Nor is a sample that was cut off, for
or against: a limit of ours ended it, what it would have come to is not known, and its text has no end to learn
(2503.14476, section 3.4, leaves such samples out of the loss, too). docs/decisions/0011 has the reasons and figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

from axiom_cli.errors import NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.learning.rejection_sampling import Choice, Distinct, Screen
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig

SEEN = "train on other problems than those that --against names"
"""What to do where the evaluation has seen every sample."""
UNITS: Mapping[str, str] = {"dpo": "pair", "grpo": "attempt", "kto": "label"}
"""What each objective that compares learns from."""


@dataclass
class Contrast:
    """The choices, group after group, and what was counted on the way. Weights are signed: below zero counts against.
    For dpo, choices alternate: a passing one, then the failing one that it is preferred to."""

    objective: str
    choices: list[Choice] = field(default_factory=list)
    verdicts: int = 0
    infra: int = 0
    truncated: int = 0
    screened: int = 0
    groups: int = 0
    always_passed: int = 0
    never_passed: int = 0

    @property
    def units(self) -> int:
        """Pairs, attempts or labels."""
        return len(self.choices) // (2 if self.objective == "dpo" else 1)

    def counts(self) -> dict[str, int]:
        """All verdicts; those that are no label, or that the evaluation has seen; groups, those of them without
        contrast, and what the others gave."""
        names = ("verdicts", "infra", "truncated", "screened", "groups", "always_passed", "never_passed")
        known = {name: getattr(self, name) for name in names}
        without = self.always_passed + self.never_passed
        return {**known, "without_contrast": without, f"{UNITS[self.objective]}s": self.units}

    def check(self) -> None:
        """NothingToDoError, with the reason, where there is nothing to compare."""
        if self.choices:
            return
        reason, hint = self._why_empty()
        raise NothingToDoError(f"no problem has both a passing and a failing attempt: {reason}", hint)

    def _why_empty(self) -> tuple[str, str]:
        """The reason, and what to do about it."""
        if not self.verdicts:
            return "the input is empty", "axiom verify writes verdict records"
        if self.screened == self.verdicts:
            return f"all {self.verdicts} are of problems that they are to be evaluated on", SEEN
        more = "raise --samples or --temperature of axiom solve, or choose another --difficulty"
        if not self.groups:
            reason = (
                f"of {self.verdicts} verdicts {self.infra} are infra and {self.truncated} of samples that were cut off"
            )
            return reason, "raise --max-tokens of axiom solve" if self.truncated else more
        return f"of {self.groups} problems {self.always_passed} always passed and {self.never_passed} never", more

    @property
    def words(self) -> str:
        """What became of the samples, in a line."""
        with_contrast = self.groups - self.always_passed - self.never_passed
        what = f"{UNITS[self.objective]}{'s' * (self.units != 1)}"
        return (
            f"{self.verdicts:,} samples of {self.groups:,} problems: {self.always_passed:,} always passed, "
            f"{self.never_passed:,} never; {self.units:,} {what} of the other {with_contrast:,}"
        )


def gather(verdicts: Iterable[Verdict], config: TrainConfig, screen: Screen | None = None) -> Contrast:
    """What `config.objective` learns from, samples that `screen` knows left out."""
    out = Contrast(config.objective)
    unseen, out.screened = without_seen(list(verdicts), screen)
    contrasting = [group for group in _groups(unseen, out) if _has_contrast(group, out)]
    out.verdicts += out.screened
    out.choices = _MAKERS[config.objective](contrasting, config.max_per_problem) if contrasting else []
    return out


def without_seen(verdicts: Sequence[Verdict], screen: Screen | None) -> tuple[list[Verdict], int]:
    """The verdicts on samples that `screen` does not know, and how many it does."""
    seen = screen([verdict.sample for verdict in verdicts]) if screen else set()
    return [verdict for place, verdict in enumerate(verdicts) if place not in seen], len(seen)


def balanced(choices: Sequence[Choice]) -> list[Choice]:
    """The same choices, weighted so that those for and those against come to the same in all (2402.01306, section
    4.2)."""
    passed = sum(choice.weight > 0 for choice in choices)
    mean = len(choices) / 2
    return [replace(c, weight=mean / passed if c.weight > 0 else -mean / (len(choices) - passed)) for c in choices]


def advantages(rewards: Sequence[float]) -> list[float]:
    """Each attempt's reward minus the mean of its group's: they sum to zero. Not divided by the standard deviation,
    which would weigh problems that are nearly always or nearly never solved the most (2503.20783, section 3.1)."""
    mean = sum(rewards) / len(rewards)
    return [reward - mean for reward in rewards]


def _groups(verdicts: Iterable[Verdict], out: Contrast) -> list[list[Verdict]]:
    """Attempts at the same problem that were shown the same, in the order of the input."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        sample = verdict.sample
        out.verdicts += 1
        out.infra += verdict.status == "infra"
        out.truncated += verdict.status != "infra" and sample.finish != "stop"
        if verdict.status == "infra" or sample.finish != "stop" or not sample.text.strip():
            continue
        shown = content_id(list(sample.extra["messages"])) if sample.extra.get("messages") else ""
        groups.setdefault((sample.problem.id, shown), []).append(verdict)
    out.groups = len(groups)
    return list(groups.values())


def _has_contrast(group: Sequence[Verdict], out: Contrast) -> bool:
    passed = sum(verdict.passed for verdict in group)
    out.always_passed += passed == len(group)
    out.never_passed += passed == 0
    return 0 < passed < len(group)


def _sides(group: Sequence[Verdict], limit: int) -> tuple[list[Verdict], list[Verdict]]:
    """At most `limit` distinct passing and as many distinct failing attempts."""
    admitted = Distinct(limit), Distinct(limit)
    sides: tuple[list[Verdict], list[Verdict]] = [], []
    for verdict in group:
        side = 0 if verdict.passed else 1
        if admitted[side].admit(verdict.sample):
            sides[side].append(verdict)
    return sides


def _pairs(groups: Sequence[Sequence[Verdict]], limit: int) -> list[Choice]:
    """As many pairs of a problem as its larger side has attempts, each of these once; those of the other take turns."""
    choices: list[Choice] = []
    for passed, failed in (_sides(group, limit) for group in groups):
        count = max(len(passed), len(failed))
        for better, worse in islice(zip(cycle(passed), cycle(failed)), count):  # noqa: B905 (both are endless)
            choices += [Choice(better, 1.0), Choice(worse, -1.0)]
    return choices


def _attempts(groups: Sequence[Sequence[Verdict]], limit: int) -> list[Choice]:
    """Every attempt with its advantage. Attempts of the same tokens become one that has the weight of all."""
    choices: list[Choice] = []
    for group in groups:
        weights: dict[tuple[str, tuple[int, ...]], float] = {}
        firsts: dict[tuple[str, tuple[int, ...]], Verdict] = {}
        for verdict, advantage in zip(group, advantages([float(v.passed) for v in group]), strict=True):
            key = verdict.sample.text, tuple(verdict.sample.token_ids)
            weights[key] = weights.get(key, 0.0) + advantage
            firsts.setdefault(key, verdict)
        choices += [Choice(firsts[key], weight) for key, weight in weights.items()]
    return choices


def _labels(groups: Sequence[Sequence[Verdict]], limit: int) -> list[Choice]:
    """Distinct attempts of both sides."""
    sides = [_sides(group, limit) for group in groups]
    labels = [Choice(verdict, 1.0 if verdict.passed else -1.0) for side in sides for part in side for verdict in part]
    return balanced(labels)


_MAKERS: Mapping[str, Callable[[Sequence[Sequence[Verdict]], int], list[Choice]]] = {
    "dpo": _pairs,
    "grpo": _attempts,
    "kto": _labels,
}

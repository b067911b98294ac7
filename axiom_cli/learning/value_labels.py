"""What a value function learns from: every sample that was judged, with the share of its verdicts that are passes.

Passing and failing samples train, and cut-off ones too, since it will rank such samples; `infra` is not a label.
Equal samples of a problem are one row that counts as often as they came, so that the values keep the true frequencies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from axiom_cli.errors import NothingToDoError
from axiom_cli.learning.preference import USE_OTHERS
from axiom_cli.learning.training_example import Screen, TrainingExample, without_seen
from axiom_cli.models import Resolved
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig

OBJECTIVE = "value"


@dataclass
class ValueData:
    """The examples, in the order in which they first came, and what was counted on the way."""

    examples: list[TrainingExample] = field(default_factory=list)
    verdicts: int = 0
    failed: int = 0
    infra: int = 0
    screened: int = 0

    def counts(self) -> dict[str, int]:
        """All verdicts; those that failed (which train, too), those that are not a label, or that the evaluation has
        seen; the rows, and their problems."""
        problems = len({example.verdict.sample.problem.id for example in self.examples})
        numbers = {name: getattr(self, name) for name in ("verdicts", "failed", "infra", "screened")}
        return {**numbers, "kept": len(self.examples), "problems": problems}

    @property
    def summary(self) -> str:
        """What became of the samples, in a line."""
        return f"{self.verdicts:,} samples, {self.failed:,} of them failed: {len(self.examples):,} rows"

    def check_trainable(self) -> None:
        """NothingToDoError, with the reason, where all pass or all fail."""
        judged = self.verdicts - self.infra - self.screened
        if self.screened and not judged:
            raise NothingToDoError(f"all {self.screened} samples are of problems held out for evaluation", USE_OTHERS)
        if not judged:
            raise NothingToDoError("no judged sample to fit a value function on", "axiom verify writes verdict records")
        if self.failed in (0, judged):
            outcome = "failed" if self.failed else "passed"
            raise NothingToDoError(
                f"all {judged} samples {outcome}: a value function learns from both kinds",
                "verdicts of axiom solve --samples 16 hold both, at levels where the model is sometimes right",
            )


def build_labels(verdicts: Iterable[Verdict], _config: TrainConfig, screen: Screen | None = None) -> ValueData:
    """The distinct samples that were judged, without those that `screen` knows or that are of test problems."""
    unseen, screened = without_seen(list(verdicts), screen, judges=True)
    out = ValueData(verdicts=len(unseen) + screened, screened=screened)
    equal: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in unseen:
        sample = verdict.sample
        if verdict.status == "infra" or sample.finish == "error":
            out.infra += 1
            continue
        out.failed += not verdict.passed
        messages = str(sample.extra.get("messages", ""))
        equal.setdefault((sample.problem.id, sample.text + sample.finish, messages), []).append(verdict)
    out.examples = [
        TrainingExample(same[0], count=len(same), label=sum(verdict.passed for verdict in same) / len(same))
        for same in equal.values()
    ]
    return out


def other_authors(examples: Iterable[TrainingExample], base: Resolved) -> str:
    """A sentence where the samples are another model's: allowed, since their texts can be judged, but seldom meant."""
    models = (example.verdict.sample.model for example in examples)
    names = sorted({model.name for model in models if model.digest != base.digest})
    if not names:
        return ""
    return f"samples by {', '.join(names[:3])} train a value function for {base.name}: it will judge {base.name}'s"

"""What a value function learns from: every sample that was judged, with the share of its verdicts that are passes.

Passing and failing samples train, cut-off ones too, since they are among those that it will rank; `infra` is no label.
Equal samples of a problem are one row that counts as often as they came, so that the values keep the true frequencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from axiom_cli.errors import NothingToDoError
from axiom_cli.learning.preference import SEEN, without_seen
from axiom_cli.learning.rejection_sampling import Choice, Screen
from axiom_cli.models import Resolved
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig

OBJECTIVE = "value"


@dataclass
class Labels:
    """The choices, in the order in which they first came, and what was counted on the way."""

    choices: list[Choice] = field(default_factory=list)
    verdicts: int = 0
    failed: int = 0
    infra: int = 0
    screened: int = 0

    def counts(self) -> dict[str, int]:
        """All verdicts; those that failed (which train, too), those that are no label, or that the evaluation has seen;
        the rows, and their problems."""
        problems = len({choice.verdict.sample.problem.id for choice in self.choices})
        known = {name: getattr(self, name) for name in ("verdicts", "failed", "infra", "screened")}
        return {**known, "kept": len(self.choices), "problems": problems}

    def check(self) -> None:
        """NothingToDoError, with the reason, where all pass or all fail."""
        judged = self.verdicts - self.infra - self.screened
        if self.screened and not judged:
            raise NothingToDoError(
                f"all {self.screened} samples are of problems that they are to be evaluated on", SEEN
            )
        if not judged:
            raise NothingToDoError("no judged sample to fit a value function on", "axiom verify writes verdict records")
        if self.failed in (0, judged):
            every = "failed" if self.failed else "passed"
            raise NothingToDoError(
                f"all {judged} samples {every}: a value function learns from both kinds",
                "verdicts of axiom solve --samples 16 hold both, at levels where the model is sometimes right",
            )


def gather(verdicts: Iterable[Verdict], config: TrainConfig, screen: Screen | None = None) -> Labels:
    """The distinct samples that were judged, those that `screen` knows left out."""
    unseen, screened = without_seen(list(verdicts), screen)
    out = Labels(verdicts=len(unseen) + screened, screened=screened)
    found: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in unseen:
        sample = verdict.sample
        if verdict.status == "infra" or sample.finish == "error":
            out.infra += 1
            continue
        out.failed += not verdict.passed
        told = str(sample.extra.get("messages", ""))
        found.setdefault((sample.problem.id, sample.text + sample.finish, told), []).append(verdict)
    out.choices = [_choice(same) for same in found.values()]
    return out


def others(choices: Iterable[Choice], base: Resolved) -> str:
    """A sentence where the samples are another model's: allowed, since their texts can be judged, but seldom meant."""
    models = (choice.verdict.sample.model for choice in choices)
    names = sorted({model.name for model in models if model.digest != base.digest})
    if not names:
        return ""
    return f"samples by {', '.join(names[:3])} train a value function for {base.name}: it will judge {base.name}'s"


def _choice(same: Sequence[Verdict]) -> Choice:
    return Choice(same[0], float(len(same)), sum(verdict.passed for verdict in same) / len(same))

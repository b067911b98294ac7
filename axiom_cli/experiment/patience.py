"""When a run stops before its last round: `--patience`, a rule that is written down before the first one.

The selected model is the best on validation whether the run stops or not, so what is lost by stopping is time that the
rounds after it would have taken, and what they might have gained.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from axiom_cli.evaluation.comparison import Outcomes, pair, points, points_range
from axiom_cli.wording import plural

RULE = (
    "the run stops after `patience` rounds in a row whose model does not pass more validation problems than the best "
    "one before, or at once after a round whose model is worse than that one by the rule of the report, paired by "
    "problem; the selected model is the best on validation, and each control makes as many rounds as the run"
)
"""What config.json says of it."""


@dataclass
class Patience:
    """The rounds without a gain that a run bears; 0 is any number. Models are asked about in order, the start model
    first."""

    rounds: int
    _best: int = 0
    _rate: float = -1.0
    _outcomes: Outcomes = field(default_factory=dict)

    def reason_to_stop(self, model: int, outcomes: Outcomes) -> str:
        """Why the run ends with this model, given its validation outcomes by problem; empty where it does not."""
        passed, judged = (sum(counts) for counts in zip(*outcomes.values(), strict=True)) if outcomes else (0, 0)
        rate = passed / judged if judged else 0.0
        if rate > self._rate:
            self._best, self._rate, self._outcomes = model, rate, outcomes
            return ""
        if not self.rounds:
            return ""
        if self._outcomes and outcomes:
            comparison = pair(self._outcomes, outcomes, (f"model {self._best}", f"model {model}"), "val")
            if comparison.verdict == "worse":
                change = f"{points(comparison.difference)} points ({points_range(comparison.interval)})"
                return f"model {model} is worse than model {self._best} on the same validation problems: {change}"
        without = model - self._best
        if without < self.rounds:
            return ""
        return f"{plural(without, 'round')} without a gain on validation; the best is model {self._best}"

"""The matrix of a transfer run: what training on one family did to each of the others, against the start model.

The test problems are the same in every run, so each cell is a paired difference. Holm's correction holds over them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from axiom_cli.evaluation.comparison import ALPHA, Comparison, outcomes, pair
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.evaluation.metrics import Tally
from axiom_cli.records import Metrics
from axiom_cli.statistics import holm, wilson

PHASE, FILE = "transfer", "transfer.jsonl"
GREEDY = 0.0


@dataclass(frozen=True)
class Cell:
    """The run that was `trained` on one family, on the test problems of another: against the start model, paired.
    `p_holm` is the p-value after Holm's correction over the matrix, `parsed` the shares of well-formed answers before
    and after: a gain in these is one of form."""

    trained: str
    family: str
    model: int
    comparison: Comparison
    p_holm: float
    parsed: tuple[float, float]

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval lies on one side of zero and p, corrected, is below 0.05."""
        low, high = self.comparison.interval
        if self.p_holm >= ALPHA or low <= 0 <= high:
            return "inconclusive"
        return "better" if low > 0 else "worse"

    def to_record(self, experiment: str) -> Metrics:
        """The cell as a metrics record of the phase `transfer`."""
        comparison = self.comparison
        passed = round(comparison.rate_after * comparison.problems)
        return Metrics(
            experiment=experiment,
            iteration=self.model,
            split="test",
            family=self.family,
            level=0,
            n=comparison.problems,
            passed=passed,
            rate=comparison.rate_after,
            interval=[round(bound, 6) for bound in wilson(passed, comparison.problems)],
            seconds=0.0,
            tokens=0,
            extra={
                "phase": PHASE,
                "trained": self.trained,
                "rate_before": comparison.rate_before,
                "difference": round(comparison.difference, 6),
                "difference_interval": [round(bound, 6) for bound in comparison.interval],
                "p": comparison.p,
                "p_holm": self.p_holm,
                "gained": comparison.gained,
                "lost": comparison.lost,
                "parsed_before": self.parsed[0],
                "parsed": self.parsed[1],
                "verdict": self.verdict,
            },
        )


def matrix(runs: Mapping[str, Experiment]) -> list[Cell]:
    """The cells, family by family that was trained on, given each one's run; of each the model that it selected."""
    cells = []
    for trained, run in runs.items():
        selected = run.best()
        before, after = (run.tallies("test", model).get(GREEDY, []) for model in (0, selected))
        for family in runs:
            mine = [[tally for tally in tallies if tally.family == family] for tallies in (before, after)]
            names = "the start model", f"{run.name}@{selected}"
            comparison = pair(outcomes(mine[0]), outcomes(mine[1]), names, "test")
            cells.append(Cell(trained, family, selected, comparison, 1.0, (_parsed(mine[0]), _parsed(mine[1]))))
    corrected = holm([cell.comparison.p or 0.0 for cell in cells])
    return [replace(cell, p_holm=p) for cell, p in zip(cells, corrected, strict=True)]


def _parsed(tallies: Sequence[Tally]) -> float:
    return round(sum(tally.parsed for tally in tallies) / max(1, sum(tally.judged for tally in tallies)), 6)

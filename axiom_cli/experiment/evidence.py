"""An e-value that adds up over the rounds: each round's model against the start model on problems of its own.

The validation problems are the same in every round, and they choose the selected model and the levels to practise. An
e-value needs problems whose outcome is open whatever was seen before. So each round draws fresh ones of the split
`val`, which decide nothing and are never drawn again. Files have no fresh problems; families do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from axiom_cli.errors import UsageError
from axiom_cli.evaluation.evalue import ENOUGH, Evidence
from axiom_cli.evaluation.metrics import phase_row
from axiom_cli.experiment.arm import Arm
from axiom_cli.experiment.curriculum import ProblemStream, allocate, buckets
from axiom_cli.experiment.observed_rollout import observed_rollout
from axiom_cli.experiment.observer import Phase
from axiom_cli.experiment.round import GREEDY, RoundSteps
from axiom_cli.ids import content_id
from axiom_cli.importing.splitting import Supply
from axiom_cli.records import Problem, Verdict

PHASE = "evidence"


def check_evidence(size: int, supply: Supply) -> None:
    """UsageError where fresh problems are asked for, and no source has any."""
    if size and not supply.endless:
        fault = f"--evidence-size {size} needs fresh problems in each round, and files have none"
        raise UsageError(fault, "leave it out, or name a family among --problems")


@dataclass
class EvidenceGathering:
    """What the rounds of a run add to its e-value."""

    steps: RoundSteps
    evidence: Evidence = field(default_factory=Evidence)

    def __post_init__(self) -> None:
        config, supply = self.steps.config, self.steps.supply
        own = Supply(supply.endless, foreign=supply.foreign)
        self._stream = ProblemStream(own, config.seed, supply.val, split="val")
        self._weights = buckets(own)

    def add(self, run: Arm, iteration: int) -> None:
        """Compares the model that a round made with the start model; records and tells the e-value so far."""
        steps, label = self.steps, run.label(iteration)
        counts = allocate([*self._weights], {}, steps.config.evidence_size, self._weights)
        drawn = [problem for bucket, count in counts.items() for problem in self._stream.take(bucket, count)]
        problems = sorted(drawn, key=lambda problem: content_id([iteration, problem.id], 16))  # no level comes first
        if not problems:
            steps.observer.warn(
                f"{label}: no fresh problems are left for the e-value, which stays {evidence_text(self.evidence)}"
            )
            return
        phase = Phase(PHASE, iteration + 1, 2 * len(problems))
        steps.observer.begin(phase)
        sampling = replace(steps.config.solve, temperature=GREEDY, samples=1, strategy="best-of-n", early_stop=False)
        own = sampling, steps.engine, steps.workspace, steps.config.verify, steps.observer
        reference, first = observed_rollout(steps.base, problems, *own)
        candidate, second = observed_rollout(run.model, problems, *own)
        seconds = first.seconds + second.seconds
        steps.observer.end(phase, seconds)
        pairs = paired(problems, reference, candidate)
        wins = [after for before, after in pairs if before != after]
        self.evidence = self.evidence.after(wins)
        passed = sum(after for _, after in pairs)
        facts = {
            "reference_passed": sum(before for before, _ in pairs),
            "wins": sum(wins),
            "losses": len(wins) - sum(wins),
            "pairs": self.evidence.pairs,
            "e_value": float(f"{self.evidence.value:.6g}"),
        }
        tokens = sum(verdict.sample.tokens for verdict in (*reference, *candidate))
        row = phase_row(steps.config.experiment, iteration, PHASE, seconds, tokens, len(pairs), passed, facts)
        steps.writer.write_metrics([replace(row, split="val")])
        enough = f": enough ({ENOUGH:g}) to call the run's models better than the start model" * self.evidence.enough
        steps.observer.note(
            f"{label}: of {len(pairs):,} fresh problems, {sum(wins):,} are solved only by its model and "
            f"{len(wins) - sum(wins):,} only by the start model; e-value {evidence_text(self.evidence)}{enough}"
        )


def paired(
    problems: Sequence[Problem], reference: Sequence[Verdict], candidate: Sequence[Verdict]
) -> list[tuple[bool, bool]]:
    """(reference passes, candidate passes) of each problem on which both were judged, in the order of the problems."""
    before, after = _passed(reference), _passed(candidate)
    return [(before[p.id], after[p.id]) for p in problems if p.id in before and p.id in after]


def _passed(verdicts: Sequence[Verdict]) -> Mapping[str, bool]:
    return {v.sample.problem.id: v.passed for v in verdicts if v.status != "infra"}


def evidence_text(evidence: Evidence) -> str:
    """`0.43`, `41.2`, `1.2e+08`."""
    return f"{evidence.value:.3g}"

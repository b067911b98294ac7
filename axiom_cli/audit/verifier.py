"""The audit of the verifier: can it be tricked here, how fast is it, and are the tests it is given any good?

One record, of kind `verifier_audit`. It fails where an attack succeeded, or where a problem's own solution fails its
tests or a solution known to be wrong passes them; everything else is reported, not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from axiom_cli import __version__
from axiom_cli.audit import mutation_score, soundness
from axiom_cli.records import Problem
from axiom_cli.sandbox import attack_suite
from axiom_cli.sandbox.levels import Level
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import open_sandbox
from axiom_cli.wording import plural
from axiom_cli.workspace.store import Workspace

KIND = "verifier_audit"
VERSION = 1


@dataclass
class VerifierAudit:
    """The findings. `failures` says in words why the audit fails."""

    isolation: Level = "none"
    missing: list[str] = field(default_factory=list)
    attacks: list[dict[str, Any]] = field(default_factory=list)
    throughput: list[dict[str, Any]] = field(default_factory=list)
    tests: list[dict[str, Any]] = field(default_factory=list)
    unsound: list[dict[str, str]] = field(default_factory=list)
    determinism: dict[str, Any] = field(default_factory=dict)
    problems: int = 0
    made: str = ""

    @property
    def failures(self) -> list[str]:
        """Attacks that succeeded, and problems whose tests do not hold."""
        attacks = [
            f"{attack['attack']} succeeds at {row['level']}" for row in self.attacks for attack in row["succeeded"]
        ]
        return attacks + [f"{row['problem']}: {row['reason']}" for row in self.unsound]

    def to_dict(self) -> dict[str, Any]:
        """The record."""
        verdict = {"failures": self.failures, "passed": not self.failures}
        return {"kind": KIND, "version": __version__, **asdict(self), **verdict}


def audit_verifier(
    problems: Sequence[Problem], reruns: soundness.RerunReport, config: VerifyConfig, on_step: Callable[[str], None]
) -> VerifierAudit:
    """The whole audit. Whether `problems`' own solutions pass comes first, since it takes a moment: where one does
    not, the rest is left out. `reruns` tells how accepted programs fared when they were run again; `on_step` hears
    each step. Raises MissingError where `config.isolation` is not reached."""
    with open_sandbox(replace(config, jobs=1)) as sandbox:
        audit = VerifierAudit(sandbox.level, sandbox.missing, problems=len(problems))
    audit.made = datetime.now(timezone.utc).isoformat(timespec="seconds")
    audit.determinism = reruns.to_dict()
    on_step("the tests of the problems")
    faults = soundness.check_references(problems, config)
    audit.unsound = [{"problem": problem.id, "reason": reason} for problem, reason in faults]
    if audit.unsound:
        return audit
    on_step("the attack suite")
    audit.attacks = _attacks(audit.isolation)
    on_step("throughput")
    for jobs in (1, config.jobs):
        workers, rate = soundness.throughput(config, jobs)
        if workers not in [row["workers"] for row in audit.throughput]:
            audit.throughput.append({"workers": workers, "verdicts_per_second": round(rate, 1)})
    if problems:
        on_step("wrong programs that pass")
        audit.tests = [score.to_dict() for score in mutation_score.scores(problems, config)]
    return audit


def _attacks(reached: Level) -> list[dict[str, Any]]:
    """A row a level: how many attacks there were, how many the machine was too busy to decide, which succeeded."""
    rows: dict[str, dict[str, Any]] = {}
    for attempt in attack_suite.run_all(reached):
        blank: dict[str, Any] = {"level": attempt.level, "attacks": 0, "undecided": 0, "succeeded": []}
        row = rows.setdefault(attempt.level, blank)
        row["attacks"] += 1
        row["undecided"] += not attempt.decided
        if attempt.violations:
            harm = list(attempt.violations)
            row["succeeded"].append({"attack": attempt.attack.name, "about": attempt.attack.about, "harm": harm})
    return list(rows.values())


def summary_rows(audit: VerifierAudit) -> list[list[str]]:
    """(check, of what, finding) a line, for people."""
    rows = [["isolation", "this machine", audit.isolation]]
    for row in audit.attacks:
        failed = row["attacks"] - row["undecided"] - len(row["succeeded"])
        text = f"{failed} of {row['attacks']} failed, as they must"
        text += f"; {row['undecided']} undecided" if row["undecided"] else ""
        rows.append(["attacks", f"at level {row['level']}", text])
    for row in audit.throughput:
        rows.append(["throughput", plural(row["workers"], "worker"), f"{row['verdicts_per_second']:,.0f} verdicts/s"])
    rows += [["tests", f"{row['family']}, {plural(row['problems'], 'problem')}", _score(row)] for row in audit.tests]
    if audit.determinism.get("programs"):
        text = f"{audit.determinism['disagreed']} fail under another hash seed"
        rows.append(["determinism", plural(audit.determinism["programs"], "accepted program"), text])
    return rows


def _score(row: dict[str, Any]) -> str:
    if row["score"] is None:
        return "no reference to make wrong programs of"
    low, high = row["interval"]
    left_out = f"; {row['equivalent']} equivalent left out" if row["equivalent"] else ""
    wrong = row["killed"] + row["survived"]
    return f"{row['let_through']:.1%} [{low:.1%}, {high:.1%}] of {wrong} wrong programs pass{left_out}"


def save(audit: VerifierAudit, config: VerifyConfig, workspace: Workspace) -> str:
    """Stores the record with its receipt; returns its digest."""
    digest = workspace.put_records([audit.to_dict()])
    recipe = {
        "stage": "audit",
        "version": VERSION,
        "config": {**asdict(config), "made": audit.made, "axiom": __version__},
        "inputs": {},
    }
    workspace.record([(recipe, {"audit": digest})])
    return digest

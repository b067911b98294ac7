"""`axiom verify --audit`: collects the problems of the input, then shows the audit as a table and as a record."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from axiom_cli import jsonl
from axiom_cli.commands.streams import records, write
from axiom_cli.errors import GateFailedError, NothingToDoError
from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.terminal import console
from axiom_cli.wording import plural

if TYPE_CHECKING:
    from axiom_cli.audit.verifier import VerifierAudit


class Auditor:
    """Audits the verifier during one run of `verify`: collects its problems, and runs accepted programs again."""

    def __init__(self, config: VerifyConfig) -> None:
        from axiom_cli.audit.soundness import RerunReport

        self.config = config
        self._problems: dict[str, Problem] = {}
        self._reruns = RerunReport()

    def samples(self, file: Path | None, skip_bad: bool, check: jsonl.Check) -> Iterator[Sample]:
        """The samples of the input, whose problems are collected. An audit needs no input."""
        if file is None and (sys.stdin is None or sys.stdin.isatty()):
            return
        try:
            samples_and_problems = records(file, Sample, Problem, skip_bad=skip_bad, check=check)
        except NothingToDoError:
            if file is not None:
                raise
            return
        for record in samples_and_problems:
            if isinstance(record, Problem):
                self._problems.setdefault(record.id, record)
            elif isinstance(record, Sample):
                self._problems.setdefault(record.problem.id, record.problem)
                yield record

    def watched(self, verdicts: Iterator[Verdict]) -> Iterator[Verdict]:
        """The same verdicts; accepted programs are run again on the way."""
        from axiom_cli.audit.soundness import rerun_accepted

        return rerun_accepted(verdicts, self.config, self._reruns)

    def report(self, workspace: str, output: Path | None, *, alone: bool) -> None:
        """Finishes the audit, shows it on stderr and keeps it in the workspace. If the command wrote nothing else
        (`alone`), the record also goes to stdout or `output`. Raises GateFailedError if the audit does not pass."""
        from axiom_cli.audit.verifier import audit_verifier, save, summary_rows
        from axiom_cli.verification.checkers import function_of
        from axiom_cli.workspace.objects import short
        from axiom_cli.workspace.store import Workspace

        problems = [problem for problem in self._problems.values() if not function_of(problem)]
        with console.progress("audit") as progress:
            audit = audit_verifier(problems, self._reruns, self.config, lambda step: progress(1, step))
        console.table("audit of the verifier", ["check", "of", "found"], summary_rows(audit))
        digest = save(audit, self.config, Workspace.open_or_create(workspace or None))
        console.note(f"audit {short(digest)}")
        if alone and (output is not None or console.data_wanted()):
            write([audit.to_dict()], output)
        _judge(audit, len(problems))


def _judge(audit: VerifierAudit, problems: int) -> None:
    for failure in audit.failures[:5]:
        console.warn(failure)
    succeeded = sum(len(row["succeeded"]) for row in audit.attacks)
    if succeeded:
        hint = "axiom doctor shows which isolation is missing"
        raise GateFailedError(f"{plural(succeeded, 'attack')} succeeded", hint)
    if audit.unsound:
        broken = len({row["problem"] for row in audit.unsound})
        message = f"the tests of {plural(broken, 'problem')} are unsound; nothing else was audited"
        raise GateFailedError(message, "leave those problems out")
    if problems:
        console.note(f"the tests of {plural(problems, 'problem')} are sound")

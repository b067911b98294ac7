"""`axiom verify --audit`: the problems met on the way, then the audit as a table and as a record."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from axiom_cli.commands.streams import records, stdout, write
from axiom_cli.errors import GateFailedError, NothingToDoError
from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.terminal import console
from axiom_cli.wording import plural

if TYPE_CHECKING:
    from axiom_cli.audit.verifier import VerifierAudit


class Auditor:
    """Stands beside one run of `verify`."""

    def __init__(self, config: VerifyConfig) -> None:
        from axiom_cli.audit.soundness import RerunReport

        self.config = config
        self._problems: dict[str, Problem] = {}
        self._again = RerunReport()

    def samples(self, file: Path | None, skip_bad: bool) -> Iterator[Sample]:
        """The samples of the input. Its problems, with or without samples, are noted. No input is not an error."""
        if file is None and (sys.stdin is None or sys.stdin.isatty()):
            return
        try:
            found = records(file, Sample, Problem, skip_bad=skip_bad)
        except NothingToDoError:
            if file is not None:
                raise
            return
        for record in found:
            if isinstance(record, Problem):
                self._problems.setdefault(record.id, record)
            elif isinstance(record, Sample):
                self._problems.setdefault(record.problem.id, record.problem)
                yield record

    def watched(self, verdicts: Iterator[Verdict]) -> Iterator[Verdict]:
        """The verdicts, while accepted programs are run again."""
        from axiom_cli.audit.soundness import rerun_accepted

        return rerun_accepted(verdicts, self.config, self._again)

    def report(self, workspace: str, output: Path | None, *, alone: bool) -> None:
        """Finishes the audit, shows it on stderr and keeps it in the workspace. If the command wrote nothing else
        (`alone`), the record also goes to stdout or `output`. Raises GateFailedError if the audit does not pass."""
        from axiom_cli.audit.verifier import audit_verifier, save, summary_rows
        from axiom_cli.workspace.store import Workspace

        problems = list(self._problems.values())
        with console.progress("audit") as progress:
            found = audit_verifier(problems, self._again, self.config, lambda what: progress(1, what))
        console.table("audit of the verifier", ["check", "of", "found"], summary_rows(found))
        digest = save(found, self.config, Workspace.open_or_create(workspace or None))
        console.note(f"audit sha256:{digest[:12]}")
        if alone and (output is not None or not stdout().isatty()):
            write([found.to_dict()], output)
        _judge(found, len(problems))


def _judge(found: VerifierAudit, problems: int) -> None:
    for line in found.failures[:5]:
        console.warn(line)
    succeeded = sum(len(row["succeeded"]) for row in found.attacks)
    if succeeded:
        raise GateFailedError(
            f"{plural(succeeded, 'attack')} succeeded", "axiom doctor shows what isolation is missing"
        )
    if found.unsound:
        broken = len({row["problem"] for row in found.unsound})
        raise GateFailedError(f"the tests of {plural(broken, 'problem')} do not hold", "leave those problems out")
    if problems:
        console.note(f"the tests of {plural(problems, 'problem')} hold")

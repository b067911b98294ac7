"""What a user can put right: each error has one line, a hint, and the exit code documented in docs/cli.md."""

from __future__ import annotations


class AxiomError(Exception):
    """An error that its reader can act upon. `hint` says how; `exit_code` is the process's."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AxiomError):
    """Options that do not go together, or a value out of range."""

    exit_code = 2


class InputError(AxiomError):
    """The input is not what this command reads."""

    exit_code = 3


class MissingError(AxiomError):
    """A family, model, extra, credential, accelerator, room on the disk or permission that is not there."""

    exit_code = 4


class NothingToDoError(AxiomError):
    """Nothing can be done with what there is, such as no passing sample to train on."""

    exit_code = 5


class GateFailedError(AxiomError):
    """A gate failed: `--fail-under`, a merge certificate, an audit, a training that diverged."""

    exit_code = 6


class NoWorkspaceError(AxiomError):
    """There is no workspace here, or its format is newer than this program."""

    exit_code = 10


class WorkspaceLockedError(AxiomError):
    """Another process is writing to the workspace."""

    exit_code = 11


class WorkspaceDamagedError(AxiomError):
    """An object's bytes do not match its name."""

    exit_code = 12

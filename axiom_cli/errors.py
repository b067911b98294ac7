"""Errors that the user can put right. Each has a one-line message, a hint, and an exit code listed in docs/cli.md."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class AxiomError(Exception):
    """An error that its reader can act on. `hint` says how; `exit_code` is what the process returns."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AxiomError):
    """Options that cannot be combined, or a value out of range."""

    exit_code = 2


class InputError(AxiomError):
    """The input is not what this command reads."""

    exit_code = 3


class MissingError(AxiomError):
    """Something needed is missing: a family, model, extra, credential, accelerator, disk space or permission."""

    exit_code = 4


class NothingToDoError(AxiomError):
    """There is nothing to work on, such as no passing sample to train on."""

    exit_code = 5


class GateFailedError(AxiomError):
    """A gate failed: `--fail-under`, one of a loop, a merge certificate, an audit, a training that diverged."""

    exit_code = 6


class NoWorkspaceError(AxiomError):
    """There is no workspace here, or its format is newer than this program."""

    exit_code = 10


class WorkspaceLockedError(AxiomError):
    """Another process is writing to the workspace."""

    exit_code = 11


class WorkspaceDamagedError(AxiomError):
    """Stored bytes do not match their digest."""

    exit_code = 12


CHOICES = "--help says what each of them does"
"""The hint for a word that is none of the choices, which its error lists, and close to none of them."""


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The hint for a `name` that is not among the `known` ones: the closest one, or `otherwise` if none is close."""
    close = get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]}?" if close else otherwise

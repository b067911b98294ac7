"""What a shell offers for an unfinished word. Nothing heavy is loaded, since the user is waiting."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from axiom_cli.errors import AxiomError, UsageError, did_you_mean
from axiom_cli.settings.configs import GlobalConfig
from axiom_cli.settings.sources import resolve

SHELLS = ("bash", "zsh", "fish")
NAMES_SHELL = "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"
"""Where this variable is set, Typer's options for completion take the name of a shell."""


def with_shell(args: list[str]) -> list[str]:
    """`--install-completion` or `--show-completion` with the shell that it is for: the one named, or else this one.

    Raises UsageError for a shell that has no completion, or if this one cannot be told.
    """
    option, _, named = args[0].partition("=")
    shell = named or next(iter(args[1:]), "") or _this_shell()
    if shell not in SHELLS:
        hint = did_you_mean(shell, SHELLS, f"axiom {option} {'|'.join(SHELLS)}")
        raise UsageError(f"there is no completion for the shell {shell!r}" if shell else "which shell?", hint)
    os.environ[NAMES_SHELL] = "1"
    return [option, shell]


def _this_shell() -> str:
    """The shell that axiom was started from, else the user's; empty if there is neither."""
    import shellingham

    try:
        return str(shellingham.detect_shell()[0])
    except (shellingham.ShellDetectionFailure, OSError):
        return Path(os.environ.get("SHELL", "")).name


def families(incomplete: str) -> list[str]:
    """Families; of a comma-separated list, the last one is completed."""
    from axiom_cli.problems import families as known

    return _last_of_list(incomplete, known.names())


def sources(incomplete: str) -> list[str]:
    """Families, and the files and folders that may hold problems; of a comma-separated list, the last is completed."""
    from axiom_cli.importing.readers import suffix
    from axiom_cli.importing.source_names import DATA
    from axiom_cli.problems import families as known
    from axiom_cli.problems.families.handwritten import FAMILY

    folder, slash, start = incomplete.rpartition(",")[2].rpartition("/")
    try:
        entries = sorted(Path(f"{folder}{slash}" or ".").iterdir())
    except OSError:
        entries = []
    files = [
        f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in entries
        if (entry.is_dir() or suffix(entry.name) in DATA) and entry.name.startswith(".") == start.startswith(".")
    ]
    return _last_of_list(incomplete, [*known.names(), FAMILY, *files])


def experiments(incomplete: str) -> list[str]:
    """The folders under experiments/."""
    from axiom_cli.evaluation.experiment_folder import experiment_names

    return [name for name in experiment_names() if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """nano, and the names in the workspace."""
    return [name for name in ("nano", *workspace_names("")) if name.startswith(incomplete)]


def workspace_names(incomplete: str) -> list[str]:
    """The names in the workspace, if there is one."""
    from axiom_cli.workspace.store import Workspace

    try:
        refs = Workspace.open(resolve(GlobalConfig, {}).config.workspace or None).refs()
    except (AxiomError, OSError):
        return []
    return [name for name in sorted(refs) if name.startswith(incomplete)]


def engines(incomplete: str) -> list[str]:
    """The engines, plug-ins too."""
    from axiom_cli.sampling import engines as known

    return [name for name in ("auto", *known.names()) if name.startswith(incomplete)]


def control_arms(incomplete: str) -> list[str]:
    """Control arms; of a comma-separated list, the last one is completed."""
    from axiom_cli.experiment.control_arms import ARMS

    return _last_of_list(incomplete, ARMS)


def handwritten(incomplete: str) -> list[str]:
    """Hand-written problems; of a comma-separated list, the last one is completed."""
    from axiom_cli.problems.families import handwritten as known

    return _last_of_list(incomplete, known.names())


def _last_of_list(incomplete: str, names: Iterable[str]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]


FIELDS: Mapping[str, Callable[[str], list[str]]] = {
    "model": models,
    "engine": engines,
    "value_function": lambda incomplete: _last_of_list(incomplete, workspace_names("")),
    **dict.fromkeys(("problems", "val", "test"), sources),
    "experiment": experiments,
    "control": control_arms,
}
"""What completes each field of the configs. Closed choices complete themselves."""

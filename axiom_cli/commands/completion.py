"""What a shell offers for an unfinished word. Nothing heavy is loaded, since the user is waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from axiom_cli.settings.configs import GlobalConfig
from axiom_cli.settings.sources import resolve


def families(incomplete: str) -> list[str]:
    """Families; of a comma-separated list, the last one is completed."""
    from axiom_cli.problems import families as known

    return _last_of_list(incomplete, known.names())


def experiments(incomplete: str) -> list[str]:
    """The folders under experiments/."""
    from axiom_cli.evaluation.experiment_folder import experiment_names

    return [name for name in experiment_names() if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """nano, and the names in the workspace."""
    return [name for name in ("nano", *workspace_names("")) if name.startswith(incomplete)]


def workspace_names(incomplete: str) -> list[str]:
    """The names in the workspace, if there is one."""
    from axiom_cli.errors import AxiomError
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
    "value_function": workspace_names,
    "problem_types": families,
    "experiment": experiments,
    "control": control_arms,
}
"""What completes each field of the configs. Closed choices complete themselves."""

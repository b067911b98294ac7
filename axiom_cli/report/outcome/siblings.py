"""The runs beside a run, in the same folder, that its settings made too, but for a few: other seeds, or other shares of
wrong verdicts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from axiom_cli.errors import AxiomError
from axiom_cli.evaluation.experiment_folder import (
    HELD_OUT,
    Experiment,
    ExperimentFolder,
    experiment_names,
    read_config,
    read_experiment,
)
from axiom_cli.evaluation.pooled import NOT_SETTINGS, dotted
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.fields import spelled

MAKES_NO_OTHER_RUN = NOT_SETTINGS - {"iterations"} | {"ignore_gates", "plan"}
MOST_KEPT = 64
"""Runs that are not read again for the reports of the runs beside them."""


def siblings(run: Experiment, free: Collection[str] = ()) -> list[Experiment]:
    """`run`, then by name the runs beside it whose settings are the same but for their seed and what is `free`. What
    cannot be read is left out: the report of one run says nothing of another's damage."""
    place = run.folder.path
    wanted, runs = recipe(run.config, free), [run]
    for name in experiment_names(place.parent) if run.config else ():
        with suppress(AxiomError, OSError):
            folder = ExperimentFolder(place.parent / name)
            if name != place.name and recipe(read_config(folder.config), free) == wanted:
                runs.append(_read(folder.path, folder.metrics.stat().st_mtime_ns))
    return runs


@lru_cache(maxsize=MOST_KEPT)
def _read(folder: Path, _version: int) -> Experiment:
    return read_experiment(folder.name, folder.parent)


def recipe(config: Mapping[str, Any], free: Collection[str] = ()) -> dict[str, Any]:
    """The settings that make a run what it is, without its seeds and what is `free`. An option that was not there yet
    had its default."""
    settings = {**_defaults(), **dotted(config)}
    left_out = MAKES_NO_OTHER_RUN.union(free)
    return {name: value for name, value in settings.items() if name not in left_out and not name.endswith(".seed")}


@cache
def _defaults() -> dict[str, Any]:
    return {
        f"{place}.{spelled(option.name)}" if place else spelled(option.name): option.default
        for place, part in LoopConfig.parts().items()
        for option in part.options
    }


def a_run_a_seed(runs: Iterable[Experiment]) -> list[Experiment]:
    """The first of the runs with each seed, by seed: the same run under two names counts once."""
    first: dict[int, Experiment] = {}
    for run in runs:
        first.setdefault(seed_of(run), run)
    return [first[seed] for seed in sorted(first)]


def seed_of(run: Experiment) -> int:
    """The seed of the whole run."""
    seed = run.config.get("seed", 0)
    return seed if isinstance(seed, int) else 0


def evaluated_on(run: Experiment, models: Collection[int]) -> str:
    """The first of test and validation on which these models of the run were evaluated; else empty."""
    return next((split for split in HELD_OUT if {*models} <= {*run.iterations(split=split)}), "")

"""An engine that adds to each sample how likely it is to be right, by a value function that `axiom train` fitted.

Each sample gets `value` (P(correct), or of a verifier by pairs the likelihood), `value_by` (name and
digest of the function), and `value_seen` if the function was fitted on its problem, so that measurements leave it out.
What further functions say, which choose nothing, stands in the list `values`, an object with these three for each.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from axiom_cli import models
from axiom_cli.errors import InputError, MissingError
from axiom_cli.records import ModelRef, Sample
from axiom_cli.sampling.engines.protocol import Engine, EngineInFront, Request
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.objects import short
from axiom_cli.workspace.store import Workspace

if TYPE_CHECKING:
    from axiom_cli.sampling.engines.value_function import ValueFunction

FIT_ONE = "fit one: axiom train VERDICTS --objective value --experiment NAME"
DIGITS = 6


@dataclass(frozen=True)
class StoredValueFunction:
    """A value function on this disk: the model whose samples it scores, and the problems that it was fitted on. Without
    a head it was fitted by preference."""

    ref: ModelRef
    base: ModelRef
    folder: Path
    problems: frozenset[str]
    has_head: bool = True


def find_all(named: str, workspace: Workspace | None = None) -> list[StoredValueFunction]:
    """The value functions in a comma-separated list, each once; or the folder of that name. Raises what `find` does."""
    whole = (models.expand_user(named) / models.VALUE_FACTS).is_file()
    parts = [named] if whole else [part.strip() for part in named.split(",") if part.strip()]
    return [find(name, workspace) for name in dict.fromkeys(parts)]


def find(name: str, workspace: Workspace | None = None) -> StoredValueFunction:
    """The value function called `name`: a folder, or a name or digest in the workspace. Raises MissingError if there is
    none, InputError for anything else."""
    folder = models.expand_user(name)
    if (folder / models.VALUE_FACTS).is_file():
        return _read(str(folder), models.folder_digest(folder), folder)
    try:
        digest = workspace.resolve(name) if workspace and "/" not in name else ""
    except MissingError as error:
        hint = error.hint if "did you" in error.hint else FIT_ONE
        raise MissingError(f"there is no value function called {name!r}", hint) from None
    if not workspace or not digest or not workspace.has(digest):
        raise MissingError(f"there is no value function called {name!r}, as a folder or in the workspace", FIT_ONE)
    if not workspace.is_tree(digest) or models.VALUE_FACTS not in workspace.tree(digest):
        raise InputError(f"{name} is in the workspace but is not a value function", FIT_ONE)
    return _read(name, digest, workspace.tree_path(digest))


def _read(name: str, digest: str, folder: Path) -> StoredValueFunction:
    from axiom_cli.models.value_head import check_folder

    try:
        facts = orjson.loads((folder / models.VALUE_FACTS).read_bytes())
        base, problems = ModelRef(**facts["base"]), frozenset(facts["problems"])
        has_head = bool(facts.get("head", True))
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{folder / models.VALUE_FACTS} is damaged", "copy or fit the value function again") from None
    check_folder(folder, has_head=has_head)
    return StoredValueFunction(ModelRef(name, digest), base, folder, problems, has_head)


def check_value_function(config: SolveConfig, model: ModelRef, workspace: Workspace | None) -> None:
    """Raises MissingError if `config` names a value function that is not there, InputError if it scores the samples of
    another model than `model`."""
    for stored in find_all(config.value_function, workspace):
        if stored.base.digest != model.digest:
            raise InputError(
                f"{stored.ref.name} scores samples of {stored.base.name} ({short(stored.base.digest)}), "
                f"not of {model.name} ({short(model.digest)})",
                f"fit one on this model's own verdicts: axiom train VERDICTS --objective value --model {model.name}",
            )


def scored(engine: Engine, config: SolveConfig, workspace: Workspace | None) -> Engine:
    """`engine`, with its samples scored by each value function that `config` names. The first one chooses."""
    for stored in find_all(config.value_function, workspace):
        engine = ScoringEngine(engine, stored, workspace, config.dtype)
    return engine


class ScoringEngine(EngineInFront):
    """An engine in front of another one. The value function is loaded, in `dtype`, with the first samples."""

    def __init__(self, engine: Engine, stored: StoredValueFunction, workspace: Workspace | None, dtype: str) -> None:
        super().__init__(engine)
        self._stored, self._workspace, self._dtype = stored, workspace, dtype

    def generate(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[list[Sample]]:
        """As `Engine.generate`. Samples with finish `error` have no value."""
        for group in self._engine.generate(requests, params, samples):
            whole = [sample for sample in group if sample.finish != "error"]
            values = iter(self._function.values(whole))
            yield [sample if sample.finish == "error" else self._with_value(sample, next(values)) for sample in group]

    def _with_value(self, sample: Sample, value: float) -> Sample:
        rounded = round(value, DIGITS) if self._stored.has_head else float(f"{value:.{DIGITS}g}")
        extra: dict[str, Any] = {"value": rounded, "value_by": self._stored.ref.to_dict()}
        if sample.problem.id in self._stored.problems:
            extra["value_seen"] = True
        if "value" in sample.extra:
            extra = {"values": [*sample.extra.get("values", ()), extra]}
        return replace(sample, extra={**sample.extra, **extra})

    @cached_property
    def _function(self) -> ValueFunction:
        from axiom_cli.models.loading import sampling_dtype
        from axiom_cli.sampling.engines import value_function

        model = models.resolve(self.model.name, self._workspace)
        return value_function.load(
            model, self._stored.folder, sampling_dtype(model.path, self._dtype), has_head=self._stored.has_head
        )

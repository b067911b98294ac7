"""An engine whose samples say how likely they are to be right, by a value function that `axiom train` fitted.

Each sample gets `value` (P(correct)), `value_by` (name and digest of the function), and `value_seen` where the function
was fitted on its problem, so that whoever measures leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from axiom_cli import models
from axiom_cli.errors import InputError, MissingError
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines import Engine, Messages
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

if TYPE_CHECKING:
    from axiom_cli.sampling.engines.value_function import ValueFunction

FACTS = "value.json"
MAKES = "axiom train VERDICTS --objective value --experiment NAME makes one"
DIGITS = 6


@dataclass(frozen=True)
class Found:
    """A value function on this disk: whose samples it judges, and the problems that it was fitted on."""

    ref: ModelRef
    base: ModelRef
    folder: Path
    problems: frozenset[str]


def find(name: str, workspace: Workspace | None = None) -> Found:
    """The value function called `name`: a folder, or a name or digest in the workspace. Raises MissingError where there
    is none, InputError for something else."""
    folder = Path(name).expanduser()
    if (folder / FACTS).is_file():
        return _read(str(folder), models.folder_digest(folder), folder)
    try:
        digest = workspace.resolve(name) if workspace and "/" not in name else ""
    except MissingError as error:
        raise MissingError(f"no value function {name!r}", error.hint if "did you" in error.hint else MAKES) from None
    if not workspace or not digest or not workspace.has(digest):
        raise MissingError(f"no value function {name!r}: neither a folder nor in the workspace", MAKES)
    if not workspace.is_tree(digest) or FACTS not in workspace.tree(digest):
        raise InputError(f"{name} is no value function but something else in the workspace", MAKES)
    return _read(name, digest, workspace.tree_path(digest))


def _read(name: str, digest: str, folder: Path) -> Found:
    from axiom_cli.models.value_head import whole

    try:
        facts = orjson.loads((folder / FACTS).read_bytes())
        found = Found(ModelRef(name, digest), ModelRef(**facts["base"]), folder, frozenset(facts["problems"]))
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{folder / FACTS} is damaged", "copy the value function again, or fit it again") from None
    whole(folder)
    return found


def check(config: SolveConfig, model: ModelRef, workspace: Workspace | None) -> None:
    """Raises MissingError where `config` names a value function that is not there, InputError where it judges another
    model's samples than `model`'s."""
    if not config.value_function:
        return
    found = find(config.value_function, workspace)
    if found.base.digest != model.digest:
        raise InputError(
            f"{config.value_function} judges samples of {found.base.name} ({found.base.digest[:12]}), "
            f"not of {model.name} ({model.digest[:12]})",
            f"fit one on this model's own verdicts: axiom train VERDICTS --objective value --model {model.name}",
        )


def valued(engine: Engine, config: SolveConfig, workspace: Workspace | None) -> Engine:
    """`engine`, its samples scored where `config` names a value function."""
    if not config.value_function:
        return engine
    return Valued(engine, find(config.value_function, workspace), workspace, config.dtype)


class Valued:
    """An `Engine` over another one. The value function is loaded, its weights in `dtype`, when there is something to
    score."""

    def __init__(self, engine: Engine, found: Found, workspace: Workspace | None, dtype: str) -> None:
        self._engine, self._found, self._workspace, self._dtype = engine, found, workspace, dtype
        self.name, self.model = engine.name, engine.model

    def at_once(self, config: SolveConfig) -> int:
        """As `engines.at_once`."""
        return engines.at_once(self._engine, config)

    def generate(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[list[Sample]]:
        """As `Engine.generate`. Samples that finished with `error` have no value."""
        for group in self._engine.generate(problems, params, samples, starts, messages):
            whole = [sample for sample in group if sample.finish != "error"]
            values = iter(self._function.values(whole))
            yield [sample if sample.finish == "error" else self._with(sample, next(values)) for sample in group]

    def _with(self, sample: Sample, value: float) -> Sample:
        told = {"value": round(value, DIGITS), "value_by": self._found.ref.to_dict()}
        if sample.problem.id in self._found.problems:
            told["value_seen"] = True
        return replace(sample, extra={**sample.extra, **told})

    @cached_property
    def _function(self) -> ValueFunction:
        from axiom_cli.models.loading import weights_dtype
        from axiom_cli.sampling.engines.value_function import ValueFunction

        path = models.resolve(self.model.name, self._workspace).path
        return ValueFunction(path, self._found.folder, weights_dtype(path, self._dtype))

    def close(self) -> None:
        """The engine is closed by who opened it."""

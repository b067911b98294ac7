"""Problems in, samples out: many attempts at each problem, side by side and in order.

With a workspace, each problem's samples are remembered, so that a run that was killed loses at most the last few
seconds and running it again goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from axiom_cli import engines
from axiom_cli.configs import SolveConfig, VerifyConfig
from axiom_cli.engines import Engine, sampling_params
from axiom_cli.engines.scripted import ScriptedEngine, recorded
from axiom_cli.errors import MissingError, UsageError
from axiom_cli.families.teacher import teach
from axiom_cli.ids import content_id
from axiom_cli.records import Problem, Sample
from axiom_cli.stages.strategies import STRATEGIES, Check
from axiom_cli.stages.verify import verify
from axiom_cli.workspace import Workspace

VERSION = 1
SAVE_EVERY = 5.0
"""Seconds of work that a killed run may lose, beside what the engine has not handed out yet."""


def open_engine(model_name: str, config: SolveConfig, workspace: Workspace | None = None) -> Engine:
    """As `engines.open_engine`; the scripted engine writes the solver-teacher's solutions, reasoning included."""
    if config.engine == ScriptedEngine.name:
        return ScriptedEngine(model_name, config, workspace, write=lambda problem: teach(problem) or recorded(problem))
    return engines.open_engine(model_name, config, workspace)


def solve(
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    workspace: Workspace | None = None,
    verifying: VerifyConfig | None = None,
) -> Iterator[Sample]:
    """The samples of each problem, in the order of the problems; those of one problem side by side.

    `verifying` is how `--strategy retry` checks in between. Raises UsageError at the call.
    """
    _check(config)
    return _solve(iter(problems), engine, config, workspace, partial(verify, config=verifying or VerifyConfig()))


def _check(config: SolveConfig) -> None:
    if config.strategy not in STRATEGIES:
        raise UsageError(f"no strategy called {config.strategy!r}", f"there are {', '.join(STRATEGIES)}")
    for name, least in (("samples", 1), ("max_tokens", 1), ("max_attempts", 1), ("temperature", 0)):
        if getattr(config, name) < least:
            raise UsageError(f"{name} of {getattr(config, name)}", f"the least is {least}")
    if not 0 < config.top_p <= 1:
        raise UsageError(f"top_p of {config.top_p}", "it lies above 0 and is at most 1")


def _solve(
    problems: Iterator[Problem], engine: Engine, config: SolveConfig, workspace: Workspace | None, check: Check
) -> Iterator[Sample]:
    size = batch_size(engine, config)
    while batch := list(islice(problems, size)):
        together = _together(batch, engine)
        known = [_recall(problem, engine, config, workspace, together) for problem in batch]
        if together and None in known:
            known = [None] * len(batch)
        new = [problem for problem, samples in zip(batch, known, strict=True) if samples is None]
        fresh = _fresh(new, engine, config, workspace, check, together)
        try:
            for samples in known:
                yield from next(fresh) if samples is None else samples
        finally:
            fresh.close()


def batch_size(engine: Engine, config: SolveConfig) -> int:
    """How many problems the engine is given at once."""
    return max(1, engines.at_once(engine, config) // config.samples)


def _fresh(
    problems: Sequence[Problem],
    engine: Engine,
    config: SolveConfig,
    workspace: Workspace | None,
    check: Check,
    together: str = "",
) -> Iterator[list[Sample]]:
    """New samples, handed on and then remembered: every few seconds, and whenever the reader or the user stops us.

    What cannot be saved on the way is tried again at the end, when every sample of the batch has been handed on.
    """
    unsaved: list[list[Sample]] = []
    saved = time.monotonic()
    try:
        groups = STRATEGIES[config.strategy](problems, engine, config, check)
        for problem, samples in zip(problems, groups, strict=True):
            if [sample.problem for sample in samples] != [problem] * len(samples):
                raise ValueError(f"engine {engine.name} does not keep the order of the problems")
            unsaved.append(samples)
            yield samples
            if time.monotonic() - saved > SAVE_EVERY:
                saved = time.monotonic()
                with suppress(MissingError):
                    _save(unsaved, engine, config, workspace, together)
                    unsaved = []
    finally:
        _save(unsaved, engine, config, workspace, together)


def _together(batch: Sequence[Problem], engine: Engine) -> str:
    """What stands for the batch, where the engine computes its problems together: then a sample depends on the others
    by rounding, and a broken-off batch is made again whole, so that going on gives what one go would have given."""
    return content_id([problem.id for problem in batch]) if getattr(engine, "together", False) else ""


def recipe(problem: Problem, engine: Engine, config: SolveConfig, together: str = "") -> dict[str, Any]:
    """What one problem's samples are made from."""
    settings = {name: getattr(config, name) for name in ("samples", "strategy")}
    settings |= {**sampling_params(config), "engine": engine.name}
    if config.strategy == "retry":
        settings["max_attempts"] = config.max_attempts
    identity = content_id(replace(problem, extra={}).to_dict())
    return {
        "stage": "solve",
        "version": VERSION,
        "config": settings,
        "inputs": {"problem": identity, "model": engine.model.digest, **({"batch": together} if together else {})},
    }


def _recall(
    problem: Problem, engine: Engine, config: SolveConfig, workspace: Workspace | None, together: str
) -> list[Sample] | None:
    """The remembered samples, holding the problem as it came in now, with its annotations."""
    receipt = workspace.recall(recipe(problem, engine, config, together)) if workspace else None
    if receipt is None:
        return None
    return [replace(sample, problem=problem) for sample in workspace.get_records(receipt["samples"], Sample)]


def _save(
    groups: Sequence[list[Sample]], engine: Engine, config: SolveConfig, workspace: Workspace | None, together: str
) -> None:
    """Remembers each problem's samples, save where a completion could not be had: that is tried again next time."""
    whole = [group for group in groups if group and all(sample.finish != "error" for sample in group)]
    if workspace is None or not whole:
        return
    with workspace.writer():
        made = [
            (recipe(group[0].problem, engine, config, together), {"samples": workspace.put_records(group)})
            for group in whole
        ]
        workspace.record(made)

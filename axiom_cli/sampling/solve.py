"""Problems in, samples out: many attempts at each problem, side by side and in order.

With a workspace, what the engine writes is remembered, so that a run that was killed loses at most the last few seconds
and running it again goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice

from axiom_cli.problems.families.teacher import teach
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling import engines, value_scorer
from axiom_cli.sampling.engines import Engine
from axiom_cli.sampling.engines.scripted import ScriptedEngine, recorded
from axiom_cli.sampling.sample_cache import Remembered, Spent
from axiom_cli.sampling.strategies import registry
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.caching_verifier import CachingVerifier
from axiom_cli.workspace.store import Workspace


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
    spent: Spent | None = None,
) -> Iterator[Sample]:
    """The samples of each problem, in the order of the problems; those of one problem side by side.

    `verifying` is how strategies that verify do so; what the search costs is added to `spent`, and what it solved where
    the strategy verifies. Raises UsageError at the call, and what `scoring.check` raises.
    """
    registry.check(config)
    value_scorer.check(config, engine.model, workspace)
    return _flat(problems, engine, config, workspace, verifying or VerifyConfig(), spent or Spent())


def _flat(
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    workspace: Workspace | None,
    verifying: VerifyConfig,
    spent: Spent,
) -> Iterator[Sample]:
    with (
        CachingVerifier(verifying) as verifier,
        closing(in_groups(problems, engine, config, workspace, verifier, spent)) as groups,
    ):
        for samples in groups:
            spent.solved += verifier.discard(samples)
            yield from samples


def in_groups(
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    workspace: Workspace | None,
    verifier: CachingVerifier,
    spent: Spent,
) -> Iterator[list[Sample]]:
    """The samples of each problem, a list a problem. Verdicts that the strategy came by are kept in `verifier`."""
    rest, asked = iter(problems), value_scorer.valued(Remembered(engine, workspace, spent), config, workspace)
    size = batch_size(engine, config)
    while batch := list(islice(rest, size)):
        with closing(registry.STRATEGIES[config.strategy](batch, asked, config, verifier)) as groups:
            for problem, samples in zip(batch, groups, strict=True):
                if any(sample.problem != problem for sample in samples):
                    raise ValueError(f"strategy {config.strategy} does not keep the order of the problems")
                spent.problems += 1
                yield samples


def batch_size(engine: Engine, config: SolveConfig) -> int:
    """How many problems are searched at once: as many as fill the engine with their first samples."""
    return max(1, engines.at_once(engine, config) // registry.first_round(config))

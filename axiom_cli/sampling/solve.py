"""Problems in, samples out: many attempts at each problem, side by side and in order.

With a workspace, samples are cached: a killed run loses at most the last few seconds, and running it again resumes it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from itertools import islice

from axiom_cli.records import Problem, Sample
from axiom_cli.sampling import engines, value_scorer
from axiom_cli.sampling.engines.protocol import Engine
from axiom_cli.sampling.sample_cache import CachedEngine, Usage
from axiom_cli.sampling.strategies import registry
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.caching_verifier import CachingVerifier
from axiom_cli.workspace.store import Workspace


def open_engine(model_name: str, config: SolveConfig, workspace: Workspace | None = None) -> Engine:
    """As `engines.open_engine`; the scripted engine writes the solver teacher's solutions, reasoning included."""
    if config.engine == "scripted":
        from axiom_cli.problems.families.teacher import teach
        from axiom_cli.sampling.engines.scripted import ScriptedEngine, recorded

        return ScriptedEngine(model_name, config, workspace, write=lambda problem: teach(problem) or recorded(problem))
    return engines.open_engine(model_name, config, workspace)


def solve(  # noqa: PLR0913 - what, by whom, how, and where it is kept
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    workspace: Workspace | None = None,
    verifying: VerifyConfig | None = None,
    usage: Usage | None = None,
) -> Generator[Sample]:
    """The samples of each problem, in the order of the problems; those of one problem side by side.

    `verifying` configures strategies that verify. The cost of the search is added to `usage`, and so is what it solved
    if the strategy verifies. Raises at the call what `registry.check_strategy` and `value_scorer.check_value_function`
    raise.
    """
    usage = usage or Usage()
    registry.check_strategy(config)
    value_scorer.check_value_function(config, engine.model, workspace)

    def samples() -> Generator[Sample]:
        cached = cached_engine(engine, config, workspace, usage)
        with (
            CachingVerifier(verifying or VerifyConfig()) as verifier,
            closing(sample_groups(problems, cached, config, verifier)) as groups,
        ):
            for group in groups:
                usage.problems += 1
                usage.solved += verifier.discard(group)
                yield from group

    return samples()


def cached_engine(engine: Engine, config: SolveConfig, workspace: Workspace | None, usage: Usage) -> Engine:
    """The engine behind the cache of samples, with the value scorer that `config` names in front of it."""
    return value_scorer.scored(CachedEngine(engine, workspace, usage), config, workspace)


def sample_groups(
    problems: Iterable[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Generator[list[Sample]]:
    """The samples of each problem, a list per problem. Verdicts that the strategy obtains are kept in `verifier`."""
    remaining, strategy = iter(problems), registry.STRATEGIES[config.strategy]
    # As many problems at once as fill the engine with their first samples.
    size = max(1, engine.batch_size_hint(config) // registry.first_round(config))
    while batch := list(islice(remaining, size)):
        with closing(strategy(batch, engine, config, verifier)) as groups:
            for problem, group in zip(batch, groups, strict=True):
                if any(sample.problem != problem for sample in group):
                    raise ValueError(f"strategy {config.strategy} does not keep the order of the problems")
                yield group

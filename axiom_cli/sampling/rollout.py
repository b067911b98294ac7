"""Problems in, verdicts out: prompt, generate and verify in one go, a problem at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby

from axiom_cli.prefetch import Prefetcher
from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.sampling import engines, value_scorer
from axiom_cli.sampling.engines import Engine
from axiom_cli.sampling.sample_cache import Spent
from axiom_cli.sampling.solve import in_groups, solve
from axiom_cli.sampling.strategies import registry
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.caching_verifier import CachingVerifier
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace


def pipeline(
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    check: VerifyConfig,
    workspace: Workspace | None = None,
    spent: Spent | None = None,
) -> Iterator[list[Verdict]]:
    """The verdicts on all samples of each problem, a list a problem, in order. What it cost and came to is added to
    `spent`. Raises UsageError at the call.

    Programs are verified while the next ones are sampled. A strategy that verifies on the way is taken at its word.
    """
    registry.check(config)
    value_scorer.check(config, engine.model, workspace)
    spent = spent or Spent()
    if registry.verifies(config):
        found = _searched(problems, engine, config, check, workspace, spent)
    else:
        found = _sampled(problems, engine, config, check, workspace, spent)
    return _counted(found, spent)


def _counted(found: Iterator[list[Verdict]], spent: Spent) -> Iterator[list[Verdict]]:
    with closing(found):
        for verdicts in found:
            spent.solved += any(verdict.passed for verdict in verdicts)
            yield verdicts


def _searched(
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    check: VerifyConfig,
    workspace: Workspace | None,
    spent: Spent,
) -> Iterator[list[Verdict]]:
    with (
        CachingVerifier(check) as verifier,
        closing(in_groups(problems, engine, config, workspace, verifier, spent)) as groups,
    ):
        for samples in groups:
            yield verifier.take(samples)


def _sampled(
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    check: VerifyConfig,
    workspace: Workspace | None,
    spent: Spent,
) -> Iterator[list[Verdict]]:
    source = _beside(solve(problems, engine, config, workspace, check, spent), engine, config)
    with closing(source), closing(verify(source, check)) as verdicts:
        for _, group in groupby(verdicts, key=lambda verdict: verdict.sample.problem.id):
            yield list(group)


def _beside(samples: Iterator[Sample], engine: Engine, config: SolveConfig) -> Iterator[Sample] | Prefetcher[Sample]:
    """The samples, made in a thread if the first one is a program, so that the sandbox has work while the engine has.
    Answers are verified in no time, and there the engine stays in this thread, where Ctrl-C reaches it at once."""
    first = next(samples, None)
    if first is None:
        return samples
    whole = _joined(first, samples)
    return whole if first.problem.form == "answer" else Prefetcher(whole, engines.at_once(engine, config))


def _joined(first: Sample, rest: Iterator[Sample]) -> Iterator[Sample]:
    with closing(rest):
        yield first
        yield from rest

"""retry: where no sample has solved a problem, each failed one gets feedback and is tried again."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.sampling.engines.protocol import Engine, Request
from axiom_cli.sampling.strategies.feedback import conversations
from axiom_cli.sampling.strategies.problem_batch import ProblemBatch
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


def retry(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Generator[list[Sample]]:
    """All attempts at each problem, at most `samples * max_attempts`. Index i + k * samples is the attempt after
    i + (k - 1) * samples failed; a solved problem gets no more."""
    batch = ProblemBatch(problems, engine, config, verifier)
    if config.early_stop:
        batch.until_solved()
    else:
        batch.verify(range(len(problems)), config.samples)
    for attempt in range(2, config.max_attempts + 1):
        unsolved = [(place, verdict) for place in batch.unsolved() for verdict in batch.verdicts[place]]
        failed = [(p, v) for p, v in unsolved if v.status == "fail" and v.sample.attempt == attempt - 1]
        if not failed:
            break
        places = [place for place, _ in failed]
        batch.count(places, _next_attempts(places, [verdict for _, verdict in failed], batch, attempt))
    yield from batch.groups


def _next_attempts(
    places: Sequence[int], failed: Sequence[Verdict], batch: ProblemBatch, attempt: int
) -> Generator[Sample]:
    messages = conversations(failed, batch.verifier)
    samples = [verdict.sample for verdict in failed]
    requests = [
        Request(sample.problem, sample.index + batch.config.samples, conversation)
        for sample, conversation in zip(samples, messages, strict=True)
    ]
    groups = batch.engine.generate(requests, batch.config, 1)
    for place, conversation, (sample,) in zip(places, messages, groups, strict=True):
        retried = replace(sample, attempt=attempt, extra={**sample.extra, "messages": conversation})
        batch.groups[place].append(retried)
        yield retried

"""retry: where no sample has solved a problem, each failed one is told why and tried again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.sampling.engines import Engine
from axiom_cli.sampling.strategies.feedback import conversations
from axiom_cli.sampling.strategies.rounds import Rounds
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


def retry(
    problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
) -> Iterator[list[Sample]]:
    """All attempts at each problem, at most `samples * max_attempts`. Index i + k * samples is the attempt after
    i + (k - 1) * samples failed; once the problem is solved there is none."""
    rounds = Rounds(problems, engine, config, verifier)
    if config.early_stop:
        rounds.until_solved()
    else:
        rounds.judge(range(len(problems)), config.samples)
    for attempt in range(2, config.max_attempts + 1):
        failed = [(place, one) for place in rounds.unsolved() for one in rounds.verdicts[place] if _last(one, attempt)]
        if not failed:
            break
        places = [place for place, _ in failed]
        rounds.count(places, _again(places, [verdict for _, verdict in failed], rounds, attempt))
    yield from rounds.groups


def _last(verdict: Verdict, attempt: int) -> bool:
    """Whether it says that the attempt before this one failed. What broke down (`infra`) did not."""
    return verdict.status == "fail" and verdict.sample.attempt == attempt - 1


def _again(places: Sequence[int], failed: Sequence[Verdict], rounds: Rounds, attempt: int) -> Iterator[Sample]:
    """One more attempt after each failed one, put beside the other samples of its problem."""
    asked = conversations(failed, rounds.verifier)
    problems = [verdict.sample.problem for verdict in failed]
    starts = [verdict.sample.index + rounds.config.samples for verdict in failed]
    written = rounds.engine.generate(problems, rounds.config, 1, starts, asked)
    for place, messages, (sample,) in zip(places, asked, written, strict=True):
        sample = replace(sample, attempt=attempt, extra={**sample.extra, "messages": messages})
        rounds.groups[place].append(sample)
        yield sample

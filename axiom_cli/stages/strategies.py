"""How a problem's samples are spent. Each strategy turns a batch of problems into one list of samples a problem.

best-of-n   all samples at once, all handed on: the verifier chooses
retry       a failed sample is told why and tried again, up to `max_attempts` times; all attempts are handed on
vote        all samples at once; the first one with the commonest answer is handed on (self-consistency, 2203.11171)
adaptive    a quarter of the samples first; the rest only where those disagree
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from axiom_cli import answers, syntax
from axiom_cli.configs import SolveConfig
from axiom_cli.engines import Engine
from axiom_cli.records import Problem, Sample, Verdict

Check = Callable[[Iterable[Sample]], Iterable[Verdict]]
Strategy = Callable[[Sequence[Problem], Engine, SolveConfig, Check], Iterator[list[Sample]]]


def best_of_n(problems: Sequence[Problem], engine: Engine, config: SolveConfig, check: Check) -> Iterator[list[Sample]]:
    """All samples of each problem."""
    return engine.generate(problems, config, config.samples)


def retry(problems: Sequence[Problem], engine: Engine, config: SolveConfig, check: Check) -> Iterator[list[Sample]]:
    """All attempts at each problem: index i + k * samples is the attempt after i + (k - 1) * samples failed."""
    groups = list(engine.generate(problems, config, config.samples))
    failed = _failed(((place, sample) for place, group in enumerate(groups) for sample in group), check)
    for attempt in range(2, config.max_attempts + 1):
        if not failed:
            break
        again = list(_again(failed, engine, config, attempt))
        for place, sample in again:
            groups[place] = [*groups[place], sample]
        failed = _failed(again, check)
    yield from groups


def _failed(placed: Iterable[tuple[int, Sample]], check: Check) -> list[tuple[int, Verdict]]:
    """The failed ones, each with its problem's place in the batch. What broke down (`infra`) is not among them."""
    placed = list(placed)
    verdicts = check(sample for _, sample in placed)
    return [(at, verdict) for (at, _), verdict in zip(placed, verdicts, strict=True) if verdict.status == "fail"]


def _again(
    failed: Sequence[tuple[int, Verdict]], engine: Engine, config: SolveConfig, attempt: int
) -> Iterator[tuple[int, Sample]]:
    asked = [conversation(verdict) for _, verdict in failed]
    problems = [verdict.sample.problem for _, verdict in failed]
    starts = [verdict.sample.index + config.samples for _, verdict in failed]
    written = engine.generate(problems, config, 1, starts, asked)
    for (place, _), messages, (sample,) in zip(failed, asked, written, strict=True):
        yield place, replace(sample, attempt=attempt, extra={**sample.extra, "messages": messages})


def conversation(verdict: Verdict) -> list[dict[str, str]]:
    """The conversation so far, the failed attempt, and what a user without the solution could say of it."""
    sample = verdict.sample
    before = sample.extra.get("messages") or answers.messages(sample.problem)
    said = {"role": "assistant", "content": answers.spoken(sample.text).strip() or sample.text[-2000:]}
    return [*before, said, {"role": "user", "content": f"{_complaint(verdict)} Try again, from the beginning."}]


def _complaint(verdict: Verdict) -> str:
    """Says what is wrong without the expected values, which the verifier's own reason may name."""
    sample = verdict.sample
    if sample.finish == "length":
        return "That was cut off: be briefer."
    if sample.problem.program is None:
        answer = answers.read_answer(sample.text)
        return f"{answer} is not right." if answer else f"There is no line that starts with '{answers.MARK} '."
    if answers.written_program(sample) is None:
        return f"There is no ```python block that defines {sample.problem.program.entry_point}."
    return f"That passes {verdict.passed_tests} of {verdict.total_tests} tests."


def vote(problems: Sequence[Problem], engine: Engine, config: SolveConfig, check: Check) -> Iterator[list[Sample]]:
    """One sample a problem, with `extra["votes"]` of `extra["voters"]` agreeing. Without any vote, the first sample."""
    for group in engine.generate(problems, config, config.samples):
        ballots = [ballot(sample) for sample in group]
        counts = Counter(one for one in ballots if one is not None)
        (winner, votes), *_ = counts.most_common(1) or [(None, 0)]
        chosen = group[ballots.index(winner)] if votes else group[0]
        yield [replace(chosen, extra={**chosen.extra, "votes": votes, "voters": len(group)})]


def ballot(sample: Sample) -> str | None:
    """What a sample votes for: its answer, or its program without comments and layout. None if it has neither."""
    if sample.finish != "stop":
        return None
    if sample.problem.program is None:
        return answers.read_answer(sample.text)
    code = answers.written_program(sample)
    tree = syntax.parse(code) if code is not None else None
    return ast.dump(tree) if tree else None


def adaptive(problems: Sequence[Problem], engine: Engine, config: SolveConfig, check: Check) -> Iterator[list[Sample]]:
    """A quarter of the samples (at least two) of each problem, and the rest where the answers are not all one."""
    first = min(config.samples, max(2, config.samples // 4))
    groups = list(engine.generate(problems, config, first))
    unsure = [place for place, group in enumerate(groups) if len({ballot(s) for s in group} - {None}) != 1]
    rest = config.samples - first
    if unsure and rest:
        more = engine.generate([problems[p] for p in unsure], config, rest, [first] * len(unsure))
        for place, group in zip(unsure, more, strict=True):
            groups[place] = [*groups[place], *group]
    yield from groups


STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {"best-of-n": best_of_n, "retry": retry, "vote": vote, "adaptive": adaptive}
)

"""Models on problems of any source: greedy, sampled, and compared in pairs.

The workspace remembers what was sampled, so that the same evaluation is there at once, and an interrupted one resumes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from axiom_cli import models
from axiom_cli.errors import NothingToDoError, UsageError
from axiom_cli.evaluation.comparison import Comparison, compare
from axiom_cli.evaluation.metrics import ALL, evaluate
from axiom_cli.importing import sources
from axiom_cli.importing.sources import Reading
from axiom_cli.models import Resolved
from axiom_cli.records import Metrics, Problem, Verdict
from axiom_cli.sampling import engines
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.rollout import keep_metrics, remember_rollout, rollout
from axiom_cli.settings.configs import EvalConfig, SolveConfig
from axiom_cli.settings.options import names
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace

Say = Callable[[str], object]


@dataclass(frozen=True)
class Evaluation:
    """One model on all problems: its verdicts, and their metrics, the overall greedy row first."""

    model: Resolved
    verdicts: Sequence[Verdict]
    rows: Sequence[Metrics]


def read_problems(config: EvalConfig, workspace: Workspace, note: Say, warn: Say) -> list[Problem]:
    """All problems of the finite sources, and `config.count` of the families. Raises what `open_sources` raises."""
    low, high = config.min_difficulty, config.max_difficulty
    if low > high:
        raise UsageError(f"--min-difficulty {low} is above --max-difficulty {high}", "set both, the lower one first")
    columns = tuple(names([config.column]))
    reading = Reading(config.form, range(low, high + 1), config.seed, config.as_, columns)
    opened = sources.open_sources(config.problems, reading, workspace, note=note, warn=warn)
    problems = [problem for source in opened.finite for problem in source.problems]
    if opened.endless:
        problems += sources.sample(opened.endless, [], config.count, config.split, config.seed)
    if not problems:
        raise NothingToDoError(f"--problems {config.problems}: there is nothing to evaluate on", "name another source")
    return problems


def evaluate_models(
    model_names: Sequence[str],
    problems: Sequence[Problem],
    config: EvalConfig,
    workspace: Workspace,
    on_problem: Callable[[str, int], None],
) -> list[Evaluation]:
    """Each model's evaluation, in order. `on_problem` is called with what is being sampled, and how many problems of it
    have just been finished.

    All models are looked for before the first is sampled: raises what `models.resolve` and `engines.open_engine` raise.
    """
    resolved = [_resolve(name, config.solve, workspace) for name in model_names]
    splits = sorted({problem.split for problem in problems})
    split = splits[0] if len(splits) == 1 else "mixed"
    return [_evaluate(model, problems, split, config, workspace, on_problem) for model in resolved]


def plan(config: EvalConfig) -> list[SolveConfig]:
    """How each model is sampled: greedily, and if there are to be samples, with these."""
    greedy = replace(config.solve, samples=1, temperature=0.0, seed=config.seed)
    sampled = replace(greedy, samples=config.samples, temperature=config.temperature) if config.samples else None
    return [greedy, *([sampled] if sampled else [])]


def _resolve(name: str, config: SolveConfig, workspace: Workspace) -> Resolved:
    if not engines.is_endpoint(name):
        return models.resolve(name, workspace)
    with closing(engines.open_engine(name, config, workspace)) as engine:
        return Resolved(engine.model.name, engine.model.digest, Path())


def _evaluate(  # noqa: PLR0913 - as `evaluate_models`, of one
    model: Resolved,
    problems: Sequence[Problem],
    split: str,
    config: EvalConfig,
    workspace: Workspace,
    on_problem: Callable[[str, int], None],
) -> Evaluation:
    verdicts: list[Verdict] = []
    receipts: list[Receipt] = []
    with closing(EngineHandle(model, workspace, config.solve)) as engine:
        for sampling in plan(config):
            label = f"{model.name}, {'greedy' if not sampling.temperature else f'{sampling.samples} samples'}"
            done = 0

            def report(finished: int, label: str = label) -> None:
                nonlocal done
                on_problem(label, finished - done)
                done = finished

            if engines.is_endpoint(model.name):  # an answer that failed today is asked for again tomorrow
                groups = rollout(problems, engine.load_weights(model), sampling, config.verify, workspace)
                for number, group in enumerate(groups, 1):
                    verdicts += group
                    report(number)
                continue
            remembered, receipt = remember_rollout(
                model, problems, sampling, engine, workspace, report, verifying=config.verify
            )
            report(len(problems))
            verdicts += remembered
            receipts.append(receipt)
    facts = {"model": model.name, "digest": model.digest}
    seconds = sum(receipt.seconds for receipt in receipts)
    rows = evaluate(verdicts, model.name, split=split, seconds=seconds, extra=facts)
    if receipts:
        keep_metrics(rows, receipts, workspace)
    return Evaluation(model, verdicts, rows)


def compare_all(evaluations: Sequence[Evaluation]) -> list[Comparison]:
    """The first model against each of the others, paired by problem: greedy, then with samples."""
    first, *others = evaluations
    return [
        comparison
        for other in others
        for comparison in compare(first.verdicts, other.verdicts, (first.model.name, other.model.name))
    ]


def below(evaluations: Sequence[Evaluation], rate: float) -> list[Metrics]:
    """The overall greedy rows of the models that pass less than `rate`."""
    overall = (evaluation.rows[0] for evaluation in evaluations)
    return [row for row in overall if row.family == ALL and row.rate < rate]

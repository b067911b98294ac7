"""`axiom solve`: samples, or with `--output-dir` the whole pipeline in one command."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axiom_cli import jsonl
from axiom_cli.commands import completion, distributed
from axiom_cli.commands.pages import INPUT_OUTPUT, own_option, page
from axiom_cli.commands.problems import list_rows, refuse_unknown
from axiom_cli.commands.streams import AsJson, Output, SkipBad, Source, records, show_rows, suggest, summed_up, write
from axiom_cli.errors import UsageError
from axiom_cli.records import Problem, Sample
from axiom_cli.settings.configs import DistributeConfig, ModelConfig, SolveConfig, VerifyConfig
from axiom_cli.settings.options import configured, names
from axiom_cli.terminal import console
from axiom_cli.wording import plural
from axiom_cli.workspace import refs
from axiom_cli.workspace.objects import nearest_existing, probe

app = typer.Typer(add_completion=False, rich_markup_mode=None)
if TYPE_CHECKING:
    from axiom_cli.commands.saved import Saved
    from axiom_cli.sampling.engines.protocol import Engine
    from axiom_cli.sampling.sample_cache import Usage
    from axiom_cli.workspace.store import Workspace

PIPELINE = "Whole pipeline"
ONLY = "Only these problems; without FILE, hand-written ones."
SAVE = "Verify too, and save what passes in DIR [data/synthetic if bare]."
MODEL = "nano, a hub id, a folder, a .gguf file, a name in the workspace, or a server's URL [nano]."
Ids = Annotated[
    list[str] | None, own_option("--problems", "ID,ID", ONLY, INPUT_OUTPUT, complete=completion.handwritten)
]
Folder = Annotated[Path | None, own_option("--output-dir", "DIR", SAVE, PIPELINE)]
Name = Annotated[str, own_option("--experiment", "NAME", "Save to DIR/solutions_NAME.jsonl.", PIPELINE)]
SkipExisting = Annotated[bool, own_option("--skip-existing", None, "Skip problems with a saved solution.", PIPELINE)]
ListProblems = Annotated[
    bool, own_option("--list-problems", None, "List the hand-written problems, and stop.", PIPELINE)
]


@app.command(
    **page(
        "axiom problems gen robot_walk | axiom solve --samples 4 | axiom verify",
        "axiom solve problems.jsonl --temperature 0 --samples 1 -o samples.jsonl",
        "axiom solve --problems two_sum,fizzbuzz --output-dir --experiment demo",
    )
)
@configured("allow", "allow_checkers", complete=completion.FIELDS, lines={"model": MODEL})
def solve(
    ctx: typer.Context,
    model: ModelConfig,
    config: SolveConfig,
    check: VerifyConfig,
    cluster: DistributeConfig,
    file: Source = None,
    output: Output = None,
    skip_bad: SkipBad = False,
    problems: Ids = None,
    output_dir: Folder = None,
    experiment: Name = "",
    skip_existing: SkipExisting = False,
    list_problems: ListProblems = False,
    json: AsJson = False,
) -> None:
    """Sample solutions of problems, several of each. With --output-dir, verify them too and save what passes.

    The verification options have an effect with --output-dir, with strategies that verify on the way (retry, adaptive,
    --early-stop), and on programs that vote.
    """
    if list_problems:
        show_rows("hand-written problems", (row for row in list_rows() if row["kind"] == "handwritten"), json)
        return
    from axiom_cli import models
    from axiom_cli.commands.saved import Saved
    from axiom_cli.sampling.sample_cache import Usage
    from axiom_cli.sampling.solve import solve as sample
    from axiom_cli.sampling.strategies.registry import check_strategy, verifies
    from axiom_cli.sampling.value_scorer import find_all
    from axiom_cli.workspace.store import Workspace

    whole = output_dir is not None or bool(experiment)
    folder = output_dir or Path("data/synthetic")
    check_strategy(config)
    if whole:
        _check_folder(folder, experiment, output)
    saved = Saved(folder, experiment)
    todo = _problems(file, names(problems), whole, skip_bad, _usable(config, check, verified=whole or verifies(config)))
    if skip_existing:
        todo = (problem for problem in todo if not saved.holds(problem))
    first = next(iter(todo := iter(todo)), None)
    if first is None:
        console.note(f"nothing to do: every problem has a solution in {saved.path}")
        return
    todo = chain([first], todo)
    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    workspace.objects.check_writable()
    find_all(config.value_function, workspace)
    with distributed.engine(model.model or models.NANO, config, workspace, cluster) as engine:
        if whole:
            _pipeline(todo, saved, engine, config, check, workspace)
        else:
            on_same_terminal = output is None and not console.data_wanted() and not summed_up(output, json)
            with nullcontext(lambda *_: None) if on_same_terminal else console.progress("samples") as progress:
                usage = Usage(on_samples=_measure_speed(lambda new, speed: progress(new, f"samples, {speed}")))
                count = write(sample(todo, engine, config, workspace, check, usage), output, as_json=json)
            if verifies(config):
                _show_cost(config, usage)
            samples = plural(usage.samples, "sample")
            samples = samples if count == usage.samples else f"{count:,} of {samples}"
            console.note(f"{samples} by {engine.model.name}, {plural(usage.tokens, 'token')}{_losses(usage)}")
            suggest("axiom verify", output, json)


def _usable(config: SolveConfig, check: VerifyConfig, *, verified: bool) -> jsonl.Check | None:
    """A check of problems, if all samples are `verified` or the strategy runs programs on its way."""
    from axiom_cli.verification.checkers import function_of
    from axiom_cli.verification.verify import record_check

    every = record_check(check)

    def programs(problem: Problem) -> None:
        if problem.program and not function_of(problem):
            every(problem)

    return every if verified else programs if config.strategy != "best-of-n" else None


def _check_folder(folder: Path, experiment: str, output: Path | None) -> None:
    """Raises UsageError or OSError if accepted solutions cannot be saved in `folder`."""
    if output is not None:
        raise UsageError("-o and --output-dir do not go together", "axiom solve | axiom verify -o FILE writes verdicts")
    if experiment:
        refs.path(Path(), experiment)
    if not nearest_existing(folder).is_dir():
        raise UsageError(f"cannot save in {folder}: it is not a folder", "choose another --output-dir")
    probe(folder)


def _problems(
    file: Path | None, wanted: list[str], whole: bool, skip_bad: bool, check: jsonl.Check | None
) -> Iterable[Problem]:
    """The requested problems: from `file` or stdin, else the hand-written ones."""
    if file is None and (wanted or whole):
        from axiom_cli.problems.families import handwritten

        if set(wanted) <= set(handwritten.names()) if wanted else not _piped():
            return [problem for problem in handwritten.problems() if not wanted or problem.id in wanted]
        if not _piped():
            refuse_unknown(wanted, handwritten.names())
    problems = records(file, Problem, skip_bad=skip_bad, check=check)
    if not wanted:
        return problems
    every = list(problems)
    refuse_unknown(wanted, [problem.id for problem in every])
    return [problem for problem in every if problem.id in wanted]


def _piped() -> bool:
    """Whether stdin is a pipe or a file, rather than a terminal or nothing."""
    if sys.stdin is None:
        return False
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _pipeline(
    todo: Iterable[Problem],
    saved: Saved,
    engine: Engine,
    config: SolveConfig,
    check: VerifyConfig,
    workspace: Workspace,
) -> None:
    from axiom_cli.sampling.rollout import rollout
    from axiom_cli.sampling.sample_cache import Usage
    from axiom_cli.verification.solution_rows import solution_rows

    kept = 0
    with console.progress("problems") as progress:
        usage = Usage(on_samples=_measure_speed(lambda _, speed: progress(0, f"problems, {speed}")))
        for verdicts in rollout(todo, engine, config, check, workspace, usage):
            kept += saved.append(solution_rows(verdicts))
            progress(1, f"{verdicts[0].sample.problem.title}: {sum(v.passed for v in verdicts)} of {len(verdicts)}")
    saved.append(())
    _show_cost(config, usage)
    solved = f"{usage.solved} of {plural(usage.problems, 'problem')} solved"
    console.note(f"{solved}{_losses(usage)}; {plural(kept, 'new solution')} in {saved.path}")


def _measure_speed(report: Callable[[int, str], None]) -> Callable[[Sequence[Sample]], None]:
    """A callback for `Usage.on_samples`: reports the number of new samples, and the mean speed so far."""
    began, tokens = time.monotonic(), 0

    def on_samples(samples: Sequence[Sample]) -> None:
        nonlocal tokens
        tokens += sum(sample.tokens for sample in samples)
        report(len(samples), f"{tokens / max(time.monotonic() - began, 1e-3):,.0f} tokens/s")

    return on_samples


def _losses(usage: Usage) -> str:
    """How many samples failed, with the first reason, and how many were cut off; empty if there are none."""
    failed = [f"{usage.failed:,} failed: {usage.first_error}"] * bool(usage.failed)
    cut_off = [f"{usage.truncated:,} cut off"] * bool(usage.truncated)
    return f" ({'; '.join(failed + cut_off)})" if failed or cut_off else ""


def _show_cost(config: SolveConfig, usage: Usage) -> None:
    """What the search cost, as a table. A sample from the cache counts with the tokens it took when it was sampled."""
    each = [f"{cost / usage.solved:,.1f}" if usage.solved else "" for cost in (usage.samples, usage.tokens)]
    name = f"{config.strategy}, early stop" if config.early_stop else config.strategy
    columns = ("strategy", "problems", "solved", "samples", "tokens", "samples per solved", "tokens per solved")
    counts = (f"{count:,}" for count in (usage.problems, usage.solved, usage.samples, usage.tokens))
    console.table("", columns, [[name, *counts, *each]])

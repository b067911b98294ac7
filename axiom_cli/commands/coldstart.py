"""`axiom coldstart`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from axiom_cli.commands import completion
from axiom_cli.commands.pages import own_option, page
from axiom_cli.commands.streams import AsJson, Output, SkipBad, Source, records, suggest, summed_up, write
from axiom_cli.commands.train import fit_and_merge
from axiom_cli.errors import NothingToDoError
from axiom_cli.records import Problem, Verdict
from axiom_cli.settings.configs import ColdstartConfig, ModelConfig, TrainConfig, VerifyConfig
from axiom_cli.settings.options import configured
from axiom_cli.terminal import console
from axiom_cli.wording import plural

if TYPE_CHECKING:
    from axiom_cli.sampling.coldstart import TraceCounts
    from axiom_cli.sampling.teachers import Forecast

SOLVER = "solver"
app = typer.Typer(add_completion=False, rich_markup_mode=None)
Name = Annotated[str, own_option("--experiment", "NAME", "With --train: name of the model in the workspace.")]


@app.command(
    **page(
        "axiom problems gen --count 200 | axiom coldstart -o traces.jsonl",
        "axiom problems gen --count 200 | axiom coldstart --train --experiment cold",
    )
)
@configured("allow", "allow_checkers", complete=completion.FIELDS)
def coldstart(
    ctx: typer.Context,
    config: ColdstartConfig,
    check: VerifyConfig,
    model: ModelConfig,
    fit: TrainConfig,
    file: Source = None,
    output: Output = None,
    skip_bad: SkipBad = False,
    experiment: Name = "coldstart",
    json: AsJson = False,
) -> None:
    """Collect a teacher's solutions, verified like any other sample, to teach a model the answer format.

    A remote teacher's traces are remembered: none is bought twice. --model and the training options have an effect only
    with --train.
    """
    from axiom_cli import models
    from axiom_cli.learning import model_names
    from axiom_cli.learning.train import check_base
    from axiom_cli.sampling.coldstart import TraceCounts
    from axiom_cli.sampling.coldstart import coldstart as teach
    from axiom_cli.verification.verify import record_check
    from axiom_cli.workspace.store import Workspace

    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    if config.train:
        model_names.check_name(experiment, workspace)
        check_base(models.resolve(model.model or models.NANO, workspace), fit.objective)
    kept: list[Verdict] = []
    counts = TraceCounts(on_forecast=show_forecast)

    def verdicts() -> Iterator[Verdict]:
        problems = records(file, Problem, skip_bad=skip_bad, check=record_check(check))
        for verdict in teach(problems, config, check, workspace, counts):
            if config.train:
                kept.append(verdict)
            yield verdict

    quiet = config.teacher == SOLVER or (output is None and not console.data_wanted() and not summed_up(output, json))
    with nullcontext(lambda *_: None) if quiet else console.progress("traces") as progress:
        counts.on_trace = lambda _: progress(1, f"traces, {counts.passed:,} passed")
        count = write(verdicts(), output, as_json=json)
    show_counts(counts, config)
    if not count:
        raise NothingToDoError(f"no solution by the teacher {config.teacher} passes", _advice(counts, config))
    console.note(f"{plural(count, 'verdict')} on solutions by the teacher {config.teacher}")
    if config.train:
        fit_and_merge(kept, model.model, fit, workspace, experiment)
    else:
        suggest("axiom train", output, json)


def show_forecast(forecast: Forecast) -> None:
    """Says what a remote teacher is going to be asked for."""
    for line in forecast.lines():
        console.note(line)


def show_counts(counts: TraceCounts, config: ColdstartConfig) -> None:
    """Says what did not pass, what it cost, and what the budget did not cover."""
    if counts.failures:
        console.note(f"{counts.passed:,} of {plural(counts.traces, 'trace')} passed; {counts.failures}")
    if counts.cost:
        console.note(f"the traces have cost {counts.cost}")
    if counts.not_asked:
        wanted = counts.traces + counts.not_asked
        console.warn(
            f"the budget of {config.budget} covers {counts.traces:,} of {plural(wanted, 'trace')}; the same command "
            "with a larger --budget buys the rest"
        )


def _advice(counts: TraceCounts, config: ColdstartConfig) -> str:
    """What to do where nothing passed."""
    if config.teacher == SOLVER:
        return "the solver knows the problems of `axiom problems` only; choose another --teacher for others"
    if counts.cut_off * 2 > counts.traces:
        return "most traces were cut off: raise --teacher-max-tokens"
    return "look at what it wrote (--include-failed), choose another --teacher, or easier problems"

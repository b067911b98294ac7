"""`axiom coldstart`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from axiom_cli.commands.streams import Output, SkipBad, Source, records, words, write
from axiom_cli.commands.train import fit_and_merge
from axiom_cli.errors import NothingToDoError
from axiom_cli.records import Problem, Verdict
from axiom_cli.settings.configs import ColdstartConfig, TrainConfig, VerifyConfig
from axiom_cli.settings.options import GLOBAL_OPTIONS, ModelConfig, configured
from axiom_cli.terminal import console

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Name = Annotated[str, typer.Option("--experiment", metavar="NAME", help="With --train, the model's name from now on.")]


@app.command(epilog=GLOBAL_OPTIONS)
@configured("allow")
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
) -> None:
    """A teacher's solutions of problems, verified like any other sample: the rows of a first fine-tune.

    The options of the trainer and --model matter with --train only.
    """
    from axiom_cli.learning import model_names
    from axiom_cli.sampling.coldstart import coldstart as teach
    from axiom_cli.workspace.store import Workspace

    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    if config.train:
        model_names.check(experiment, workspace)
    kept: list[Verdict] = []

    def told() -> Iterator[Verdict]:
        for verdict in teach(records(file, Problem, skip_bad=skip_bad), config, check, workspace):
            if config.train:
                kept.append(verdict)
            yield verdict

    count = write(told(), output)
    if not count:
        hint = "the solver knows what `axiom problems` made; for other problems --teacher names another"
        raise NothingToDoError(f"the teacher {config.teacher} has no solution that passes", hint)
    console.note(f"{words(count, 'verdict')} on solutions of the teacher {config.teacher}")
    if config.train:
        fit_and_merge(kept, model.model, fit, workspace, experiment)

"""`axiom train`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axiom_cli import process_rank
from axiom_cli.commands import completion, preview
from axiom_cli.commands.pages import INPUT_OUTPUT, own_option, page
from axiom_cli.commands.streams import AsJson, Output, SkipBad, Source, records, summed_up, write
from axiom_cli.errors import InputError, NothingToDoError, UsageError
from axiom_cli.records import Adapter, Model, Problem, Verdict
from axiom_cli.settings import configs
from axiom_cli.settings.configs import MergeConfig, ModelConfig, TrainConfig
from axiom_cli.settings.options import configured
from axiom_cli.terminal import console
from axiom_cli.wording import plural
from axiom_cli.workspace.objects import short

if TYPE_CHECKING:
    from axiom_cli.learning.training.fit import Progress
    from axiom_cli.learning.training_example import Screen
    from axiom_cli.workspace.store import Workspace

app = typer.Typer(add_completion=False, rich_markup_mode=None)
NAME = "Name of the adapter in the workspace; `axiom merge` passes it to the model."
SCREEN = "Leave out rows that share a run of 8 words with these problems, or with an experiment's."
Name = Annotated[str, own_option("--experiment", "NAME", NAME, "Output")]
Show = Annotated[
    int | None,
    typer.Option(
        "--show",
        metavar="N",
        min=0,
        help="Print N rows with their loss mask, and stop [all if bare].",
        rich_help_panel="Output",
    ),
]
Decontaminate = Annotated[
    list[str] | None,
    own_option("--decontaminate", "FILE,...", SCREEN, configs.SELECTION, complete=completion.experiments),
]
Solutions = Annotated[Path | None, own_option("--solutions", "FILE", "The same as FILE.", INPUT_OUTPUT)]


@app.command(
    **page(
        "axiom train verdicts.jsonl -o adapter.jsonl",
        "axiom train verdicts.jsonl --show 3",
        "axiom train verdicts.jsonl --model Qwen/Qwen2.5-0.5B-Instruct --quantize 4bit",
    )
)
@configured(complete=completion.FIELDS)
def train(
    ctx: typer.Context,
    model: ModelConfig,
    config: TrainConfig,
    file: Source = None,
    output: Output = None,
    skip_bad: SkipBad = False,
    experiment: Name = "",
    show: Show = None,
    decontaminate: Decontaminate = None,
    solutions: Solutions = None,
    json: AsJson = False,
) -> None:
    """Train an adapter on accepted solutions: verdicts, or the plain rows of `axiom verify --format solutions`."""
    from axiom_cli import models
    from axiom_cli.learning import model_names
    from axiom_cli.learning.train import TrainingObserver, check_base, check_settings
    from axiom_cli.learning.training.requirements import unused_options
    from axiom_cli.workspace.store import Workspace

    if solutions and file:
        raise UsageError("--solutions and FILE both name the rows", "leave one of them out")
    if process_rank.size() > 1 and not (solutions or file):
        raise UsageError("several processes cannot read one pipe", "write the verdicts to a file, and name it")
    check_settings(config)
    for warning in unused_options(config):
        console.warn(warning)
    base = model.model or models.NANO
    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    if experiment:
        model_names.check_name(experiment, workspace)
    check_base(models.resolve(base, workspace), config.objective)
    screen = _screen(decontaminate or [])
    verdicts = _verdicts(solutions or file, skip_bad)
    if show is not None:
        from axiom_cli.learning.preview import show as shown

        observer = TrainingObserver(selected=preview.show_selection, warn=console.warn)
        preview.show(shown(verdicts, base, config, workspace, show, screen, observer))
        return
    adapter = fit(verdicts, base, config, workspace, experiment, screen)
    if not process_rank.is_first():
        return
    if experiment and (warning := model_names.assign(experiment, adapter.digest, workspace)):
        console.warn(warning)
    write([adapter], output, as_json=json)
    if summed_up(output, json):
        console.hint("add | axiom merge to make a model of it; what was trained is not trained again")


def _verdicts(file: Path | None, skip_bad: bool) -> list[Verdict]:
    """The verdicts, and those of plain rows. Raises NothingToDoError if none of the rows' problems is known."""
    from axiom_cli.verification.solution_rows import verdict_lines

    unknown: list[str] = []
    try:
        verdicts = list(records(file, Verdict, skip_bad=skip_bad, reading=partial(verdict_lines, unknown=unknown)))
    except NothingToDoError:
        if not unknown:
            raise
        raise NothingToDoError(
            f"no row has a known problem: {plural(len(unknown), 'row')}, the first of problem {unknown[0]}",
            "axiom verify --format solutions writes rows that hold their problem; or train on verdict records",
        ) from None
    if unknown:
        console.warn(f"{plural(len(unknown), 'row')} left out, with unknown problems; the first is {unknown[0]}")
    return verdicts


def _screen(names: list[str]) -> Screen | None:
    """Finds the samples that overlap with the problems of `names`: files, or experiments with their held-out problems.
    None without names."""
    from axiom_cli.evaluation.experiment_folder import EXPERIMENTS, HELD_OUT, ExperimentFolder
    from axiom_cli.problems.decontamination import overlapping_samples

    def files(name: str) -> list[Path]:
        run, file = EXPERIMENTS / name, Path(name)
        if file.exists() or str(file) == "-":
            return [file]
        if not run.is_dir():
            message = f"--decontaminate {name}: neither a file of problems nor an experiment"
            raise InputError(message, "axiom problems gen -o FILE writes a file; experiments/ holds the experiments")
        return [ExperimentFolder(run).problems(split) for split in HELD_OUT]

    names = [part for name in names for part in ([name] if Path(name).exists() else name.split(",")) if part]
    problems = [problem for name in names for file in files(name) for problem in records(file, Problem)]
    return (lambda samples: overlapping_samples(samples, problems)) if problems else None


def fit(
    verdicts: list[Verdict],
    base: str,
    config: TrainConfig,
    workspace: Workspace,
    name: str = "",
    screen: Screen | None = None,
) -> Adapter:
    """Trains on `verdicts`, with progress on stderr and in the trackers that `config` names."""
    from axiom_cli.experiment.forecast import Clock
    from axiom_cli.experiment.observer import Phase
    from axiom_cli.experiment.progress import RunProgress
    from axiom_cli.learning.train import TrainingObserver, watched
    from axiom_cli.learning.train import train as trained
    from axiom_cli.terminal.status_line import status_line

    progress = RunProgress(0, Clock([], {}), console.note, console.warn)
    progress.begin(Phase("train", 0))
    with status_line(progress.line, progress.part) as progress.note, watched(config, name) as track:

        def on_step(step: Progress) -> None:
            progress.trained(step)
            track(step)

        observer = TrainingObserver(selected=preview.show_selection, step=on_step, warn=console.warn)
        adapter = trained(verdicts, base, config, workspace, screen, observer)
    console.note(f"trained on {plural(adapter.rows, 'row')}; adapter {short(adapter.digest)}")
    return adapter


def fit_and_merge(verdicts: list[Verdict], base: str, config: TrainConfig, workspace: Workspace, name: str) -> Model:
    """Trains on `verdicts` and merges, and gives the model its name in the workspace."""
    from axiom_cli import models
    from axiom_cli.learning.merge import merge

    model = merge(fit(verdicts, base or models.NANO, config, workspace, name), MergeConfig(), workspace)
    workspace.set_ref(name, model.digest)
    console.note(f"model {short(model.digest)}: axiom solve --model {name}")
    return model

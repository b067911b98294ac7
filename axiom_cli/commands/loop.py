"""`axiom loop`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer

from axiom_cli import process_rank
from axiom_cli.commands import completion, distributed
from axiom_cli.commands.pages import page
from axiom_cli.errors import UsageError
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.options import configured, names
from axiom_cli.terminal import console
from axiom_cli.wording import plural

if TYPE_CHECKING:
    from axiom_cli.experiment.loop import Loop
    from axiom_cli.workspace.store import Workspace

app = typer.Typer(add_completion=False, rich_markup_mode=None)
LINES = {"dtype": "Type of the weights that sample, and of the merged ones; auto is that of the base [auto]."}


def kind_of(model: str, workspace: str) -> str:
    """The kind of a model by its weights, which settings follow. Nothing heavy is loaded, and nothing downloaded."""
    from axiom_cli.models.kind import kind_of

    return kind_of(model, workspace)


@app.command(
    **page(
        "axiom loop --plan",
        "axiom loop --experiment first",
        "axiom loop --problems robot_walk --iterations 3 --control shuffled",
    )
)
@configured("problems", "control", "allow", "allow_checkers", complete=completion.FIELDS, lines=LINES, kind_of=kind_of)
def loop(ctx: typer.Context, config: LoopConfig) -> None:
    """Evaluate, collect, train, merge, repeat: the model learns from its own verified answers.

    After an interruption, the same command resumes where it stopped. Under torchrun, the first process samples and all
    of them train.
    """
    if not process_rank.is_first():
        follow_first(ctx.obj.config.workspace, config)
        return
    from axiom_cli import models
    from axiom_cli.experiment.combinations import check_combinations, check_settings
    from axiom_cli.experiment.effects import check_effects
    from axiom_cli.experiment.loop import Loop
    from axiom_cli.experiment.memory_forecast import check_accelerator, suggestion
    from axiom_cli.experiment.observer import LoopObserver
    from axiom_cli.workspace.store import Workspace

    check_effects(config, [name for name, value in ctx.params.items() if value is not None])
    check_accelerator(config)
    check_settings(config)
    start = config.model.model or models.NANO
    check_combinations(config, start)
    for line in described(config):
        console.note(line)
    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    if config.transfer:
        transfer(config, start, workspace)
        return
    reading = LoopObserver(note=console.note, warn=console.warn)
    work = Loop(config, start, workspace, reading, distributed.opener(config.distribute))
    if better := suggestion(config):
        console.note(better)
    if config.plan:
        with closing(work.engine):
            forecast(work)
        return
    follow(work)
    finish(config.experiment)


def transfer(config: LoopConfig, start: str, workspace: Workspace) -> None:
    """Runs a loop on each family, one after the other, and shows what each did to all; the cells go to a pipe."""
    from axiom_cli import jsonl
    from axiom_cli.commands.streams import write
    from axiom_cli.evaluation.experiment_folder import EXPERIMENTS, read_experiment
    from axiom_cli.evaluation.transfer import FILE, matrix
    from axiom_cli.experiment.loop import Loop
    from axiom_cli.experiment.observer import LoopObserver
    from axiom_cli.experiment.transfer import family_runs
    from axiom_cli.report.sections.transfer import LEGEND, transfer_table

    if process_rank.size() > 1:
        raise UsageError("--transfer makes several runs, and torchrun follows one", "leave out torchrun")
    runs = family_runs(config)
    reading = LoopObserver(note=console.note, warn=console.warn)
    for family, own in runs.items():
        console.note(f"trained on {family} alone: experiment {own.experiment}")
        work = Loop(own, start, workspace, reading, distributed.opener(own.distribute))
        if config.plan:
            with closing(work.engine):
                forecast(work)
        else:
            follow(work)
    if config.plan:
        return
    cells = matrix({family: read_experiment(own.experiment) for family, own in runs.items()})
    records = [cell.to_record(config.experiment) for cell in cells]
    jsonl.save(EXPERIMENTS / config.experiment / FILE, records, follow=False)
    table = transfer_table(records)
    console.table(table.title, table.columns, table.rows, table.keys)
    console.note(LEGEND)
    if unmoved := [cell.trained for cell in cells if cell.trained == cell.family and not cell.model]:
        console.note(f"no round beat the start model on validation, which stays selected: {', '.join(unmoved)}")
    if console.data_wanted():
        write(records, None)


def follow_first(workspace: str, config: LoopConfig) -> None:
    """Lends a hand in what the first process trains."""
    if config.plan:
        return
    from axiom_cli.learning.train import follow
    from axiom_cli.workspace.store import Workspace

    follow(Workspace.open_or_create(workspace or None))


def forecast(work: Loop) -> None:
    """Measures what the run would take, and tells it; the numbers go to a pipe."""
    from axiom_cli.commands.streams import write
    from axiom_cli.experiment.forecast import Clock
    from axiom_cli.experiment.probe import measure
    from axiom_cli.experiment.progress import RunProgress
    from axiom_cli.learning.replay import parse_shares
    from axiom_cli.terminal.status_line import status_line

    work.check(console.warn)
    for line in work.cold_starter().plan():
        console.note(line)
    if process_rank.size() > 1:
        console.note("how long it takes is measured without torchrun")
        return
    clock = Clock([], parse_shares(work.config.replay))
    progress = RunProgress(0, clock, lambda _: None, console.warn)
    with status_line(lambda width: progress.line(width, "measuring"), progress.part):
        measured = measure(work, progress.observer())
    for line in measured.lines():
        console.note(line)
    if work.config.coldstart:
        console.note("round 0, the cold start, comes on top of that; after it, 2 in 5 samples are taken to pass")
    if console.data_wanted():
        write([measured.to_dict()], None)


def follow(work: Loop) -> None:
    """Runs the loop, and shows where it is."""
    from axiom_cli.evaluation.experiment_folder import EXPERIMENTS, ExperimentFolder
    from axiom_cli.experiment.forecast import Clock
    from axiom_cli.experiment.machine import note_machine, now
    from axiom_cli.experiment.observer import both
    from axiom_cli.experiment.progress import RunProgress
    from axiom_cli.experiment.tracking import RunTracking
    from axiom_cli.learning.distributed import leading
    from axiom_cli.learning.replay import parse_shares
    from axiom_cli.learning.train import tracked
    from axiom_cli.terminal.status_line import status_line

    clock = Clock(work.phases(), parse_shares(work.config.replay))
    progress = RunProgress(work.config.iterations, clock, console.note, console.warn)
    progress.begun = ExperimentFolder(EXPERIMENTS / work.config.experiment).config.exists()
    train, began = work.config.train, now()
    with (
        status_line(progress.line, progress.part) as progress.note,
        tracked(train.tracker, work.config.experiment, train.learning()) as log,
        leading(),
    ):
        folder = work.run(both(progress.observer(), RunTracking(log).observer()))
    note_machine(folder, began)


def finish(experiment: str) -> None:
    """Writes the page, and shows what the run came to on one screen; the records go to a pipe."""
    from axiom_cli.commands.report import write_page
    from axiom_cli.commands.streams import write
    from axiom_cli.evaluation.experiment_folder import read_experiment
    from axiom_cli.report.outcome.last_screen import last_screen
    from axiom_cli.report.outcome.summary import summarize

    summary = summarize(read_experiment(experiment))
    write_page(summary)
    for line in last_screen(summary, _afterwards(experiment, summary.experiment.config), console.width()):
        console.note(line)
    if console.data_wanted():
        write(summary.rows, None)


def _afterwards(experiment: str, config: Mapping[str, Any]) -> list[str]:
    """What to type after a run. A family's model is asked one of its problems: a small one understands nothing else."""
    from axiom_cli.importing.source_names import parse

    families = [source.name for source in parse(config["problems"]) if source.kind == "family"]
    ask = f"axiom ask {experiment}"
    ask = f"axiom problems gen {families[0]} --count 1 | {ask}" if families else f'{ask} "..."'
    return [f"axiom report {experiment} --open", ask, f"axiom export {experiment} DIR"]


def described(config: LoopConfig) -> Iterator[str]:
    """What the run will do, line by line. It is printed before anything is loaded."""
    from axiom_cli import models
    from axiom_cli.evaluation.changepoint import LEAST_ROUNDS
    from axiom_cli.evaluation.experiment_folder import EXPERIMENTS
    from axiom_cli.experiment import climb
    from axiom_cli.importing.source_names import parse
    from axiom_cli.problems.families import draw

    arms = names([config.control])
    start = config.model.model or models.NANO
    yield f"experiment {config.experiment} in {EXPERIMENTS / config.experiment}, from {start}"
    sources = parse(config.problems)
    families = [source.kind == "family" for source in sources]
    usual = range(config.min_difficulty, config.max_difficulty + 1)
    groups = groupby(sources, lambda source: source.levels or (usual if source.kind == "family" else None))
    yield "; ".join(
        f"{', '.join(map(str, alike))}{f' at {draw.say_levels(levels)}' if levels else ''}" for levels, alike in groups
    )
    first = max(climb.start_level(config), config.min_difficulty)
    highest = max(((source.levels or usual)[-1] for source in sources if source.kind == "family"), default=0)
    if config.curriculum == "bands":
        yield f"each family trains at levels up to {first} at first, one more from a rate of 0.7 on, one less under 0.3"
    elif config.climb_from and first < highest:
        yield f"it trains on levels up to {first} at first, then up to the lowest with under 7 in 10 solved"
    if config.coldstart:
        yield f"round 0: {plural(config.coldstart, 'problem')} solved by {config.teaching.teacher}, to learn from first"
    most = "" if any(families) else "up to "  # a file may have fewer
    problems = f"{most}{plural(config.train_size, 'problem')} x {plural(config.solve.samples, 'sample')}"
    yield f"{plural(config.iterations, 'round')} of {problems}, trained by {config.train.objective}"
    if config.iterations >= LEAST_ROUNDS:
        yield "it ends with the test for grokking; config.json holds the rule before the first round"
    if config.wrong_labels:
        where = "at levels where the start model solves at most 60 %"
        yield f"it learns from wrong verdicts: {config.wrong_labels:.0%} are turned round {where}"
    if config.patience:
        yield f"it stops after {plural(config.patience, 'round')} in a row without a gain on validation"
    if config.evidence_size:
        fresh = plural(config.evidence_size, "fresh problem")
        yield f"{fresh} after each round, for an e-value against the start model"
    yield f"validation on {most}{config.val_size:,} problems after each, test on {most}{config.test_size:,} at the end"
    if config.transfer:
        yield f"each of these families is trained on alone, in a run {config.experiment}-FAMILY, and all are tested"
    if arms:
        yield f"{plural(len(arms), 'control arm')}: {', '.join(arms)}"

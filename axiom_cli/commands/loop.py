"""`axiom loop`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from axiom_cli.commands import completion
from axiom_cli.commands.pages import page
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.options import configured, names
from axiom_cli.terminal import console
from axiom_cli.wording import plural
from axiom_cli.workspace.objects import short

if TYPE_CHECKING:
    from axiom_cli.experiment.loop import Loop
    from axiom_cli.records import Metrics

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
        "axiom loop --problems rpn,list_ops --iterations 5 --control shuffled",
    )
)
@configured("problems", "control", "allow", "allow_checkers", complete=completion.FIELDS, lines=LINES, kind_of=kind_of)
def loop(ctx: typer.Context, config: LoopConfig) -> None:
    """Evaluate, collect, train, merge, repeat: the model learns from its own verified answers.

    After an interruption, the same command resumes where it stopped.
    """
    from axiom_cli import models
    from axiom_cli.experiment.loop import Loop
    from axiom_cli.workspace.store import Workspace

    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    work = Loop(config, config.model.model or models.NANO, workspace)
    if config.plan:
        for line in plan(work):
            console.note(line)
        return
    from axiom_cli.commands.report import show_findings, write_page
    from axiom_cli.evaluation.experiment_folder import read_experiment
    from axiom_cli.experiment.round import LoopObserver
    from axiom_cli.report.experiment_tables import experiment_findings
    from axiom_cli.report.summary import summarize

    with console.board(f"{config.experiment}: greedy pass rates", ["model", "split", "all", *work.families]) as board:
        work.run(
            LoopObserver(
                phase=board.phase,
                evaluated=lambda rows: board.row(board_row(rows, work.families)),
                note=console.note,
                warn=console.warn,
            )
        )
    summary = summarize(read_experiment(config.experiment))
    show_findings(experiment_findings([summary]))
    write_page(summary)


def plan(work: Loop) -> Iterator[str]:
    """What the run would do, line by line. Raises NothingToDoError if there are too few problems."""
    from axiom_cli.evaluation.experiment_folder import EXPERIMENTS
    from axiom_cli.experiment.curriculum import check_supply

    config = work.config
    check_supply(work.buckets, config)
    arms = ["the run itself", *names([config.control])]
    folder = EXPERIMENTS / config.experiment
    yield f"experiment {config.experiment} in {folder}, from {work.base.name} {short(work.base.digest)}"
    yield f"{', '.join(work.families)} at levels {config.min_difficulty}-{config.max_difficulty}"
    rounds = f"{config.iterations} rounds of {config.train_size:,} problems x {config.solve.samples} samples"
    yield f"{rounds}, trained by {config.train.objective}"
    yield f"validation on {config.val_size:,} problems per round, test on {config.test_size:,} at the end"
    yield f"{plural(len(arms), 'arm')}: {', '.join(arms)}"


def board_row(rows: Sequence[Metrics], families: Sequence[str]) -> list[str]:
    """One evaluation as a row of the board: the overall greedy rate and each family's."""
    from axiom_cli.evaluation.experiment_folder import split_arm

    greedy = [row for row in rows if row.level == 0 and row.extra["temperature"] == rows[0].extra["temperature"]]
    rates = {row.family: f"{100 * row.rate:.1f} %" for row in greedy}
    _, arm = split_arm(rows[0].experiment)
    return [f"{rows[0].iteration} {arm}".strip(), rows[0].split, rates["all"], *(rates.get(f, "") for f in families)]

"""`axiom loop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from axiom_cli import console
from axiom_cli.commands.report import show_tables, write_page
from axiom_cli.commands.streams import write
from axiom_cli.configs import LoopConfig
from axiom_cli.options import GLOBAL_OPTIONS, ModelConfig, configured

if TYPE_CHECKING:
    from axiom_cli.loop import Loop

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=GLOBAL_OPTIONS)
@configured("problem_types", "control")
def loop(ctx: typer.Context, model: ModelConfig, config: LoopConfig) -> None:
    """Evaluate, collect, train, merge, repeat: the model learns from its own verified answers.

    Interrupted or killed, the same command again goes on from there. Writes experiments/NAME/.
    """
    from axiom_cli import models
    from axiom_cli.stages.plan import plan

    if config.plan:
        write(plan(config), None)
        return
    from axiom_cli.loop import Loop
    from axiom_cli.stages import report
    from axiom_cli.stages.experiment import read_experiment
    from axiom_cli.workspace import Workspace

    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    with console.watching() as watch:
        run = Loop(config, model.model or models.default(), workspace)
        run.watch = _Commentary(run, watch)
        run.run()
    found = report.report(read_experiment(config.experiment))
    write_page(found)
    show_tables([found])


class _Commentary:
    """Passes the loop's progress on, and tells each validation's pass rates as soon as they are known."""

    def __init__(self, run: Loop, watch: console.Watch) -> None:
        self._run, self._watch, self._told = run, watch, 0

    def __call__(self, what: str, done: int, total: int) -> None:
        rows = self._run.folder.rows
        for row in rows[self._told :] if len(rows) > self._told else ():
            if row.split == "val" and row.family == "all" and not row.level:
                console.note(_sentence(row, rows))
        self._told = len(rows)
        self._watch(what, done, total)


def _sentence(row: Any, rows: list[Any]) -> str:
    same = [
        r for r in rows if (r.experiment, r.iteration, r.split, r.level) == (row.experiment, row.iteration, "val", 0)
    ]
    parts = ", ".join(f"{r.family} {r.rate:.0%}" for r in same if r.family != "all")
    return f"{row.experiment}@{row.iteration}: {row.rate:.1%} of {row.n:,} validation problems ({parts})"

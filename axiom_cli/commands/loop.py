"""`axiom loop`."""

from __future__ import annotations

import typer

from axiom_cli import console
from axiom_cli.configs import LoopConfig
from axiom_cli.options import GLOBAL_OPTIONS, ModelConfig, configured

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=GLOBAL_OPTIONS)
@configured("problem_types", "control")
def loop(ctx: typer.Context, model: ModelConfig, config: LoopConfig) -> None:
    """Evaluate, collect, train, merge, repeat: the model learns from its own verified answers.

    Interrupted or killed, the same command again goes on from there.
    """
    from axiom_cli.loop import run
    from axiom_cli.workspace import Workspace

    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    run(config, model.name, workspace, console)

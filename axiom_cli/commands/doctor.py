"""`axiom doctor`."""

from __future__ import annotations

from pathlib import Path

import typer

from axiom_cli.commands.streams import AsJson, show
from axiom_cli.settings.options import GLOBAL_OPTIONS

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=GLOBAL_OPTIONS)
def doctor(ctx: typer.Context, json: AsJson = False) -> None:
    """What this machine can do, and why not more: accelerator, engines, isolation reached, disk, versions."""
    from axiom_cli.commands.machine import examine

    show("this machine", examine(Path(ctx.obj.config.workspace or ".axiom")), json)

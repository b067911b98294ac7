"""`axiom config`."""

from __future__ import annotations

import typer

from axiom_cli.commands.pages import page
from axiom_cli.commands.streams import AsJson, show_rows
from axiom_cli.settings.configs import GlobalConfig
from axiom_cli.settings.sources import CONFIGS, STAGES, resolve, section, user_file
from axiom_cli.terminal import console

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(**page("axiom config", "AXIOM_SOLVE_SAMPLES=4 axiom config --json | grep solve.samples"))
def config(ctx: typer.Context, json: AsJson = False) -> None:
    """Show every setting and where its value comes from.

    A flag beats an AXIOM_* variable, which beats ./axiom.toml, your own axiom.toml, and the default, in this order.
    """
    rows = []
    for cls in CONFIGS:
        settings = ctx.obj if cls is GlobalConfig else resolve(cls, {})
        prefix = f"{section(cls)}." if cls in STAGES else ""
        for name, value in vars(settings.config).items():
            rows.append({"setting": prefix + name, "value": value, "origin": settings.origins[name]})
    show_rows("settings", rows, json)
    own = user_file()
    yours = f"your own settings file is {own}" if own else "you have no home directory, so no settings file of your own"
    console.note(f"{yours}; a project has ./axiom.toml")

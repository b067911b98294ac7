"""`axiom config`."""

from __future__ import annotations

from typing import Any

import typer

from axiom_cli.commands.pages import page
from axiom_cli.commands.streams import AsJson, show_rows
from axiom_cli.settings.configs import GlobalConfig
from axiom_cli.settings.fields import spelled
from axiom_cli.settings.sources import CONFIGS, STAGES, Settings, resolve, section, user_file
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
        rows += settings_rows(settings, f"{section(cls)}." if cls in STAGES else "")
    show_rows("settings", rows, json)
    own = user_file()
    yours = f"your own settings file is {own}" if own else "you have no home directory, so no settings file of your own"
    console.note(f"{yours}; a project has ./axiom.toml")


def settings_rows(settings: Settings[Any], prefix: str) -> list[dict[str, Any]]:
    """A row for each option. One that several stages have is one row, unless they differ in it."""
    rows: dict[str, dict[str, Any]] = {}
    for place, part in settings.config.parts().items():
        held, dot = (getattr(settings.config, place), f"{place}.") if place else (settings.config, "")
        for option in part.options:
            value, origin = getattr(held, option.name), settings.origins[dot + option.name]
            name = prefix + spelled(option.name)
            if rows.get(name, {"value": value})["value"] != value:
                name = prefix + dot + spelled(option.name)
            rows.setdefault(name, {"setting": name, "value": value, "origin": origin})
    return list(rows.values())

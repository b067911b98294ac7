"""`axiom config`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from axiom_cli.commands.pages import page
from axiom_cli.commands.streams import AsJson, show_rows, stdout
from axiom_cli.settings.configs import GlobalConfig, LoopConfig
from axiom_cli.settings.fields import spelled
from axiom_cli.settings.files import preset_text, user_file
from axiom_cli.settings.names import CONFIGS, STAGES, section
from axiom_cli.settings.options import choice
from axiom_cli.settings.sources import Settings, resolve
from axiom_cli.terminal import console

app = typer.Typer(add_completion=False, rich_markup_mode=None)
PRESETS = ["", *LoopConfig.parts()[""].shown_choices("preset")]


Preset = Annotated[str, choice("--preset", PRESETS, "Print a preset of the loop; --json: the settings with it.")]


@app.command(
    **page(
        "axiom config",
        "AXIOM_SOLVE_SAMPLES=4 axiom config --json | grep solve.samples",
        "axiom config --preset classic > axiom.toml",
    )
)
def config(ctx: typer.Context, preset: Preset = "", json: AsJson = False) -> None:
    """Show every setting and where its value comes from, or a preset as a file of settings.

    A flag beats an AXIOM_* variable, which beats ./axiom.toml, your own axiom.toml, a preset, and the default, in this
    order. An axiom.toml in a folder is a whole experiment: `axiom loop` there runs it.
    """
    if preset and not json:
        stdout().write(preset_text(preset))
        console.note(f"axiom loop --preset {preset} runs it; written to axiom.toml, axiom loop alone does")
        return
    from axiom_cli.models.kind import kind_of

    rows, workspace = [], ctx.obj.config.workspace
    for cls in CONFIGS:
        resolved = resolve(cls, {"preset": preset or None}, lambda model: kind_of(model, workspace))
        settings = ctx.obj if cls is GlobalConfig else resolved
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

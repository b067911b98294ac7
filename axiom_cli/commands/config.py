"""`axiom config`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import typer

from axiom_cli.commands.pages import page
from axiom_cli.commands.streams import AsJson, show_rows
from axiom_cli.settings.fields import Config
from axiom_cli.settings.options import GlobalConfig, ModelConfig
from axiom_cli.settings.sources import PREFIX, STAGES, former_names, resolve, section, user_file
from axiom_cli.terminal import console

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(**page("axiom config", "AXIOM_SOLVE_SAMPLES=4 axiom config --json | grep solve.samples"))
def config(ctx: typer.Context, json: AsJson = False) -> None:
    """Show every setting and where its value comes from.

    A flag beats an AXIOM_* variable, which beats ./axiom.toml, your own axiom.toml, and the default, in this order.
    """
    show_rows("settings", _rows(ctx), json)
    console.note(f"your own settings file is {user_file()}; a project has ./axiom.toml")
    known = {name for cls in (GlobalConfig, ModelConfig, *STAGES) for name in _variables(cls)}
    for name in sorted(set(os.environ) - known):
        if name.startswith(PREFIX):
            console.warn(f"{name} is not a setting of axiom")


def _rows(ctx: typer.Context) -> Iterator[dict[str, Any]]:
    for cls in (GlobalConfig, ModelConfig, *STAGES):
        resolved = ctx.obj if cls is GlobalConfig else resolve(cls, {})
        prefix = "" if cls in (GlobalConfig, ModelConfig) else f"{section(cls)}."
        for field in fields(cls):
            value = getattr(resolved.config, field.name)
            yield {"setting": prefix + field.name, "value": value, "origin": resolved.origins[field.name]}


def _variables(cls: type[Config]) -> list[str]:
    names = [name.upper() for name in (*(field.name for field in fields(cls)), *former_names(cls))]
    return [PREFIX + name for name in names] + [f"{PREFIX}{section(cls).upper()}_{name}" for name in names]
